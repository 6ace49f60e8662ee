//! The simulated disk keeps what was synced, loses what was not, and fails where it was told to.

use std::collections::BTreeSet;

use drystone_base::{File, LockError, OpenMode};

use super::*;
use crate::sim::{Effect, Fault, OpKind};

fn disk_with(path: &str, bytes: &[u8]) -> (SimFileSystem, Arc<dyn File>) {
    let disk = SimFileSystem::new(7);
    let file = disk.open(Path::new(path), OpenMode::CreateNew).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    disk.settle();
    (disk, file)
}

fn bytes_of(disk: &SimFileSystem, path: &str) -> Vec<u8> {
    disk.image(Path::new(path)).unwrap().to_vec()
}

#[test]
fn synced_data_without_a_synced_name_is_lost_but_not_with_it() {
    let disk = SimFileSystem::with_folder(7, "db");
    let file = disk.open(Path::new("db/a"), OpenMode::CreateNew).unwrap();
    file.write_all_at(b"stone", 0).unwrap();
    file.sync().unwrap();
    let lost = disk.crash(CrashPolicy::LoseAll);
    assert_eq!(lost.files(), Vec::<PathBuf>::new());
    disk.sync_dir(Path::new("db")).unwrap();
    assert_eq!(
        bytes_of(&disk.crash(CrashPolicy::LoseAll), "db/a"),
        b"stone"
    );
}

#[test]
fn a_folder_is_lost_with_all_in_it_until_the_folder_above_is_synced() {
    let disk = SimFileSystem::with_folder(7, "db");
    disk.create_dir_all(Path::new("db/log")).unwrap();
    let file = disk.open(Path::new("db/log/1"), OpenMode::Create).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new("db/log")).unwrap();
    assert!(disk.crash(CrashPolicy::LoseAll).files().is_empty());
    disk.sync_dir(Path::new("db")).unwrap();
    assert_eq!(
        disk.crash(CrashPolicy::LoseAll).files(),
        [PathBuf::from("db/log/1")]
    );
}

#[test]
fn a_rename_leaves_one_name_after_any_crash() {
    let (disk, _) = disk_with("a", b"new");
    let other = disk.open(Path::new("b"), OpenMode::CreateNew).unwrap();
    other.write_all_at(b"old", 0).unwrap();
    disk.settle();
    disk.rename(Path::new("a"), Path::new("b")).unwrap();
    for policy in CrashPolicy::ALL {
        let after = disk.crash(policy);
        match after.files().len() {
            1 => assert_eq!(bytes_of(&after, "b"), b"new"),
            _ => assert_eq!(bytes_of(&after, "b"), b"old"),
        }
    }
    assert_eq!(bytes_of(&disk.crash(CrashPolicy::NamesLost), "a"), b"new");
    disk.sync_dir(Path::new("")).unwrap();
    assert_eq!(disk.crash(CrashPolicy::LoseAll).files().len(), 1);
}

#[test]
fn a_rename_between_folders_never_loses_the_file() {
    let disk = SimFileSystem::with_folder(7, "x");
    disk.create_dir_all(Path::new("y")).unwrap();
    disk.sync_dir(Path::new("")).unwrap();
    for synced in ["x", "y"] {
        disk.open(Path::new("x/a"), OpenMode::Create).unwrap();
        disk.rename(Path::new("x/a"), Path::new("y/b")).unwrap();
        disk.sync_dir(Path::new(synced)).unwrap();
        let after = disk.crash(CrashPolicy::LoseAll);
        assert_eq!(after.files(), [PathBuf::from("y/b")], "synced {synced}");
        let after = disk.crash(CrashPolicy::KeepAll);
        assert_eq!(after.files(), [PathBuf::from("y/b")], "synced {synced}");
        disk.remove_file(Path::new("y/b")).unwrap();
        disk.settle();
    }
}

#[test]
fn each_policy_leaves_what_it_says() {
    let (disk, file) = disk_with("a", &[1; 1024]);
    file.write_all_at(&[2; 2048], 0).unwrap();
    let left = |policy| bytes_of(&disk.crash(policy), "a");
    assert_eq!(left(CrashPolicy::LoseAll), [1; 1024]);
    assert_eq!(left(CrashPolicy::KeepAll), [2; 2048]);
    assert_eq!(left(CrashPolicy::LengthsLost), [2; 1024]);
    assert_eq!(left(CrashPolicy::DataLost)[..1024], [1; 1024]);
    assert_eq!(left(CrashPolicy::DataLost)[1024..], [0; 1024]);
    for _ in 0..50 {
        let torn = left(CrashPolicy::TornLast);
        let kept = torn.iter().take_while(|byte| **byte == 2).count();
        assert!(torn[kept..].iter().all(|byte| *byte == 1));
        for sector in left(CrashPolicy::Sectors512).chunks(512) {
            assert!(sector.iter().all(|byte| *byte == sector[0] && *byte <= 2));
        }
    }
}

