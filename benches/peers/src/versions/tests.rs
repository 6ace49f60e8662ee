//! Tests of the versions.

use super::*;

#[test]
fn packages_of_the_lock_file_have_a_version() {
    assert_eq!(of(&["drystone"]), "drystone 0.1.0");
    assert!(of(&["redb", "heed"]).starts_with("redb 4."));
    assert_eq!(of(&["drystone-of-sand"]), "");
}
