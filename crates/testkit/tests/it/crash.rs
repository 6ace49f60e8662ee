//! Power cut under running code, which must unwind: the other way to crash, beside the replay of a trace.

use std::path::Path;

use drystone_base::{Env, Lsn};
use drystone_engine::{Engine, EngineError, SliceChanges};
use drystone_testkit::{
    CrashPoints, CrashPolicy, Cut, Generator, Model, ModelEngine, Shape, SimFileSystem, seed_of,
};

const FOLDER: &str = "/db/engine";
const MERGES: u64 = 6;

/// Merges until it is done or the power is out; how many merges were acknowledged.
fn merge_all(env: &Env, seed: u64, acknowledged: &mut u64) -> Result<(), EngineError> {
    let engine = ModelEngine::open(env, Path::new(FOLDER))?;
    let mut generator = Generator::new(seed, Shape::default());
    for number in 1..=MERGES {
        let batch = generator.batch();
        let changes = batch.changes();
        engine.merge(
            &mut SliceChanges::new(&batch.dropped, &changes),
            Lsn(number),
        )?;
        *acknowledged = number;
    }
    Ok(())
}

fn check_entries(engine: &dyn Engine, model: &Model) {
    let snapshot = engine.snapshot();
    for keyspace in model.keyspaces(snapshot.lsn()) {
        let count = snapshot.count(keyspace).expect("a state in memory is read");
        assert_eq!(count, model.entries(snapshot.lsn(), keyspace).len() as u64);
    }
}

#[test]
fn code_unwinds_when_power_goes_and_finds_its_state_again() {
    let seed = seed_of("code unwinds when power goes");
    let (model, _) = Generator::new(seed, Shape::default()).history(MERGES, 1);
    for how in [Cut::Before, Cut::Midway, Cut::After] {
        let mut points = 0;
        loop {
            let disk = SimFileSystem::with_folder(seed, "/db");
            disk.cut_power_after(points, how);
            let mut acknowledged = 0;
            let outcome = merge_all(&disk.env(), seed, &mut acknowledged);
            assert!(outcome.is_ok() || disk.is_off());
            for policy in CrashPolicy::ALL {
                let after = disk.crash(policy);
                let engine = ModelEngine::open(&after.env(), Path::new(FOLDER)).unwrap();
                let found = engine.merged_lsn().0;
                let near = (acknowledged..=acknowledged + 1).contains(&found);
                assert!(
                    near,
                    "seed {seed:#x}, {how:?} {points}, {policy:?}: {found}"
                );
                check_entries(&engine, &model);
            }
            if !disk.is_off() {
                break;
            }
            points += 1;
        }
        assert!(points > 30, "{points} operations");
    }
}

#[test]
fn a_run_may_begin_on_a_disk_that_was_set_up_before() {
    let disk = SimFileSystem::with_folder(5, "/db");
    merge_all(&disk.env(), 5, &mut 0).unwrap();
    let points = CrashPoints::new("on a disk set up before").starting_from(&disk);
    let report = points.stride(2).policies(&[CrashPolicy::LoseAll]).run(
        |env, witness| {
            witness.begin(MERGES + 1);
            let engine = ModelEngine::open(env, Path::new(FOLDER)).unwrap();
            engine
                .merge(&mut SliceChanges::new(&[], &[]), Lsn(MERGES + 1))
                .unwrap();
            witness.acknowledge(MERGES + 1);
        },
        |env, promises| {
            let found = ModelEngine::open(env, Path::new(FOLDER))?.merged_lsn().0;
            let least = promises.last_acknowledged().max(MERGES);
            assert!((least..=MERGES + 1).contains(&found), "found {found}");
            Ok(())
        },
    );
    assert!(report.points >= 4, "{report}");
}
