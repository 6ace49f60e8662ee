//! Power cut at every operation, under every policy, and again in the recovery: the state is the one before or the one
//! after, it is sound, and the next commit works.

use std::path::Path;

use drystone_base::Lsn;
use drystone_storage_pager::{Pager, PagerOptions};
use drystone_testkit::{Checked, CrashPoints, CrashPolicy, CrashReport, SimFileSystem};

use crate::shelf::{self, Changes, Stones, commit, open, stone};

const STONES: u64 = 5;

/// The change that commit `lsn` makes: some stones get new contents, some go, one is long.
fn changes(lsn: u64) -> Changes {
    (0..STONES)
        .filter(|id| !(id + lsn).is_multiple_of(3))
        .map(|id| {
            let len = if id == lsn % STONES { 20_000 } else { 3000 };
            let goes = (id + lsn).is_multiple_of(4);
            (id, (!goes).then(|| stone(id, lsn, len)))
        })
        .collect()
}

/// The stones after commit `lsn`.
fn state(lsn: u64) -> Stones {
    let mut stones = Stones::new();
    for (id, contents) in (1..=lsn).flat_map(changes) {
        match contents {
            Some(contents) => stones.insert(id, contents),
            None => stones.remove(&id),
        };
    }
    stones
}

/// The state that is there is whole, and the pager can go on: writes one stone anew, without changing the state.
fn check_whole(pager: &Pager) {
    let root = pager.root();
    let stones = state(root.lsn.0);
    shelf::check(pager, &stones);
    let again: Changes = stones
        .into_iter()
        .take(1)
        .map(|(id, contents)| (id, Some(contents)))
        .collect();
    commit(pager, &again, root.lsn).unwrap();
    shelf::check(pager, &state(root.lsn.0));
}

fn run(points: &CrashPoints, commits: u64) -> CrashReport {
    points.run(
        |env, witness| {
            let pager = open(env).unwrap();
            for lsn in 1..=commits {
                witness.begin(lsn);
                commit(&pager, &changes(lsn), Lsn(lsn)).unwrap();
                witness.acknowledge(lsn);
                pager.step().unwrap();
            }
        },
        |env, promises| -> Checked {
            let pager = open(env)?;
            let found = pager.root().lsn.0;
            assert!((promises.last_acknowledged()..=promises.last_begun()).contains(&found));
            check_whole(&pager);
            Ok(())
        },
    )
}

#[test]
fn every_crash_leaves_the_state_before_or_the_one_after() {
    let report = run(&CrashPoints::new("pager commits"), 6);
    assert!(report.points > 500, "{report}");
}

#[test]
fn crashes_in_the_recovery_of_recoveries_are_survived() {
    let torn = [
        CrashPolicy::Sectors512,
        CrashPolicy::Garbage,
        CrashPolicy::TornLast,
    ];
    let points = CrashPoints::new("pager commits, deep")
        .policies(&torn)
        .nested(3, 2);
    let report = run(&points, 2);
    assert!(report.nested_points > 500, "{report}");
}

/// A step that gives the tail back is crashed as well.
#[test]
fn crashes_while_the_file_is_cut_leave_it_whole() {
    let long = |lsn| Changes::from([(0, (lsn % 2 == 1).then(|| stone(0, lsn, 1 << 20)))]);
    let report = CrashPoints::new("pager cut").run(
        |env, witness| {
            let pager = open(env).unwrap();
            for lsn in 1..=4 {
                witness.begin(lsn);
                commit(&pager, &long(lsn), Lsn(lsn)).unwrap();
                witness.acknowledge(lsn);
                let before = pager.stats().file_bytes;
                while pager.step().unwrap() {}
                assert!(pager.stats().file_bytes <= before);
            }
            assert!(pager.stats().file_bytes < 1 << 20, "it was cut in the end");
        },
        |env, promises| -> Checked {
            let pager = open(env)?;
            let lsn = pager.root().lsn.0;
            assert!((promises.last_acknowledged()..=promises.last_begun()).contains(&lsn));
            let stones = long(lsn)
                .into_iter()
                .filter_map(|(id, stone)| Some((id, stone?)));
            let stones = if lsn == 0 {
                Stones::new()
            } else {
                stones.collect()
            };
            shelf::check(&pager, &stones);
            Ok(())
        },
    );
    assert!(report.points > 100, "{report}");
}

/// The current folder, and folders that were missing above the pager's, have to hold their names, too.
#[test]
fn a_pager_in_new_folders_survives_their_creation() {
    for dir in ["stones", "new/stones", "/new/newer/stones"] {
        let disk = SimFileSystem::new(1);
        let open = |disk: &SimFileSystem| {
            Pager::open(&disk.env(), Path::new(dir), PagerOptions::default()).unwrap()
        };
        commit(&open(&disk), &changes(1), Lsn(1)).unwrap();
        let after = disk.crash(CrashPolicy::LoseAll);
        assert_eq!(open(&after).root().lsn, Lsn(1), "{dir}");
    }
}
