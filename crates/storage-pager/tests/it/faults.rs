//! A storage that fails or lies: the old state stays, writing goes on where it may, and wrong pages are never returned.

use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::Path;

use drystone_base::{Lsn, OpenMode};
use drystone_storage_pager::{LostSuperblock, Pager, PagerError, PagerOptions};
use drystone_testkit::{CrashPolicy, Effect, Errno, Fault, OpKind, SimFileSystem};

use crate::shelf::{self, Changes, Stones, check, commit, open, stone};

fn state(lsn: u64) -> Stones {
    (0..6).map(|id| (id, stone(id, lsn, 9000))).collect()
}

fn changes(lsn: u64) -> Changes {
    let stones = state(lsn).into_iter();
    stones.map(|(id, contents)| (id, Some(contents))).collect()
}

/// A disk with a pager after two commits.
fn scene() -> (SimFileSystem, Pager) {
    let disk = SimFileSystem::with_folder(1, shelf::DIR);
    let pager = open(&disk.env()).unwrap();
    for lsn in 1..=2 {
        commit(&pager, &changes(lsn), Lsn(lsn)).unwrap();
    }
    disk.settle();
    (disk, pager)
}

/// Which operations of a commit a fault strikes: the first, the second, ..., until one commit has fewer.
fn every(
    on: OpKind,
    effect: Effect,
    mut check: impl FnMut(&SimFileSystem, &Pager, Result<(), PagerError>),
) -> u64 {
    for nth in 1.. {
        let (disk, pager) = scene();
        disk.inject(Fault::new(on, effect).nth(nth));
        let result = commit(&pager, &changes(3), Lsn(3));
        if disk.faults_struck() == 0 {
            result.unwrap();
            return nth - 1;
        }
        disk.clear_faults();
        check(&disk, &pager, result);
    }
    unreachable!("a commit has finitely many operations")
}

/// The pager has the state before the failed commit, and does the commit when asked again.
fn goes_on(pager: &Pager) {
    check(pager, &state(2));
    commit(pager, &changes(3), Lsn(3)).unwrap();
    check(pager, &state(3));
}

/// Reads go on; writing is refused; reopening gives the state before or the one after, also after a power cut.
fn is_poisoned(disk: &SimFileSystem, pager: &Pager) {
    let root = pager.root();
    assert_eq!(shelf::read(pager, &root).unwrap(), state(2));
    assert!(matches!(pager.begin(), Err(PagerError::Poisoned { .. })));
    reopens(&disk.crash(CrashPolicy::KeepAll), 2..=3);
    for policy in CrashPolicy::ALL {
        reopens(&disk.crash(policy), 2..=3);
    }
    reopens(disk, 2..=3);
    disk.drop_cache();
    reopens(disk, 2..=3);
}

/// Opens, checks, and commits once more; then the state is durable.
fn reopens(disk: &SimFileSystem, states: RangeInclusive<u64>) {
    let pager = open(&disk.env()).unwrap();
    let lsn = pager.root().lsn.0;
    assert!(states.contains(&lsn));
    check(&pager, &state(lsn));
    drop(pager);
    let pager = open(&disk.crash(CrashPolicy::LoseAll).env()).unwrap();
    assert_eq!(pager.root().lsn, Lsn(lsn), "what opening took is durable");
    check(&pager, &state(lsn));
    commit(&pager, &changes(4), Lsn(4)).unwrap();
    check(&pager, &state(4));
}

#[test]
fn a_failed_write_leaves_the_old_state() {
    for effect in [
        Effect::Error(ErrorKind::StorageFull),
        Effect::Partial(ErrorKind::Other),
    ] {
        let mut poisoned = 0;
        every(OpKind::Write, effect, |disk, pager, result| {
            if pager.begin().is_ok() {
                assert!(matches!(result, Err(PagerError::Io { op: "write", .. })));
                goes_on(pager);
            } else {
                assert!(matches!(
                    result,
                    Err(PagerError::Failed { op: "write", .. })
                ));
                is_poisoned(disk, pager);
                poisoned += 1;
            }
        });
        assert_eq!(poisoned, 1, "the second copy of the superblock");
    }
}

/// Which write of a commit in the [`scene`] is the one of its superblock's first copy.
const SWITCH: u64 = 3;
/// Where that copy is.
const SWITCHED: usize = 0;

/// The superblock that a commit would write.
fn superblock_after(disk: &SimFileSystem, changes: &Changes) -> Vec<u8> {
    let disk = disk.crash(CrashPolicy::KeepAll);
    commit(&open(&disk.env()).unwrap(), changes, Lsn(3)).unwrap();
    let data = disk.image(&Path::new(shelf::DIR).join("data")).unwrap();
    data.to_vec()[SWITCHED..SWITCHED + 4096].to_vec()
}

