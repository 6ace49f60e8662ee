//! A list after any merges is the one that a plain map makes, and shares what did not change.

use std::collections::BTreeMap;

use drystone_testkit::{Draw, seed_of};

use super::*;
use crate::tree::Tree;

fn keyspace(id: u32) -> Arc<Keyspace> {
    Keyspace::new(KeyspaceId(id), Tree::default(), &PinBudget::new(0))
}

fn numbers(list: &KeyspaceList) -> Vec<u32> {
    list.iter().map(|keyspace| keyspace.id().0).collect()
}

/// How many chunks of `next` are those of `list`.
fn shared(list: &KeyspaceList, next: &KeyspaceList) -> usize {
    let is_old = |chunk: &&Arc<Chunk>| list.chunks.iter().any(|old| Arc::ptr_eq(old, chunk));
    next.chunks.iter().filter(is_old).count()
}

#[test]
fn merges_of_any_kind_keep_the_list() {
    let mut draw = Draw::new(seed_of("keyspace lists"));
    let budget = PinBudget::new(0);
    let mut list = KeyspaceList::default();
    let mut model = BTreeMap::new();
    for round in 0..400u64 {
        let mut fates = BTreeMap::new();
        let most = if round % 7 == 0 { 300 } else { 6 };
        for _ in 0..draw.below(most) {
            let id = u32::try_from(draw.below(1000)).unwrap();
            // Whole stretches go at times.
            let fate = match draw.below(3) {
                0 => Fate::Dropped,
                _ => Fate::Tree(Tree::default()),
            };
            fates.insert(KeyspaceId(id), fate);
        }
        for (id, fate) in &fates {
            match fate {
                Fate::Dropped => model.remove(&id.0),
                Fate::Tree(_) => model.insert(id.0, ()),
            };
        }
        let fates: Vec<_> = fates.into_iter().collect();
        list = list.with_fates(&fates, &budget);
        assert_eq!(numbers(&list), model.keys().copied().collect::<Vec<_>>());
        assert!(
            list.chunks
                .iter()
                .all(|chunk| (1..=CHUNK_LEN).contains(&chunk.ids.len()))
        );
        for id in 0..1000 {
            let found = list.find(KeyspaceId(id)).map(|place| list.at(place).id());
            assert_eq!(found, model.contains_key(&id).then_some(KeyspaceId(id)));
        }
    }
}

#[test]
fn a_merge_of_one_keyspace_shares_all_chunks_but_one() {
    let list = KeyspaceList::new((0..10_000).map(keyspace));
    assert_eq!(list.chunks.len(), 10_000_usize.div_ceil(CHUNK_LEN));
    let fates = [(KeyspaceId(5_000), Fate::Tree(Tree::default()))];
    let next = list.with_fates(&fates, &PinBudget::new(0));
    assert_eq!(shared(&list, &next), list.chunks.len() - 1);
}

#[test]
fn chunks_that_became_small_are_joined() {
    let mut list = KeyspaceList::new((0..10_000).map(keyspace));
    let budget = PinBudget::new(0);
    for id in (0..10_000).filter(|id| id % 100 != 0) {
        list = list.with_fates(&[(KeyspaceId(id), Fate::Dropped)], &budget);
    }
    assert_eq!(numbers(&list), (0..10_000).step_by(100).collect::<Vec<_>>());
    assert!(list.chunks.len() <= 8, "{}", list.chunks.len());
}
