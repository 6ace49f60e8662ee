//! The oracle knows what may be left, and who must meet a conflict.

use super::*;
use crate::operation::{Change, Payload};

/// An oracle with one keyspace of life 1.
fn with_keyspace() -> Oracle {
    let mut oracle = Oracle::new();
    let life = oracle.lives.next();
    let mut create = ModelTransaction::begin(&oracle);
    let made = Space {
        life,
        ..Space::default()
    };
    create.state.spaces.insert(0, made);
    create.footprint.changes_catalog = true;
    oracle.commit(&create, Durable::Sync);
    oracle
}

fn put(transaction: &mut ModelTransaction, key: u16) {
    let value = Some(Payload { len: 3, seed: 1 });
    let change = Change {
        space: 0,
        key,
        value,
    };
    assert!(transaction.change(1, &change));
}

fn commit(oracle: &mut Oracle, key: u16, durable: Durable) {
    let mut transaction = ModelTransaction::begin(oracle);
    put(&mut transaction, key);
    oracle.commit(&transaction, durable);
}

#[test]
fn a_crash_may_take_back_a_suffix_that_nobody_synced() {
    let mut oracle = with_keyspace();
    commit(&mut oracle, 1, Durable::Sync);
    commit(&mut oracle, 2, Durable::Async);
    commit(&mut oracle, 3, Durable::None);
    assert_eq!((oracle.floor(), oracle.newest_number()), (2, 4));
    oracle.stepped();
    assert_eq!(oracle.floor(), 3, "a step makes Async commits durable");
    let numbers: Vec<usize> = oracle.candidates(3).map(|(number, _)| number).collect();
    assert_eq!(numbers, [4, 3]);
    oracle.found(3);
    assert_eq!((oracle.floor(), oracle.newest_number()), (3, 3));
}

#[test]
fn a_sync_vouches_for_what_was_durable_before_the_newest_commit() {
    let mut oracle = with_keyspace();
    commit(&mut oracle, 1, Durable::Sync);
    assert_eq!((oracle.vouched(), oracle.floor()), (1, 2));
    commit(&mut oracle, 2, Durable::Async);
    commit(&mut oracle, 3, Durable::None);
    oracle.stepped();
    oracle.synced();
    let vouched = (oracle.vouched(), oracle.floor());
    assert_eq!(vouched, (1, 4), "the step wrote both, the sync nothing");
    commit(&mut oracle, 4, Durable::Sync);
    assert_eq!((oracle.vouched(), oracle.floor()), (4, 5));
    oracle.closed();
    assert_eq!(oracle.vouched(), 5, "there is a marker at the end");
}

#[test]
fn a_commit_takes_memory_for_its_writes_keyspaces_and_definitions() {
    let mut footprint = Footprint::default();
    assert_eq!(footprint.memory(), 0);
    footprint.write(1, bytes::Bytes::from_static(b"key"), 1_000);
    let one = footprint.memory();
    assert!(one > 1_003);
    footprint.write(1, bytes::Bytes::from_static(b"yek"), 1_000);
    let two = footprint.memory() - one;
    assert!(two > 1_003 && two < one, "the keyspace counts once");
    let before = footprint.memory();
    footprint.define(0);
    assert!(footprint.memory() > before);
}

#[test]
fn a_commit_that_failed_may_be_found_after_a_reopen_and_not_before() {
    let mut oracle = with_keyspace();
    let mut failed = ModelTransaction::begin(&oracle);
    put(&mut failed, 7);
    oracle.may_have_committed(&failed);
    assert!(oracle.newest().spaces[&0].entries.is_empty());
    let found = oracle.candidates(oracle.floor()).map(|(number, _)| number);
    assert_eq!(found.collect::<Vec<_>>(), [2, 1]);
    oracle.found(2);
    assert_eq!(oracle.newest().spaces[&0].entries.len(), 1);
}

#[test]
fn who_came_second_to_a_key_meets_a_conflict() {
    let mut oracle = with_keyspace();
    let begin = |oracle: &Oracle, key: u16| {
        let mut transaction = ModelTransaction::begin(oracle);
        put(&mut transaction, key);
        transaction
    };
    let (same, other) = (begin(&oracle, 1), begin(&oracle, 2));
    let mut guards = begin(&oracle, 3);
    guards.footprint.guarded_whole.insert(1);
    commit(&mut oracle, 1, Durable::Sync);
    assert_eq!(oracle.conflict(&same, u64::MAX), Conflict::Yes);
    assert_eq!(oracle.conflict(&guards, u64::MAX), Conflict::Yes);
    assert_eq!(oracle.conflict(&other, u64::MAX), Conflict::No);
    assert_eq!(
        oracle.conflict(&other, 1),
        Conflict::Perhaps,
        "too long ago to be checked"
    );
    oracle.commit(&other, Durable::Sync);
    let keys = oracle.newest().spaces[&0].entries.len();
    assert_eq!(keys, 2, "both changes are there");
}

#[test]
fn a_rollback_to_a_savepoint_forgets_what_was_touched() {
    let mut oracle = with_keyspace();
    let mut transaction = ModelTransaction::begin(&oracle);
    put(&mut transaction, 1);
    transaction.savepoint();
    put(&mut transaction, 2);
    transaction.rollback_to(0);
    commit(&mut oracle, 2, Durable::Sync);
    assert_eq!(oracle.conflict(&transaction, u64::MAX), Conflict::No);
}