/// A superblock whose write failed may be on the medium in whole. Its state stays what it was until another superblock
/// has taken its place, however often that fails, too.
#[test]
fn a_superblock_whose_write_failed_is_right_if_it_is_there() {
    for tries in 1..=3 {
        let (disk, pager) = scene();
        for lsn in 3..3 + tries {
            let superblock = superblock_after(&disk, &changes(3));
            let full = Effect::Error(ErrorKind::StorageFull);
            disk.inject(Fault::new(OpKind::Write, full).nth(SWITCH));
            commit(&pager, &changes(lsn), Lsn(3)).unwrap_err();
            check(&pager, &state(2));
            if lsn == 3 {
                let data = Path::new(shelf::DIR).join("data");
                let file = disk.env().files.open(&data, OpenMode::ReadWrite).unwrap();
                file.write_all_at(&superblock, SWITCHED as u64).unwrap();
            }
        }
        disk.start_recording();
        commit(&pager, &changes(9), Lsn(3)).unwrap();
        check(&pager, &state(9));
        let trace = disk.take_trace().unwrap();
        let mut found = [0; 10];
        for at in 0..=trace.len() {
            for policy in CrashPolicy::ALL {
                let pager = open(&trace.crash(at, policy, at as u64).env()).unwrap();
                let stones = shelf::read(&pager, &pager.root()).unwrap();
                let version = [2, 3, 9].into_iter().find(|&lsn| stones == state(lsn));
                let version = version.expect("one of the states, in whole");
                check(&pager, &state(version));
                found[usize::try_from(version).unwrap()] += 1;
            }
        }
        assert!(found[2] > 0 && found[3] > 0 && found[9] > 0, "{found:?}");
    }
}

/// Space alone does not mend a pager that is poisoned, so the error must not say that it does.
#[test]
fn a_second_copy_that_finds_no_space_says_to_reopen() {
    let (disk, pager) = scene();
    disk.inject(Fault::errno(OpKind::Write, Errno::Enospc).nth(SWITCH + 1));
    let error = commit(&pager, &changes(3), Lsn(3)).unwrap_err();
    let place = format!("{}/data at offset {}", shelf::DIR, SWITCHED + 4096);
    let expected = format!("write of {place} failed; reopen to recover");
    assert_eq!(error.to_string(), expected);
    let PagerError::Failed { source, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), ErrorKind::StorageFull);
    is_poisoned(&disk, &pager);
}

/// What was kept for a superblock that might have been there is free again when another is.
#[test]
fn commits_that_failed_at_the_superblock_leak_nothing() {
    let (disk, pager) = scene();
    for _ in 0..5 {
        disk.inject(Fault::error(OpKind::Write, ErrorKind::StorageFull).nth(SWITCH));
        commit(&pager, &changes(3), Lsn(3)).unwrap_err();
    }
    for lsn in 3..=5 {
        commit(&pager, &changes(lsn), Lsn(lsn)).unwrap();
    }
    let grown = pager.stats().file_bytes;
    for lsn in 6..=20 {
        commit(&pager, &changes(lsn), Lsn(lsn)).unwrap();
        check(&pager, &state(lsn));
    }
    assert_eq!(pager.stats().file_bytes, grown);
}

/// The step does not fit, so the file grows by what is needed; when that does not fit either, nothing is changed.
#[test]
fn a_file_that_cannot_grow_leaves_the_old_state() {
    let (disk, pager) = scene();
    let more = Changes::from([(9, Some(stone(9, 0, 200_000)))]);
    disk.inject(Fault::error(OpKind::SetLen, ErrorKind::StorageFull));
    commit(&pager, &more, Lsn(2)).unwrap();
    let most = Changes::from([(9, Some(stone(9, 0, 900_000)))]);
    disk.inject(Fault::error(OpKind::SetLen, ErrorKind::StorageFull).times(2));
    assert!(matches!(
        commit(&pager, &most, Lsn(2)),
        Err(PagerError::Io { .. })
    ));
    let mut expected = state(2);
    expected.insert(9, stone(9, 0, 200_000));
    check(&pager, &expected);
}

