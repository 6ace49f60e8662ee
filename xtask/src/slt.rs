//! SQL logic tests: files in the format of SQLite's suite, run by the facade's example `slt`.

use std::fs;
use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

/// Where the corpus lies, from the workspace's root. It is not part of the repository.
const CORPUS: &str = "../shared/slt";

/// What is run whole where only a part of the corpus is wanted.
const WHOLE: [&str; 6] = [
    "select1.test",
    "select2.test",
    "select3.test",
    "select4.test",
    "select5.test",
    "evidence",
];

/// Folders of groups; a group is a folder of tests, and of folders of tests.
const GROUPED: [&str; 2] = ["index", "random"];

/// Files of each group where only a part of the corpus is wanted.
const FILES_PER_GROUP: usize = 2;

/// Runs files, and all files in folders; the whole corpus where none are named.
pub(crate) fn run(shell: &Shell, root: &Path, paths: &[PathBuf]) -> anyhow::Result<()> {
    let corpus = [root.join(CORPUS)];
    let paths = if paths.is_empty() { &corpus } else { paths };
    Ok(cmd!(
        shell,
        "cargo run --quiet --profile campaign --package drystone --example slt -- --label postgresql {paths...}"
    )
    .run()?)
}

/// Runs a part of the corpus that takes a minute or two; nothing where there is no corpus.
pub(crate) fn run_part(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    let corpus = root.join(CORPUS);
    if !corpus.is_dir() {
        return Ok(());
    }
    let mut paths: Vec<PathBuf> = WHOLE.iter().map(|name| corpus.join(name)).collect();
    for folder in GROUPED {
        for group in children(&corpus.join(folder))? {
            paths.extend(tests_in(&group)?.into_iter().take(FILES_PER_GROUP));
        }
    }
    paths.retain(|path| path.exists());
    run(shell, root, &paths)
}

fn tests_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut tests = Vec::new();
    for child in children(folder)? {
        if child.is_dir() {
            tests.extend(tests_in(&child)?);
        } else if child.extension().is_some_and(|end| end == "test") {
            tests.push(child);
        }
    }
    Ok(tests)
}

/// What a folder holds, by name; nothing where there is no such folder.
fn children(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut children = Vec::new();
    for entry in fs::read_dir(folder)? {
        children.push(entry?.path());
    }
    children.sort();
    Ok(children)
}
