//! The workspace keeps its own rules, and a breach of each rule is found.

use super::*;

#[test]
fn the_workspace_is_tidy() {
    let shell = Shell::new().unwrap();
    let root = crate::workspace_root().unwrap();
    shell.change_dir(&root);
    run(&shell, &root).unwrap();
}

#[test]
fn finds_a_dependency_that_points_downwards() {
    let metadata = serde_json::json!({ "packages": [
        { "name": "drystone-wal", "dependencies": [
            { "name": "drystone-base", "kind": null },
            { "name": "drystone-testkit", "kind": "dev" },
            { "name": "drystone-mvcc", "kind": null },
        ] },
        { "name": "drystone-stray", "dependencies": [] },
    ] });
    let breaches = layer_breaches(&metadata).unwrap();
    assert_eq!(
        breaches,
        [
            "T1 drystone-wal: depends on drystone-mvcc, which is not above it in the table",
            "T1 drystone-stray: is not listed in LAYERS",
        ]
    );
}

#[test]
fn finds_stray_files_and_open_ends() {
    let breaches = top_level_breaches(&[
        PathBuf::from("notes.txt"),
        PathBuf::from("crates/base/src/lib.rs"),
    ]);
    assert_eq!(breaches, ["T3 notes.txt: has no place at the top level"]);
    let breaches = open_ends(Path::new("a.rs"), "//! A.\n// FIXME later\n");
    assert_eq!(breaches, ["T5 a.rs:2: holds FIXME"]);
    let text =
        "#[cfg_attr(miri, ignore = \"slow\")]\n#[cfg_attr(miri, ignore)]\n#[ignore = \"slow\"]\n";
    assert_eq!(
        open_ends(Path::new("a.rs"), text),
        ["T5 a.rs:2: says not why", "T5 a.rs:3: holds #[ignore"]
    );
}

#[test]
fn finds_a_latch_that_no_model_checker_stands_in_for() {
    let text = "use std::sync::Arc;\nuse std::sync::{Arc, OnceLock};\nuse parking_lot::Mutex;\n\
                a: std::sync::Arc<str>,\nuse std::sync::atomic::AtomicU8;\n// parking_lot::Mutex\n\
                use drystone_base::sync::OnceLock;\nuse std::sync::{Arc, Weak};\n";
    let lines = |path: &str| {
        let breaches = foreign_latches(Path::new(path), text);
        let line_of = |breach: &String| breach.split(':').nth(1).unwrap().parse().unwrap();
        breaches.iter().map(line_of).collect::<Vec<usize>>()
    };
    assert_eq!(lines("crates/wal/src/log.rs"), [2, 3, 5]);
    assert!(lines("crates/wal/src/log/tests.rs").is_empty());
    assert!(lines("crates/base/src/sync/model.rs").is_empty());
}

#[test]
fn finds_a_feature_without_a_comment() {
    let text =
        "[features]\n# The default.\ndefault = []\nsql = []\n[dependencies]\nbytes = \"1\"\n";
    assert_eq!(
        manifest_breaches(Path::new("Cargo.toml"), text),
        ["T6 Cargo.toml: no comment above sql = []"]
    );
}

#[test]
fn finds_a_file_that_no_module_declares() {
    let root = crate::workspace_root().unwrap();
    assert!(is_module(&root, Path::new("xtask/src/tidy/tests.rs")));
    assert!(!is_module(&root, Path::new("xtask/src/nobody.rs")));
}

#[test]
fn finds_a_planted_bug_that_is_not_in_the_list_and_one_that_is_nowhere() {
    let mut planted = Planted::default();
    planted.read(
        Path::new("crates/wal/src/log.rs"),
        "if is_planted(\"known\") {}\nif is_planted(\n    \"unlisted\",\n) {}\n",
    );
    planted.read(
        Path::new("crates/wal/src/log/tests.rs"),
        "is_planted(\"test\")",
    );
    planted.read(
        Path::new("crates/simulator/src/canary.rs"),
        "bug(\"known\", Lost, \"what\"),\nbug(\"lost\", Lost, \"what\"),\nconst fn bug(name: &str)",
    );
    assert_eq!(
        planted.breaches(),
        [
            "T8 crates/wal/src/log.rs: unlisted is no canary of a list",
            "T8 crates/simulator/src/canary.rs: lost is planted nowhere",
        ]
    );
}

#[test]
fn finds_unsafe_code_that_is_not_interpreted() {
    let breach = |path: &str, text: &str| unsafe_code::breach(Path::new(path), text).is_some();
    for code in [
        "unsafe { f() }",
        "unsafe impl Send for X {}",
        "#[unsafe(no_mangle)]",
    ] {
        assert!(breach("crates/wal/src/log.rs", code), "{code}");
        assert!(!breach("crates/mvcc/src/memtable/arena.rs", code), "{code}");
    }
    let block = "    unsafe {";
    assert!(!breach("crates/mvcc/src/memtable.rs", block));
    assert!(breach("crates/mvcc/src/memtables.rs", block));
    assert!(breach("crates/mvcc/tests/it/memtable.rs", block));
    assert!(!breach(
        "crates/wal/src/log.rs",
        "// unsafe { } is nowhere here\n"
    ));
    assert!(!breach("crates/wal/src/log.rs", "#![deny(unsafe_code)]"));
}
