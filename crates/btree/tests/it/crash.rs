//! Power cut at every operation of merges that split, join, drop, spill and shrink.

use std::path::{Path, PathBuf};

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeOptions, MIN_PAGE_BYTES};
use drystone_engine::{Budget, Engine, SliceChanges, Snapshot};
use drystone_testkit::{Batch, CRASH_FOLDER, Checked, CrashPoints, Model, Promises, Witness};

fn folder() -> PathBuf {
    Path::new(CRASH_FOLDER).join("btree")
}

fn open(env: &Env) -> BTree {
    let options = BTreeOptions {
        page_bytes: MIN_PAGE_BYTES,
        ..BTreeOptions::default()
    };
    BTree::open(env, &folder(), options).unwrap()
}

/// Merges that take a tree through all it can do.
fn batches() -> Vec<Batch> {
    let (wide, long) = (KeyspaceId(1), KeyspaceId(2));
    let key = |number: u32| format!("stone {number:05}");
    let mut batches = vec![Batch::new(); 7];
    (0..200).for_each(|number| batches[0].put(wide, key(number * 10), vec![b'a'; 20]));
    (0..200).for_each(|number| batches[1].put(wide, key(number * 10 + 5), vec![b'b'; 20]));
    (0..6).for_each(|number| batches[1].put(long, key(number), vec![b'c'; 5000]));
    (20..180).for_each(|number| batches[2].delete(wide, key(number * 10)));
    (3000..3040).for_each(|number| batches[3].put(wide, key(number), "at the end"));
    batches[3].put(long, key(2), "short now");
    batches[4].drop_keyspace(long);
    (0..200).for_each(|number| batches[5].delete(wide, key(number * 10 + 5)));
    batches[6].put(wide, "", "the empty key");
    batches
}

fn workload(env: &Env, witness: &Witness) {
    let tree = open(env);
    for (number, batch) in (1..).zip(batches()) {
        witness.begin(number);
        let changes = batch.changes();
        tree.merge(
            &mut SliceChanges::new(&batch.dropped, &changes),
            Lsn(number),
        )
        .unwrap();
        witness.acknowledge(number);
        tree.step(Budget { bytes: 1 << 20 }).unwrap();
    }
}

fn check(model: &Model, env: &Env, promises: &Promises<'_>) -> Checked {
    let tree = open(env);
    let at = tree.merged_lsn();
    assert!(
        (promises.last_acknowledged()..=promises.last_begun()).contains(&at.0),
        "opened at {at}"
    );
    let snapshot = tree.newest();
    assert_eq!(snapshot.keyspaces()?, model.keyspaces(at));
    for id in snapshot.keyspaces()? {
        let found: Vec<_> = snapshot.range(id, ..).collect::<Result<_, _>>()?;
        drystone_testkit::compare(&model.entries(at, id), &found)?;
    }
    let report = tree.verify()?;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    Ok(())
}

#[test]
fn a_power_cut_leaves_the_state_before_a_merge_or_after_it() {
    let mut model = Model::new();
    for (number, batch) in (1..).zip(batches()) {
        model.commit(Lsn(number), &batch);
    }
    let report = CrashPoints::new("merges of a tree")
        .run(workload, |env, promises| check(&model, env, promises));
    assert!(report.points > 500, "{report:?}");
}

/// The check has teeth: a tree that takes merges for durable that it never wrote does not pass.
#[test]
#[should_panic(expected = "opened at")]
fn a_tree_that_forgets_a_merge_is_found_out() {
    let model = Model::new();
    let forgetful = |env: &Env, witness: &Witness| {
        let tree = open(env);
        witness.begin(1);
        let _kept_for_later = tree.newest();
        witness.acknowledge(1);
    };
    CrashPoints::new("a forgetful tree")
        .run(forgetful, |env, promises| check(&model, env, promises));
}
