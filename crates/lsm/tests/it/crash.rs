//! Power cut at every operation of merges and compactions, stages among them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{Budget, Engine, Progress, SliceChanges, Snapshot, Staging};
use drystone_lsm::{Lsm, LsmOptions};
use drystone_testkit::{Batch, CRASH_FOLDER, Checked, CrashPoints, Model, Promises, Witness};

use crate::small;

fn folder() -> PathBuf {
    Path::new(CRASH_FOLDER).join("lsm")
}

fn open(env: &Env) -> Lsm {
    // The manifest is written anew again and again.
    let options = LsmOptions {
        manifest_bytes: 256,
        ..small()
    };
    Lsm::open(env, &folder(), options).unwrap()
}

/// Merges that leave runs, fill levels, delete, drop, and hold values longer than an SST.
fn batches() -> Vec<Batch> {
    let (wide, long) = (KeyspaceId(1), KeyspaceId(2));
    let key = |number: u32| format!("stone {number:05}");
    let mut batches = vec![Batch::new(); 9];
    (0..200).for_each(|number| batches[0].put(wide, key(number * 10), vec![b'a'; 20]));
    (0..200).for_each(|number| batches[1].put(wide, key(number * 10 + 5), vec![b'b'; 20]));
    (0..6).for_each(|number| batches[1].put(long, key(number), vec![b'c'; 5000]));
    (20..180).for_each(|number| batches[2].delete(wide, key(number * 10)));
    (3000..3040).for_each(|number| batches[3].put(wide, key(number), "at the end"));
    batches[3].put(long, key(2), "short now");
    batches[4].drop_keyspace(long);
    (0..200).for_each(|number| batches[5].delete(wide, key(number * 10 + 5)));
    batches[6].put(wide, "", "the empty key");
    (0..100).for_each(|number| batches[7].put(wide, key(number * 7), vec![b'd'; 30]));
    (0..100).for_each(|number| batches[8].put(wide, key(number * 11), vec![b'e'; 30]));
    batches
}

fn workload(env: &Env, witness: &Witness) {
    let lsm = open(env);
    for (number, batch) in (1..).zip(batches()) {
        witness.begin(number);
        let changes = batch.changes();
        lsm.merge(
            &mut SliceChanges::new(&batch.dropped, &changes),
            Lsn(number),
        )
        .unwrap();
        witness.acknowledge(number);
        // Merges come between slices of a compaction.
        for _ in 0..3 {
            lsm.step(Budget { bytes: 2_000 }).unwrap();
        }
    }
    while lsm.step(Budget { bytes: 5_000 }).unwrap() == Progress::More {}
    while lsm.compact(Budget { bytes: 5_000 }).unwrap() == Progress::More {}
}

fn check(model: &Model, env: &Env, promises: &Promises<'_>) -> Checked {
    let lsm = open(env);
    let at = lsm.merged_lsn();
    assert!(
        (promises.last_acknowledged()..=promises.last_begun()).contains(&at.0),
        "opened at {at}"
    );
    check_state(model, &lsm, at)?;
    // What a crash left of a compaction is no hindrance to the next.
    while lsm.compact(Budget { bytes: 20_000 })? == Progress::More {}
    check_state(model, &lsm, at)?;
    let sound = env.files.list_dir(&folder())?;
    let numbers = sound.iter().filter(|name| name.ends_with(".sst")).count();
    let known: usize = lsm.stats_by_level().iter().map(|level| level.ssts).sum();
    assert_eq!(numbers, known, "files that nobody knows: {sound:?}");
    Ok(())
}

fn check_state(model: &Model, lsm: &Lsm, at: Lsn) -> Checked {
    let snapshot = lsm.newest();
    assert_eq!(snapshot.keyspaces()?, model.keyspaces(at));
    for id in snapshot.keyspaces()? {
        let found: Vec<_> = snapshot.range(id, ..).collect::<Result<_, _>>()?;
        drystone_testkit::compare(&model.entries(at, id), &found)?;
    }
    let report = lsm.verify()?;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    Ok(())
}

#[test]
fn a_power_cut_leaves_the_state_before_a_merge_or_after_it() {
    let mut model = Model::new();
    for (number, batch) in (1..).zip(batches()) {
        model.commit(Lsn(number), &batch);
    }
    let report = CrashPoints::new("merges of an lsm")
        .run(workload, |env, promises| check(&model, env, promises));
    assert!(report.points > 500, "{report:?}");
}

/// A stage is there after a crash as soon as it was acknowledged, and is adopted or discarded for good.
#[test]
fn a_power_cut_leaves_a_stage_undecided_or_decided() {
    let mut batch = Batch::new();
    (0..50u32).for_each(|n| batch.put(KeyspaceId(3), n.to_be_bytes().to_vec(), vec![7; 40]));
    let work = |env: &Env, witness: &Witness| {
        let lsm = open(env);
        let changes = batch.changes();
        witness.begin(1);
        let stage = lsm.stage(&mut SliceChanges::new(&[], &changes)).unwrap();
        witness.acknowledge(1);
        witness.begin(2);
        lsm.adopt(stage).unwrap();
        witness.acknowledge(2);
        witness.begin(3);
        let stage = lsm
            .stage(&mut SliceChanges::new(&[KeyspaceId(3)], &[]))
            .unwrap();
        witness.acknowledge(3);
        witness.begin(4);
        lsm.discard(stage).unwrap();
        witness.acknowledge(4);
    };
    let check = |env: &Env, promises: &Promises<'_>| -> Checked {
        let lsm = Arc::new(open(env));
        let count = lsm.newest().count(KeyspaceId(3))?;
        let (least, most) = (promises.last_acknowledged(), promises.last_begun());
        let at = match (lsm.adopted().0, lsm.staged()) {
            (0, None) => 0,
            (0, Some((stage, staged))) => {
                assert_eq!((stage.0, staged.count(KeyspaceId(3))?, count), (1, 50, 0));
                1
            }
            (_, Some((stage, staged))) => {
                assert_eq!((stage.0, staged.keyspaces()?, count), (2, vec![], 50));
                3
            }
            (_, None) => {
                assert_eq!(count, 50);
                if least >= 3 { 4 } else { 2 }
            }
        };
        assert!((least..=most).contains(&at), "{at}, not {least} to {most}");
        assert!(lsm.verify()?.findings.is_empty());
        Ok(())
    };
    CrashPoints::new("stages of an lsm")
        .nested(0, 0)
        .run(work, check);
}