#[test]
fn random_policies_reach_torn_reordered_and_whole_states() {
    let (disk, file) = disk_with("a", &[0; 1024]);
    file.write_all_at(&[1; 1024], 0).unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        let bytes = bytes_of(&disk.crash(CrashPolicy::Sectors512), "a");
        seen.insert((bytes[0], bytes[1023]));
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn what_is_synced_survives_every_policy() {
    let (disk, file) = disk_with("a", b"");
    file.write_all_at(&[3; 5000], 100).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new("")).unwrap();
    let expected = bytes_of(&disk, "a");
    for policy in CrashPolicy::ALL {
        assert_eq!(bytes_of(&disk.crash(policy), "a"), expected, "{policy:?}");
    }
}

#[test]
fn after_the_last_operation_everything_fails() {
    for (how, survives) in [(Cut::Before, false), (Cut::After, true)] {
        let (disk, file) = disk_with("a", b"one");
        disk.cut_power_after(1, how);
        file.write_all_at(b"two", 0).unwrap();
        assert_eq!(file.sync().is_ok(), survives);
        file.read_at(&mut [0], 0).unwrap_err();
        file.write_all_at(b"x", 0).unwrap_err();
        disk.open(Path::new("a"), OpenMode::Read).unwrap_err();
        assert!(disk.is_off());
        let left = bytes_of(&disk.crash(CrashPolicy::LoseAll), "a");
        assert_eq!(left == b"two", survives);
    }
}

#[test]
fn a_write_cut_midway_is_a_beginning_of_it() {
    let (disk, file) = disk_with("a", b"");
    disk.cut_power_after(0, Cut::Midway);
    file.write_all_at(&[7; 100], 0).unwrap_err();
    let left = bytes_of(&disk.crash(CrashPolicy::KeepAll), "a");
    assert!(left.len() <= 100 && left.iter().all(|byte| *byte == 7));
}

#[test]
fn a_trace_replays_to_the_very_bytes() {
    let disk = SimFileSystem::with_folder(7, "db");
    disk.start_recording();
    let mut expected = Vec::new();
    let file = disk.open(Path::new("db/a"), OpenMode::Create).unwrap();
    disk.sync_dir(Path::new("db")).unwrap();
    for idx in 0..20u8 {
        file.write_all_at(&[idx; 700], u64::from(idx) * 300)
            .unwrap();
        if idx % 3 == 0 {
            file.sync().unwrap();
        }
        expected.push((disk.recorded(), bytes_of(&disk, "db/a")));
    }
    let trace = disk.take_trace().unwrap();
    for (at, bytes) in expected {
        let after = trace.crash(at, CrashPolicy::KeepAll, 1);
        assert_eq!(bytes_of(&after, "db/a"), bytes);
    }
    assert!(trace.describe(2, 2).contains("create db/a as file 0"));
}

#[test]
fn a_fault_strikes_the_nth_operation_k_times_and_no_other() {
    let (disk, file) = disk_with("a", b"one");
    let fault = Fault::error(OpKind::Write, io::ErrorKind::Other)
        .nth(2)
        .times(2);
    disk.inject(fault.under("a"));
    let results: Vec<bool> = (0..5)
        .map(|_| file.write_all_at(b"two", 0).is_ok())
        .collect();
    assert_eq!(results, [true, false, false, true, true]);
    assert_eq!(disk.faults_struck(), 2);
}

#[test]
fn a_sync_that_marked_pages_clean_loses_them_although_the_next_succeeds() {
    let (disk, file) = disk_with("a", b"one");
    disk.inject(Fault::new(OpKind::Sync, Effect::SyncMarkedClean));
    file.write_all_at(b"two", 0).unwrap();
    file.sync().unwrap_err();
    file.sync().unwrap();
    assert_eq!(bytes_of(&disk, "a"), b"two");
    assert_eq!(bytes_of(&disk.crash(CrashPolicy::KeepAll), "a"), b"one");
    disk.drop_cache();
    assert_eq!(bytes_of(&disk, "a"), b"one");
    file.write_all_at(b"six", 0).unwrap();
    file.sync().unwrap();
    assert_eq!(bytes_of(&disk.crash(CrashPolicy::LoseAll), "a"), b"six");
}

#[test]
fn late_and_reverted_syncs_do_as_their_file_systems_do() {
    let (disk, file) = disk_with("a", b"one");
    disk.inject(Fault::new(OpKind::Sync, Effect::SyncLate));
    file.write_all_at(b"two", 0).unwrap();
    file.sync().unwrap();
    file.sync().unwrap_err();
    file.sync().unwrap();
    let (disk, file) = disk_with("a", b"one");
    disk.inject(Fault::new(OpKind::Sync, Effect::SyncReverted));
    file.write_all_at(b"two", 0).unwrap();
    file.sync().unwrap_err();
    assert_eq!(bytes_of(&disk, "a"), b"one");
}

