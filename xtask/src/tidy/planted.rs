//! T8: the code and the lists of canaries name the same planted bugs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the simulator finds, and what models of threads find.
const LISTS: [&str; 2] = [
    "crates/simulator/src/canary.rs",
    "xtask/src/threads/canary.rs",
];

/// The names of planted bugs that were met, each with a file.
#[derive(Default)]
pub(super) struct Planted {
    planted: BTreeMap<String, PathBuf>,
    listed: BTreeMap<String, PathBuf>,
}

impl Planted {
    /// Looks at a source file. Tests may name bugs that are not there.
    pub(super) fn read(&mut self, path: &Path, text: &str) {
        let is_test = path.ends_with("tests.rs") || path.iter().any(|part| part == "tests");
        let is_code = path.starts_with("crates") && !path.ends_with("base/src/planted.rs");
        if LISTS.iter().any(|list| path == Path::new(list)) {
            self.listed.extend(names(text, "bug(", path));
        } else if is_code && !is_test {
            self.planted.extend(names(text, "is_planted(", path));
        }
    }

    /// What is planted and not listed, or listed and not planted.
    pub(super) fn breaches(&self) -> Vec<String> {
        let stray = |here: &BTreeMap<String, PathBuf>, there: &BTreeMap<_, _>, what: &str| {
            let stray = here.iter().filter(|(name, _)| !there.contains_key(*name));
            stray
                .map(|(name, path)| format!("T8 {}: {name} {what}", path.display()))
                .collect::<Vec<_>>()
        };
        let mut breaches = stray(&self.planted, &self.listed, "is no canary of a list");
        breaches.extend(stray(&self.listed, &self.planted, "is planted nowhere"));
        breaches
    }
}

/// The string literals that follow `call`.
fn names(text: &str, call: &str, path: &Path) -> Vec<(String, PathBuf)> {
    let arguments = text.split(call).skip(1);
    arguments
        .filter_map(|argument| argument.trim_start().strip_prefix('"'))
        .filter_map(|rest| rest.split_once('"'))
        .map(|(name, _)| (name.to_owned(), path.to_owned()))
        .collect()
}
