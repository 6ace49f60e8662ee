//! Keys of the catalog of keyspaces.

use super::*;

#[test]
fn a_name_comes_back_from_its_key() {
    let longest = "n".repeat(KEYSPACE_NAME_BYTES_MAX);
    for name in ["a", "\u{e6}\0 b", &longest] {
        assert_eq!(decode_name(&name_key(name)).unwrap(), name);
    }
}

/// Found by fuzzing: what is no key of a name was one of the name "".
#[test]
fn a_key_without_a_name_is_damage() {
    let too_long = name_key(&"n".repeat(KEYSPACE_NAME_BYTES_MAX + 1));
    let number = number_key(FIRST);
    for key in [&b""[..], &[TAG_NAME], &[TAG_NAME, 0xFF], &number, &too_long] {
        let decoded = decode_name(key);
        let is_damage = matches!(decoded, Err(StoreError::CorruptCatalog { .. }));
        assert!(is_damage, "{key:?}: {decoded:?}");
    }
}