#[test]
fn an_error_that_is_owed_outlives_a_process_and_no_power_cut() {
    let (disk, file) = disk_with("a", b"one");
    disk.inject(Fault::new(OpKind::Sync, Effect::SyncLate));
    file.write_all_at(b"two", 0).unwrap();
    file.sync().unwrap();
    disk.drop_cache();
    let sync = |disk: &SimFileSystem| disk.open(Path::new("a"), OpenMode::Read)?.sync();
    assert!(sync(&disk.fork()).is_err());
    for policy in CrashPolicy::ALL {
        sync(&disk.crash(policy)).unwrap();
    }
}

#[test]
fn a_full_disk_refuses_growth_and_takes_overwrites() {
    let (disk, file) = disk_with("a", b"12345");
    disk.set_capacity(Some(8));
    let error = file.write_all_at(b"12345", 5).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.len().unwrap(), 8);
    file.write_all_at(b"abcde", 0).unwrap();
    assert_eq!(
        file.set_len(9).unwrap_err().kind(),
        io::ErrorKind::StorageFull
    );
    disk.set_capacity(None);
    file.set_len(9).unwrap();
}

#[test]
fn media_lies_as_told() {
    let (disk, file) = disk_with("a", &[1; 1024]);
    let path = Path::new("a");
    let older = disk.image(path).unwrap();
    disk.flip_bit(path, 3, 7).unwrap();
    assert_eq!(bytes_of(&disk.crash(CrashPolicy::LoseAll), "a")[3], 0x81);
    disk.zero_sector(path, 700).unwrap();
    assert_eq!(bytes_of(&disk, "a")[512..], [0; 512]);
    disk.garble_sector(path, 700).unwrap();
    assert_ne!(bytes_of(&disk, "a")[512..], [0; 512]);
    disk.roll_back(path, &older).unwrap();
    assert_eq!(bytes_of(&disk, "a"), [1; 1024]);
    disk.inject(Fault::new(OpKind::Write, Effect::LostWrite));
    disk.inject(Fault::new(OpKind::Write, Effect::MisdirectedWrite { by: 512 }).nth(2));
    file.write_all_at(&[2; 4], 0).unwrap();
    file.write_all_at(&[3; 4], 0).unwrap();
    assert_eq!((bytes_of(&disk, "a")[0], bytes_of(&disk, "a")[512]), (1, 3));
    disk.inject(Fault::new(
        OpKind::Read,
        Effect::MisdirectedRead { by: 512 },
    ));
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0).unwrap();
    assert_eq!(byte, [3]);
    disk.truncate(path, 100).unwrap();
    assert_eq!(file.len().unwrap(), 100);
    disk.break_sector(path, 50..60).unwrap();
    file.read_at(&mut [0; 10], 45).unwrap_err();
    file.read_at(&mut [0; 10], 60).unwrap();
    let after = disk.crash(CrashPolicy::LoseAll);
    let file = after.open(path, OpenMode::Read).unwrap();
    file.read_at(&mut [0; 10], 45).unwrap_err();
}

#[test]
fn a_read_only_folder_can_be_read() {
    let (disk, _) = disk_with("a", b"one");
    disk.set_read_only("");
    let refused = |result: io::Result<Arc<dyn File>>| {
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    };
    refused(disk.open(Path::new("b"), OpenMode::Create));
    refused(disk.open(Path::new("a"), OpenMode::ReadWrite));
    disk.open(Path::new("a"), OpenMode::Read).unwrap();
    disk.remove_file(Path::new("a")).unwrap_err();
    disk.set_writable(Path::new(""));
    disk.remove_file(Path::new("a")).unwrap();
}

#[test]
fn a_lock_ends_with_its_guard_and_with_a_crash() {
    let disk = SimFileSystem::new(7);
    let path = Path::new("LOCK");
    let guard = disk.try_lock(path, "first").unwrap();
    assert!(
        matches!(disk.try_lock(path, "second"), Err(LockError::Held { holder }) if holder == "first")
    );
    let after = disk.crash(CrashPolicy::KeepAll);
    let _second = after.try_lock(path, "second").unwrap();
    drop(guard);
    disk.try_lock(path, "third").unwrap();
    after.try_lock(path, "fourth").unwrap_err();
}

#[test]
fn a_dot_names_the_folder_of_relative_paths() {
    let disk = SimFileSystem::new(7);
    disk.open(Path::new("a"), OpenMode::Create).unwrap();
    disk.sync_dir(Path::new(".")).unwrap();
    let after = disk.crash(CrashPolicy::LoseAll);
    assert_eq!(after.list_dir(Path::new(".")).unwrap(), ["a"]);
}

#[test]
fn what_goes_round_in_circles_panics_after_so_many_operations() {
    let (disk, file) = disk_with("a", b"stone");
    disk.allow_operations(100);
    let mut turns = 0;
    let circles = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        loop {
            file.len().unwrap();
            turns += 1;
        }
    }));
    assert!(circles.is_err() && (10..=100).contains(&turns), "{turns}");
    assert_eq!(file.len().unwrap(), 5);
}
