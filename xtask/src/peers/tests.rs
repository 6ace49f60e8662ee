//! Tests of which rivals are built.

use super::*;

fn features_of(arguments: &[&str]) -> String {
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| (*argument).to_owned())
        .collect();
    features(&arguments)
}

#[test]
fn all_rivals_are_built_where_none_are_named() {
    let all = "peer-redb,peer-lmdb,peer-fjall,peer-sqlite,peer-rocksdb";
    assert_eq!(features_of(&[]), all);
    assert_eq!(features_of(&["--quick", "--runs", "3"]), all);
}

#[test]
fn only_the_rivals_that_are_named_are_built() {
    let named = ["--quick", "--engines", "drystone,lmdb,bare"];
    assert_eq!(features_of(&named), "peer-lmdb");
    assert_eq!(
        features_of(&["--engines=redb,sqlite"]),
        "peer-redb,peer-sqlite"
    );
    assert_eq!(features_of(&["--engines", "drystone"]), "");
}
