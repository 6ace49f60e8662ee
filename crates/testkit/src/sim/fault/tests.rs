//! Each fault does what it says, where and as often as it says, and the same again from the same seed.

use std::path::Path;
use std::sync::Arc;

use drystone_base::{File, FileSystem, OpenMode};

use super::*;
use crate::sim::{CrashPolicy, Latency, SimFileSystem};

fn disk_with(bytes: &[u8]) -> (SimFileSystem, Arc<dyn File>) {
    let disk = SimFileSystem::with_folder(7, "db");
    let file = disk.open(Path::new("db/a"), OpenMode::CreateNew).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    disk.settle();
    (disk, file)
}

fn read(file: &dyn File) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn durable(disk: &SimFileSystem) -> Vec<u8> {
    let after = disk.crash(CrashPolicy::LoseAll);
    after.image(Path::new("db/a")).unwrap().to_vec()
}

/// One operation of each kind.
fn operate(disk: &SimFileSystem, file: &dyn File, on: OpKind) -> io::Result<()> {
    let path = Path::new("db/a");
    match on {
        OpKind::Open => disk.open(path, OpenMode::Read).map(drop),
        OpKind::Read => file.read_at(&mut [0], 0).map(drop),
        OpKind::Write => file.write_all_at(b"x", 0),
        OpKind::SetLen => file.set_len(1),
        OpKind::Sync => file.sync(),
        OpKind::SyncDir => disk.sync_dir(Path::new("db")),
        OpKind::CreateDir => disk.create_dir_all(Path::new("db/folder")),
        OpKind::Rename => disk.rename(path, path),
        OpKind::Remove => {
            let spare = Path::new("db/spare");
            disk.open(spare, OpenMode::Create)?;
            disk.remove_file(spare)
        }
        OpKind::Look => disk.exists(path).map(drop),
    }
}

#[test]
fn every_operation_can_fail_in_every_way() {
    for on in OpKind::ALL {
        for errno in Errno::ALL
            .into_iter()
            .filter(|errno| *errno != Errno::Eintr)
        {
            let (disk, file) = disk_with(b"stone");
            disk.inject(Fault::errno(on, errno).times(2));
            for _ in 0..2 {
                let error = operate(&disk, &*file, on).unwrap_err();
                assert_eq!(error.kind(), errno.kind());
                assert!(error.to_string().contains(&errno.to_string()), "{error}");
            }
            operate(&disk, &*file, on).unwrap();
            assert_eq!(disk.happened().len(), 2);
            disk.inject(Fault::errno(on, errno).for_ever());
            for _ in 0..20 {
                operate(&disk, &*file, on).unwrap_err();
            }
        }
    }
}

#[test]
fn interruptions_end_below_the_trait() {
    for on in [
        OpKind::Open,
        OpKind::Read,
        OpKind::Write,
        OpKind::SetLen,
        OpKind::Sync,
        OpKind::SyncDir,
    ] {
        let (disk, file) = disk_with(b"stone");
        disk.inject(Fault::errno(on, Errno::Eintr).times(3));
        operate(&disk, &*file, on).unwrap();
        assert_eq!(disk.faults_struck(), 3, "{on:?}");
    }
}

#[test]
fn a_lock_is_had_after_interruptions() {
    let disk = SimFileSystem::new(7);
    disk.inject(Fault::errno(OpKind::Open, Errno::Eintr).times(3));
    disk.try_lock(Path::new("LOCK"), "one").unwrap();
    assert_eq!(disk.faults_struck(), 3);
}

#[test]
#[should_panic(expected = "hangs")]
fn nothing_is_interrupted_for_ever() {
    let _ = Fault::errno(OpKind::Read, Errno::Eintr).for_ever();
}

#[test]
fn short_transfers_go_on_as_operations_of_their_own() {
    let (disk, file) = disk_with(&[0; 1000]);
    let before = disk.operations();
    disk.inject(Fault::new(OpKind::Write, Effect::Short).times(3));
    disk.inject(Fault::new(OpKind::Read, Effect::Short).times(3));
    let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
    file.write_all_at(&bytes, 0).unwrap();
    assert_eq!(
        disk.operations() - before,
        4,
        "three beginnings and the rest"
    );
    assert_eq!(read(&*file), bytes);
    assert_eq!(disk.faults_struck(), 6);
}

#[test]
fn a_short_write_can_be_cut_in_its_middle() {
    let (disk, file) = disk_with(&[0; 1000]);
    disk.inject(Fault::new(OpKind::Write, Effect::Short));
    disk.cut_power_after(1, super::super::operation::Cut::Before);
    file.write_all_at(&[1; 1000], 0).unwrap_err();
    let left = disk.crash(CrashPolicy::KeepAll);
    let left = left.image(Path::new("db/a")).unwrap().to_vec();
    let written = left.iter().filter(|byte| **byte == 1).count();
    assert!((1..1000).contains(&written), "{written}");
}

/// What a failing sync of new bytes over old ones leaves: whether the caller is told, what reads see then, what they
/// see once the cache is gone, whether the next sync succeeds, and what is durable after it.
fn sync_failing(effect: Effect) -> (bool, u8, bool, u8, u8) {
    let (disk, file) = disk_with(b"o");
    disk.inject(Fault::new(OpKind::Sync, effect));
    file.write_all_at(b"n", 0).unwrap();
    let told = file.sync().is_err();
    let seen = read(&*file)[0];
    let next = file.sync().is_ok();
    let left = durable(&disk)[0];
    disk.drop_cache();
    (told, seen, next, read(&*file)[0], left)
}