#[test]
fn a_full_disk_leaves_a_pager_that_goes_on_when_there_is_room() {
    let (disk, pager) = scene();
    let used = pager.stats().file_bytes;
    for room in (0..300_000).step_by(10_000) {
        disk.set_capacity(Some(used + room));
        let long = Changes::from([(9, Some(stone(9, 0, 400_000)))]);
        let error = commit(&pager, &long, Lsn(2)).unwrap_err();
        let PagerError::Io { source, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(source.kind(), ErrorKind::StorageFull);
        check(&pager, &state(2));
    }
    disk.set_capacity(None);
    goes_on(&pager);
    reopens(&disk, 3..=3);
}

#[test]
fn a_failed_sync_poisons() {
    let effects = [
        Effect::Error(ErrorKind::Other),
        Effect::SyncMarkedClean,
        Effect::SyncFull,
        Effect::SyncReverted,
    ];
    for effect in effects {
        let syncs = every(OpKind::Sync, effect, |disk, pager, result| {
            assert!(matches!(result, Err(PagerError::Failed { op: "sync", .. })));
            is_poisoned(disk, pager);
        });
        assert_eq!(syncs, 3);
    }
}

/// A sync that failed in silence, and says so at the next one. What it should have made durable may be lost for good: a
/// superblock may then name pages that are not there. That is found, and no other contents are returned for them.
#[test]
fn a_sync_that_fails_late_poisons_and_never_gives_wrong_pages() {
    every(OpKind::Sync, Effect::SyncLate, |disk, pager, result| {
        let was_last = result.is_ok();
        assert_eq!(pager.begin().is_ok(), was_last);
        for policy in CrashPolicy::ALL {
            let disk = disk.crash(policy);
            right_or_damaged(&disk, if was_last { 3..=3 } else { 2..=3 });
        }
    });
}

/// What is read from a storage that lied: one of these states, or an error. No state is lost in silence.
fn right_or_damaged(disk: &SimFileSystem, states: RangeInclusive<u64>) {
    disk.drop_cache();
    let found = open(&disk.env()).and_then(|pager| {
        let root = pager.root();
        Ok((root.lsn.0, shelf::read(&pager, &root)?))
    });
    match found {
        Ok((lsn, stones)) => {
            assert!(states.contains(&lsn), "state {lsn}");
            assert_eq!(stones, state(lsn));
        }
        Err(PagerError::Corrupt { .. } | PagerError::LostSuperblock { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn a_lost_write_is_found_or_mended() {
    let mut mended = 0;
    every(OpKind::Write, Effect::LostWrite, |disk, _, result| {
        result.unwrap();
        right_or_damaged(disk, 3..=3);
        let pager = open(&disk.env());
        mended += usize::from(pager.is_ok_and(|pager| shelf::read(&pager, &pager.root()).is_ok()));
    });
    assert_eq!(mended, 2, "the two copies of the superblock");
}

/// A superblock's copy that lands on its twin, or across the other slot, is two faults in one: an error then.
#[test]
fn a_misdirected_write_is_found_or_mended() {
    for by in [512, 4096, -4096, 8192, 40_960, -40_960] {
        let effect = Effect::MisdirectedWrite { by };
        every(OpKind::Write, effect, |disk, _, result| {
            result.unwrap();
            right_or_damaged(disk, 3..=3);
        });
    }
}

#[test]
fn a_failed_read_is_an_error_and_the_next_one_may_succeed() {
    let (disk, pager) = scene();
    drop(pager);
    let pager = open(&disk.env()).unwrap();
    let page = shelf::place(&pager, 3);
    disk.inject(Fault::error(OpKind::Read, ErrorKind::Other));
    assert!(matches!(
        pager.read(&page),
        Err(PagerError::Io { op: "read", .. })
    ));
    assert_eq!(pager.read(&page).unwrap(), stone(3, 2, 9000));
}

#[test]
fn opening_says_what_failed() {
    for on in [OpKind::Open, OpKind::Sync, OpKind::SyncDir, OpKind::Look] {
        let (disk, pager) = scene();
        drop(pager);
        disk.inject(Fault::error(on, ErrorKind::Other));
        assert!(
            matches!(open(&disk.env()), Err(PagerError::Io { .. })),
            "{on:?}"
        );
        check(&open(&disk.env()).unwrap(), &state(2));
    }
}

#[test]
fn a_tail_that_cannot_be_cut_is_cut_another_time() {
    let (disk, pager) = scene();
    let long = |lsn, contents| commit(&pager, &Changes::from([(9, contents)]), Lsn(lsn)).unwrap();
    long(2, Some(stone(9, 0, 1 << 20)));
    long(2, None);
    long(2, None); // what is left moves to the front
    disk.inject(Fault::error(OpKind::SetLen, ErrorKind::Other));
    let error = (0..9).find_map(|_| pager.step().err()).unwrap();
    assert!(
        matches!(
            error,
            PagerError::Io {
                op: "set length",
                ..
            }
        ),
        "{error:?}"
    );
    check(&pager, &state(2));
    let length = || {
        disk.image(&Path::new(shelf::DIR).join("data"))
            .unwrap()
            .len()
    };
    assert!(length() > 1 << 20);
    while pager.step().unwrap() {}
    assert!(length() < 1 << 19);
    assert_eq!(pager.stats().file_bytes, length());
    goes_on(&pager);
}

/// A copy of a superblock that cannot be read is written anew from its twin. Two that cannot may be read another time.
#[test]
fn unreadable_superblocks_are_mended_where_a_twin_is_whole() {
    let data = Path::new(shelf::DIR).join("data");
    for copy in 0..4 {
        let (disk, pager) = scene();
        drop(pager);
        disk.break_sector(&data, copy * 4096..copy * 4096 + 512)
            .unwrap();
        let pager = open(&disk.env()).unwrap();
        assert_eq!(pager.opened().mended.len(), 1);
        check_but_for_bad_sectors(&pager);
        disk.break_sector(&data, (copy ^ 1) * 4096..(copy ^ 1) * 4096 + 512)
            .unwrap();
        let options = PagerOptions {
            lost_superblock: LostSuperblock::TakeOther,
            ..shelf::options()
        };
        let error = Pager::open(&disk.env(), Path::new(shelf::DIR), options).unwrap_err();
        assert!(
            matches!(error, PagerError::Io { op: "read", .. }),
            "{error:?}"
        );
    }
}

/// Between the syncs of a switch, copy 0 alone holds the new state. A read of it that fails once must not lose it.
#[test]
fn a_read_that_fails_in_passing_does_not_lose_a_half_written_superblock() {
    for nth in 1..=4 {
        let (disk, pager) = scene();
        disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other).nth(3));
        commit(&pager, &changes(3), Lsn(3)).unwrap_err();
        disk.clear_faults();
        let disk = disk.crash(CrashPolicy::LoseAll);
        disk.inject(Fault::error(OpKind::Read, ErrorKind::Other).nth(nth));
        check(&open(&disk.env()).unwrap(), &state(3));
        assert_eq!(disk.faults_struck(), 1);
    }
}

fn check_but_for_bad_sectors(pager: &Pager) {
    let root = pager.root();
    assert_eq!(shelf::read(pager, &root).unwrap(), state(2));
    let findings = shelf::verify(pager, root).findings;
    assert!(
        matches!(findings[..], [PagerError::Io { op: "read", .. }]),
        "{findings:?}"
    );
}

/// A commit whose superblock was written, but the sync failed: what opening then takes must be durable before its twin
/// is written, or a power cut would lose both.
#[test]
fn power_cuts_while_opening_after_a_failed_sync_are_survived() {
    for nth in 1..=3 {
        let (disk, pager) = scene();
        disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other).nth(nth));
        commit(&pager, &changes(3), Lsn(3)).unwrap_err();
        disk.clear_faults();
        disk.start_recording();
        open(&disk.env()).unwrap();
        let trace = disk.take_trace().unwrap();
        for at in 0..=trace.len() {
            for policy in CrashPolicy::ALL {
                for seed in 0..4 {
                    reopens(&trace.crash(at, policy, seed), 2..=3);
                }
            }
        }
    }
}

#[test]
fn creating_that_failed_is_done_again() {
    let kinds = [
        OpKind::CreateDir,
        OpKind::Open,
        OpKind::SetLen,
        OpKind::Write,
        OpKind::Sync,
        OpKind::Rename,
        OpKind::SyncDir,
    ];
    for on in kinds {
        for nth in 1..=5 {
            let disk = SimFileSystem::with_folder(1, shelf::DIR);
            disk.inject(Fault::error(on, ErrorKind::Other).nth(nth));
            let opened = open(&disk.env());
            assert_eq!(opened.is_err(), disk.faults_struck() > 0, "{on:?} {nth}");
            disk.clear_faults();
            check(&open(&disk.env()).unwrap(), &Stones::new());
        }
    }
}

/// The page that made room in the buffer was not added, so its blocks are free.
#[test]
fn a_page_that_could_not_be_added_takes_no_blocks() {
    let (disk, pager) = scene();
    let mut writer = pager.begin().unwrap();
    let long = |id| stone(id, 0, 1 << 20);
    let first = writer.write(&long(1)).unwrap();
    disk.inject(Fault::error(OpKind::Write, ErrorKind::StorageFull));
    let refused = writer.write(&long(2)).unwrap_err();
    assert!(matches!(refused, PagerError::Io { op: "write", .. }));
    let second = writer.write(&long(2)).unwrap();
    let pages = pager.root();
    let payload = shelf::write(&mut writer, &pages, &Changes::new()).unwrap();
    writer.commit(&payload, Lsn(3)).unwrap();

    assert_eq!(pager.read(&first).unwrap(), long(1));
    assert_eq!(pager.read(&second).unwrap(), long(2));
    let report = shelf::verify_with(&pager, pager.root(), &[first, second]);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}
