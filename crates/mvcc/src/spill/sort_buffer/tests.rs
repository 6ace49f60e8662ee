//! The sort buffer against a map.

use std::collections::BTreeMap;

use drystone_testkit::Draw;

use super::*;

const KEYSPACE: KeyspaceId = KeyspaceId(3);

type Model = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn check(keys: impl IntoIterator<Item = Vec<u8>>) {
    let mut model = Model::new();
    let mut buffer = SortBuffer::new(KEYSPACE);
    for (number, key) in keys.into_iter().enumerate() {
        let value = (number % 5 > 0).then(|| number.to_string().into_bytes());
        buffer.push(&key, value.as_deref());
        model.insert(key, value);
    }
    let sorted = buffer.sort(KnownKeys::Replaced).unwrap();
    assert_eq!(sorted.len(), model.len());
    for (idx, (key, value)) in model.iter().enumerate() {
        let entry = sorted.entry(idx);
        assert_eq!((entry.key, entry.value), (&key[..], value.as_deref()));
        assert_eq!(sorted.lower_bound_from(idx / 2, key), idx);
    }
    assert_eq!(sorted.lower_bound_from(0, &[0xFF; 20]), sorted.len());
}

#[test]
fn the_last_of_each_key_comes_out_in_order() {
    let mut draw = Draw::new(5);
    let random = |draw: &mut Draw, len: u64| {
        let len = usize::try_from(draw.below(len)).unwrap();
        draw.bytes(len)
    };
    check((0..2000).map(|_| random(&mut draw, 4)));
    check((0..500).map(|_| [&b"a long prefix of all keys "[..], &random(&mut draw, 12)].concat()));
    check((0..500u32).map(|number| number.to_be_bytes().to_vec()));
    check(
        (0..500u32)
            .rev()
            .map(|number| (number / 2).to_be_bytes().to_vec()),
    );
    check((0..500u32).map(|number| (number / 3).to_be_bytes().to_vec()));
    // Heads that are equal for keys that are not: zeros at the end.
    check((0..40).map(|number| vec![0; (number * 7) % 20]));
    check([]);
}

#[test]
fn heads_order_as_keys_do() {
    assert!(head_of(b"a") < head_of(b"a\x01"));
    assert!(head_of(b"a\xff") < head_of(b"b"));
    assert_eq!(head_of(b"12345678"), head_of(b"123456789"));
    assert_eq!(head_of(b""), 0);
}

#[test]
fn a_key_that_comes_twice_is_refused_where_known_keys_are() {
    let sort = |keys: &[&[u8]]| {
        let mut buffer = SortBuffer::new(KEYSPACE);
        for key in keys {
            buffer.push(key, Some(b"value"));
        }
        buffer.sort(KnownKeys::Refused)
    };
    assert_eq!(sort(&[b"b", b"a", b"c"]).unwrap().len(), 3);
    for keys in [[b"b", b"a", b"b"], [b"a", b"b", b"b"]] {
        let keys = keys.map(|key| &key[..]);
        let error = sort(&keys).unwrap_err();
        let StoreError::KeyExists { key, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(key, "b");
    }
}