#[test]
fn syncs_fail_as_file_systems_fail() {
    assert_eq!(
        sync_failing(Effect::Errno(Errno::Eio)),
        (true, b'n', true, b'n', b'n')
    );
    assert_eq!(
        sync_failing(Effect::SyncMarkedClean),
        (true, b'n', true, b'o', b'o')
    );
    assert_eq!(
        sync_failing(Effect::SyncFull),
        (true, b'n', true, b'o', b'o')
    );
    assert_eq!(
        sync_failing(Effect::SyncLate),
        (false, b'n', false, b'o', b'o')
    );
    assert_eq!(
        sync_failing(Effect::SyncReverted),
        (true, b'o', true, b'o', b'o')
    );
}

#[test]
fn a_sync_may_fail_halfway() {
    let (disk, file) = disk_with(&[0; 8192]);
    disk.inject(Fault::new(OpKind::Sync, Effect::SyncPartly));
    file.write_all_at(&[1; 8192], 0).unwrap();
    file.sync().unwrap_err();
    file.sync().unwrap();
    let left = durable(&disk);
    let sectors = left.chunks(512).filter(|sector| sector[0] == 1).count();
    assert!((1..16).contains(&sectors), "{sectors} of 16 sectors");
    assert_eq!(read(&*file), [1; 8192]);
    disk.drop_cache();
    assert_eq!(read(&*file), left);
}

#[test]
fn room_that_is_looked_for_late_is_missing_at_the_sync() {
    let (disk, file) = disk_with(b"12345");
    disk.set_capacity(Some(8));
    disk.allocate_late(true);
    file.write_all_at(b"6789", 5).unwrap();
    let error = file.sync().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!((read(&*file).len(), durable(&disk).len()), (9, 5));
    disk.drop_cache();
    file.write_all_at(b"678", 5).unwrap();
    file.sync().unwrap();
    assert_eq!(durable(&disk), b"12345678");
}

#[test]
fn writes_get_lost_at_once_or_once_the_cache_is_gone() {
    let (disk, file) = disk_with(b"old");
    disk.inject(Fault::new(OpKind::Write, Effect::LostWrite));
    file.write_all_at(b"new", 0).unwrap();
    assert_eq!(read(&*file), b"old");
    disk.inject(Fault::new(OpKind::Write, Effect::LostBelowCache));
    file.write_all_at(b"new", 0).unwrap();
    file.write_all_at(b"!", 3).unwrap();
    file.sync().unwrap();
    assert_eq!(read(&*file), b"new!");
    assert_eq!(durable(&disk), b"old!");
    disk.drop_cache();
    assert_eq!(read(&*file), b"old!");
}

#[test]
fn writes_land_elsewhere_for_all_to_see_or_below_the_cache() {
    let (disk, file) = disk_with(b"........");
    disk.inject(Fault::new(
        OpKind::Write,
        Effect::MisdirectedWrite { by: 4 },
    ));
    file.write_all_at(b"ab", 0).unwrap();
    assert_eq!(read(&*file), b"....ab..");
    let below = Effect::MisdirectedBelowCache { by: -100 };
    disk.inject(Fault::new(OpKind::Write, below));
    file.write_all_at(b"cd", 6).unwrap();
    file.sync().unwrap();
    assert_eq!(read(&*file), b"....abcd");
    assert_eq!(durable(&disk), b"cd..ab..");
    let happened = disk.happened();
    assert_eq!(
        (happened[0].bytes.clone(), happened[1].bytes.clone()),
        (0..6, 0..8)
    );
}

#[test]
fn slow_operations_take_time_and_succeed() {
    let (disk, file) = disk_with(b"stone");
    let second = Duration::from_secs(1);
    disk.inject(Fault::new(OpKind::Read, Effect::Slow(second)).nth(2));
    let clock = disk.env().clock;
    read(&*file);
    assert_eq!(clock.monotonic(), Duration::ZERO);
    read(&*file);
    assert_eq!(clock.monotonic(), second);
    disk.set_latency(Some(Latency {
        usual: Duration::from_micros(100),
        slow_percent: 0,
        slow: second,
    }));
    for _ in 0..10 {
        file.write_all_at(b"x", 0).unwrap();
    }
    assert!(clock.monotonic() > second && clock.monotonic() <= second + Duration::from_millis(2));
    disk.calm();
    let then = clock.monotonic();
    file.sync().unwrap();
    assert_eq!(clock.monotonic(), then);
}

#[test]
fn a_fault_may_wait_for_several_kinds_together() {
    let (disk, file) = disk_with(b"stone");
    let fault = Fault::errno(OpKind::Write, Errno::Erofs).or(OpKind::Sync);
    disk.inject(fault.nth(2).for_ever());
    file.write_all_at(b"x", 0).unwrap();
    file.sync().unwrap_err();
    file.write_all_at(b"x", 0).unwrap_err();
    file.read_at(&mut [0], 0).unwrap();
}
