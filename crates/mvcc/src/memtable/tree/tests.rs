//! Tests of the tree: against a map of all versions, with readers beside the writer, and its own structure.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// Every version of every key.
type Model = BTreeMap<Vec<u8>, Vec<(Lsn, Option<Bytes>)>>;

/// The longest a generated key gets, so that Miri finishes.
const PUTS_MAX: usize = if cfg!(miri) { 60 } else { 2_000 };
const CASES: u32 = if cfg!(miri) { 4 } else { 64 };

fn build(puts: &[(Vec<u8>, Option<u8>)]) -> (Arc<Tree>, Model) {
    let tree = Arc::new(Tree::new());
    let mut model = Model::new();
    for (number, (key, value)) in (1..).zip(puts) {
        let value = value.map(|value| Bytes::from(vec![value; 3 * usize::from(value)]));
        assert!(tree.put(key, Lsn(number), value.as_ref()) > 0);
        model
            .entry(key.clone())
            .or_default()
            .push((Lsn(number), value));
    }
    tree.check();
    (tree, model)
}

fn visible(versions: &[(Lsn, Option<Bytes>)], lsn: Lsn) -> Option<Option<Bytes>> {
    let version = versions.iter().rev().find(|version| version.0 <= lsn)?;
    Some(version.1.clone())
}

fn entries(model: &Model, lsn: Lsn) -> Vec<(Vec<u8>, Option<Bytes>)> {
    let all = model.iter();
    all.filter_map(|(key, versions)| Some((key.clone(), visible(versions, lsn)?)))
        .collect()
}

fn forward(cursor: &mut TreeCursor, start: Bound<&[u8]>) -> Vec<(Vec<u8>, Option<Bytes>)> {
    let mut all = Vec::new();
    cursor.seek(start);
    while let Some(key) = cursor.key() {
        all.push((key.to_vec(), cursor.value()));
        cursor.next();
    }
    all
}

fn backward(cursor: &mut TreeCursor, end: Bound<&[u8]>) -> Vec<(Vec<u8>, Option<Bytes>)> {
    let mut all = Vec::new();
    cursor.seek_back(end);
    while let Some(key) = cursor.key() {
        all.push((key.to_vec(), cursor.value()));
        cursor.prev();
    }
    all.reverse();
    all
}

/// Keys with shared beginnings of several lengths, so that heads tie and nodes skip.
fn any_key() -> impl Strategy<Value = Vec<u8>> {
    let prefix = proptest::sample::select(vec![
        &b""[..],
        b"a",
        b"shared prefix/",
        b"shared prefix/deeper/",
    ]);
    (prefix, proptest::collection::vec(0..4u8, 0..6))
        .prop_map(|(prefix, rest)| [prefix, &rest].concat())
}

fn any_bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        any_key().prop_map(Bound::Included),
        any_key().prop_map(Bound::Excluded),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn agrees_with_a_map_of_versions(
        puts in proptest::collection::vec((any_key(), any::<Option<u8>>()), 0..PUTS_MAX),
        at in 0..=PUTS_MAX,
        bound in any_bound(),
    ) {
        let (tree, model) = build(&puts);
        let lsn = Lsn(at as u64);
        for (key, versions) in &model {
            prop_assert_eq!(tree.get(key, lsn), visible(versions, lsn));
            prop_assert_eq!(tree.newest_of(key), Some(versions.last().unwrap().0));
        }
        prop_assert_eq!(tree.get(b"never written", Lsn::MAX), None);
        let all = entries(&model, lsn);
        let mut cursor = TreeCursor::new(&tree, lsn);
        let bound = bound.as_ref().map(Vec::as_slice);
        let within = |start: Bound<&[u8]>, end: Bound<&[u8]>| -> Vec<_> {
            let inside = |key: &[u8]| std::ops::RangeBounds::<[u8]>::contains(&(start, end), key);
            all.iter().filter(|(key, _)| inside(key)).cloned().collect()
        };
        prop_assert_eq!(forward(&mut cursor, bound), within(bound, Bound::Unbounded));
        prop_assert_eq!(backward(&mut cursor, bound), within(Bound::Unbounded, bound));
    }
}

/// Changes as commits have them: each a run of keys that ascend, at an LSN of its own.
fn any_commits() -> impl Strategy<Value = Vec<BTreeMap<Vec<u8>, Option<u8>>>> {
    let few = proptest::collection::btree_map(any_key(), any::<Option<u8>>(), 0..40);
    let many = (0..PUTS_MAX as u64 / 2, 1..PUTS_MAX as u64).prop_map(|(first, count)| {
        let numbers = (first..first + count).map(|number| (number_key(number * 3), Some(1)));
        numbers.collect()
    });
    let commits_max = if cfg!(miri) { 3 } else { 8 };
    proptest::collection::vec(prop_oneof![4 => few, 1 => many], 0..commits_max)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn batches_agree_with_a_map_of_versions(commits in any_commits()) {
        let tree = Arc::new(Tree::new());
        let mut model = Model::new();
        for (lsn, commit) in (1..).map(Lsn).zip(&commits) {
            let value = |value: Option<u8>| value.map(|value| Bytes::from(vec![value; 30]));
            let changes: Vec<_> = commit
                .iter()
                .map(|(key, written)| (Bytes::from(key.clone()), value(*written)))
                .collect();
            let added = tree.put_all(changes.iter().map(|(key, value)| (key, value.as_ref())), lsn);
            prop_assert_eq!(added > 0, !changes.is_empty());
            for (key, value) in changes {
                model.entry(key.to_vec()).or_default().push((lsn, value));
            }
            tree.check();
            let mut cursor = TreeCursor::new(&tree, lsn);
            prop_assert_eq!(forward(&mut cursor, Bound::Unbounded), entries(&model, lsn));
        }
        for (key, versions) in &model {
            for (lsn, value) in versions {
                prop_assert_eq!(tree.get(key, *lsn), Some(value.clone()));
            }
        }
    }
}

fn number_key(number: u64) -> Vec<u8> {
    format!("number/{number:08}").into_bytes()
}

#[test]
fn ascending_keys_fill_their_leaves() {
    let count = if cfg!(miri) { 100 } else { 10_000 };
    let puts: Vec<_> = (0..count)
        .map(|number| (number_key(number), Some(1)))
        .collect();
    let (tree, _) = build(&puts);
    let mut leaves = 0;
    let mut node = tree.descend(Target::First);
    while let Some(upper) = node.1.upper {
        leaves += 1;
        assert_eq!(tree.order(node.0).len(), SLOTS);
        node = tree.descend(Target::At(tree.entry(upper).key()));
    }
    assert_eq!(leaves, (count - 1) / SLOTS as u64);
}

#[test]
fn descending_keys_are_found() {
    let count = if cfg!(miri) { 100 } else { 10_000 };
    let puts: Vec<_> = (0..count)
        .rev()
        .map(|number| (number_key(number), Some(1)))
        .collect();
    let (tree, model) = build(&puts);
    let mut cursor = TreeCursor::new(&tree, Lsn::MAX);
    assert_eq!(
        forward(&mut cursor, Bound::Unbounded),
        entries(&model, Lsn::MAX)
    );
}

#[test]
fn values_are_freed_with_the_tree() {
    let value = Bytes::from(vec![7; INLINE_BYTES_MAX + 1]);
    let tree = Tree::new();
    for number in 0..100u64 {
        let key = number_key(number % 30);
        tree.put(&key, Lsn(number + 1), Some(&value));
    }
    assert!(!value.is_unique());
    drop(tree);
    assert!(value.is_unique());
}

#[test]
fn a_cursor_outlives_the_handle_and_ignores_later_commits() {
    let tree = Arc::new(Tree::new());
    for number in (0..200u64).step_by(2) {
        tree.put(&number_key(number), Lsn(1), Some(&Bytes::new()));
    }
    let mut cursor = TreeCursor::new(&tree, Lsn(1));
    cursor.seek(Bound::Unbounded);
    for number in 0..200u64 {
        tree.put(&number_key(number), Lsn(2), None);
    }
    drop(tree);
    for number in (0..200u64).step_by(2) {
        assert_eq!(cursor.key(), Some(&number_key(number)[..]));
        assert_eq!(cursor.value(), Some(Bytes::new()));
        cursor.next();
    }
    assert_eq!(cursor.key(), None);
}

/// One writer adds versions of scattered keys, all keys of a round at one LSN; readers take the LSN that was published
/// last and must find every key as that round left it, by get and by cursors in both directions.
#[test]
fn readers_beside_the_writer_see_whole_states() {
    let (keys, rounds) = if cfg!(miri) {
        (24u64, 4u64)
    } else {
        (1_000, 60)
    };
    let tree = Arc::new(Tree::new());
    let published = AtomicU64::new(0);
    let scattered = |number: u64| number_key(number.wrapping_mul(7_919) % 100_000);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while published.load(Ordering::Acquire) < rounds {
                    let lsn = published.load(Ordering::Acquire);
                    let expected = |number| {
                        // A key is written every second round, by its parity.
                        let newest = if number % 2 == lsn % 2 {
                            lsn
                        } else {
                            lsn.saturating_sub(1)
                        };
                        (newest > 0).then(|| Some(Bytes::copy_from_slice(&newest.to_le_bytes())))
                    };
                    for number in 0..keys {
                        assert_eq!(tree.get(&scattered(number), Lsn(lsn)), expected(number));
                    }
                    let mut cursor = TreeCursor::new(&tree, Lsn(lsn));
                    let there = (0..keys)
                        .filter(|&number| expected(number).is_some())
                        .count();
                    let found = forward(&mut cursor, Bound::Unbounded);
                    assert_eq!(found.len(), there);
                    assert_eq!(backward(&mut cursor, Bound::Unbounded), found);
                }
            });
        }
        for lsn in 1..=rounds {
            for number in (0..keys).filter(|number| number % 2 == lsn % 2) {
                let value = Bytes::copy_from_slice(&lsn.to_le_bytes());
                tree.put(&scattered(number), Lsn(lsn), Some(&value));
            }
            published.store(lsn, Ordering::Release);
        }
    });
    tree.check();
}
