//! Rot: whatever is changed in the files of a closed log, opening and reading it gives all records or an error.

use drystone_base::{Env, FileSystem, Lsn, OpenMode};
use drystone_testkit::{CRASH_FOLDER, SimFileSystem};
use drystone_wal::{Log, WalError};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{SEGMENT_BYTES, append_synced, bytes_of, dir, open};

const LENS: [usize; 9] = [1, 100, 999, 2000, 8, 1500, 3000, 0, 77];

fn write_closed_log(env: &Env) {
    let log = open(env, 0).unwrap();
    for (len, lsn) in LENS.iter().zip(1..) {
        append_synced(&log, &bytes_of(lsn, *len)).unwrap();
    }
    log.close().unwrap();
}

/// Reads everything. All records must be there and right, or an error say why not.
fn read_all(env: &Env) -> Result<(), WalError> {
    let log = open(env, 0)?;
    let mut count = 0;
    for (record, len) in log.read_from(Lsn(1)).zip(LENS) {
        let record = record?;
        count += 1;
        assert_eq!(record.lsn, Lsn(count));
        assert_eq!(record.payload, bytes_of(count, len));
    }
    assert_eq!(count, LENS.len() as u64, "a silently shorter log");
    assert_eq!(log.appended_lsn(), Lsn(count));
    Ok(())
}

#[test]
fn no_flipped_bit_shortens_a_closed_log_in_silence() {
    let env = Env::memory(11);
    write_closed_log(&env);
    let mut outcomes = [0; 2];
    for name in env.files.list_dir(&dir()).unwrap() {
        let file = env
            .files
            .open(&dir().join(name), OpenMode::ReadWrite)
            .unwrap();
        assert_eq!(file.len().unwrap(), SEGMENT_BYTES);
        for offset in 0..SEGMENT_BYTES {
            let mut byte = [0];
            file.read_exact_at(&mut byte, offset).unwrap();
            file.write_all_at(&[byte[0] ^ 1 << (offset % 8)], offset)
                .unwrap();
            outcomes[usize::from(read_all(&env).is_err())] += 1;
            file.write_all_at(&byte, offset).unwrap();
        }
    }
    assert!(outcomes[1] > 4096 && outcomes[0] > 4096, "{outcomes:?}");
    read_all(&env).unwrap();
}

/// Damages a copy of a closed log on every sector of every file.
fn damage_every_sector(damage: impl Fn(&SimFileSystem, &std::path::Path, u64)) {
    let disk = SimFileSystem::with_folder(3, CRASH_FOLDER);
    write_closed_log(&disk.env());
    let mut errors = 0;
    for path in disk.files() {
        for offset in (0..SEGMENT_BYTES).step_by(512) {
            let harmed = disk.crash(drystone_testkit::CrashPolicy::KeepAll);
            damage(&harmed, &path, offset);
            errors += u64::from(read_all(&harmed.env()).is_err());
        }
    }
    assert!(errors > 15, "{errors}");
}

#[test]
fn no_zeroed_sector_shortens_a_closed_log_in_silence() {
    damage_every_sector(|disk, path, offset| disk.zero_sector(path, offset).unwrap());
}

#[test]
fn no_garbled_sector_shortens_a_closed_log_in_silence() {
    damage_every_sector(|disk, path, offset| disk.garble_sector(path, offset).unwrap());
}

#[test]
fn no_unreadable_sector_shortens_a_closed_log_in_silence() {
    damage_every_sector(|disk, path, offset| {
        disk.break_sector(path, offset..offset + 512).unwrap()
    });
}

#[test]
fn no_cut_file_shortens_a_closed_log_in_silence() {
    damage_every_sector(|disk, path, offset| disk.truncate(path, offset).unwrap());
}

/// A block shows what another block of the file holds: a misdirected read, or write.
#[test]
fn no_misplaced_block_shortens_a_closed_log_in_silence() {
    damage_every_sector(|disk, path, offset| {
        let image = disk.image(path).unwrap();
        let mut block = [0; 512];
        image.read_at(&mut block, (offset + 1024) % SEGMENT_BYTES);
        disk.overwrite(path, offset, &block).unwrap();
    });
}

/// The log is damaged after it was opened: readers say so, once, and end.
#[test]
fn a_reader_reports_damage_and_ends() {
    let env = Env::memory(11);
    write_closed_log(&env);
    let log = open(&env, 0).unwrap();
    let name = env.files.list_dir(&dir()).unwrap().remove(0);
    let file = env
        .files
        .open(&dir().join(name), OpenMode::ReadWrite)
        .unwrap();
    file.write_all_at(&[1], 4096 + 40 + 40).unwrap();
    let mut reader = log.read_from(Lsn(1));
    assert_eq!(reader.next().unwrap().unwrap().lsn, Lsn(1));
    let error = reader.next().unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            WalError::Corrupt {
                lsn: Lsn(2),
                offset: 4136,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(reader.next().is_none());
}

#[test]
fn files_of_random_bytes_are_refused() {
    for seed in 0..200 {
        let disk = SimFileSystem::with_folder(seed, CRASH_FOLDER);
        let env = disk.env();
        env.files.create_dir_all(&dir()).unwrap();
        let path = dir().join("00000000000000000001.log");
        let file = disk.open(&path, OpenMode::CreateNew).unwrap();
        let mut bytes = vec![0; usize::try_from(seed * 97).unwrap()];
        env.random.fill(&mut bytes);
        if seed % 2 == 1 {
            bytes.splice(..bytes.len().min(12), *b"DRYSTWAL\x01\0\0\0");
        }
        file.write_all_at(&bytes, 0).unwrap();
        let opened: Result<Log, _> = open(&env, 0);
        let error = opened.unwrap_err();
        let is_clear = matches!(
            error,
            WalError::Corrupt { .. } | WalError::UnsupportedVersion { .. }
        );
        assert!(is_clear, "{error:?}");
    }
}

proptest! {
    /// Whatever is written over a log that was not closed, what is read is a prefix of what was appended, or an error.
    #[test]
    fn no_patch_makes_up_a_record(
        patches in vec((0..3u64, 0..SEGMENT_BYTES, vec(any::<u8>(), 1..40)), 1..4),
        copied in any::<bool>(),
    ) {
        let env = Env::memory(11);
        let log = open(&env, 0).unwrap();
        for (len, lsn) in LENS.iter().zip(1..) {
            append_synced(&log, &bytes_of(lsn, *len)).unwrap();
        }
        drop(log);
        for (number, offset, bytes) in patches {
            let path = dir().join(format!("{:020}.log", number + 1));
            let file = env.files.open(&path, OpenMode::ReadWrite).unwrap();
            let mut block = bytes;
            if copied {
                block.resize(512, 0);
                file.read_exact_at(&mut block, (offset * 8) % (SEGMENT_BYTES - 512)).unwrap();
            }
            file.write_all_at(&block, offset.min(SEGMENT_BYTES - block.len() as u64)).unwrap();
        }
        let Ok(log) = open(&env, 0) else { return Ok(()) };
        let mut count = 0;
        for record in log.read_from(Lsn(1)) {
            let record = record.unwrap();
            count += 1;
            prop_assert_eq!(record.lsn, Lsn(count));
            let len = LENS[usize::try_from(count - 1).unwrap()];
            prop_assert_eq!(record.payload, bytes_of(count, len));
        }
        // As long as the last record is there, it vouches for all the others.
        if holds_last_record(&env) {
            prop_assert_eq!(count, LENS.len() as u64);
        }
    }
}

/// Whether the last record, header and all, is as it was written.
fn holds_last_record(env: &Env) -> bool {
    let undamaged = Env::memory(11);
    let log = open(&undamaged, 0).unwrap();
    for (len, lsn) in LENS.iter().zip(1..) {
        append_synced(&log, &bytes_of(lsn, *len)).unwrap();
    }
    let last = bytes_of(LENS.len() as u64, LENS[LENS.len() - 1]);
    let [expected, found] = [&undamaged, env].map(|env| {
        let path = dir().join("00000000000000000003.log");
        let mut bytes = vec![0; usize::try_from(SEGMENT_BYTES).unwrap()];
        let file = env.files.open(&path, OpenMode::Read).unwrap();
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    });
    let start = expected
        .windows(last.len())
        .position(|window| window == last)
        .unwrap();
    let record = start - 32..start + last.len().next_multiple_of(8);
    expected[record.clone()] == found[record]
}

/// The marker of the segment before says that there is something behind it; when that one goes, the last says so itself.
#[test]
fn loss_of_the_only_write_of_the_last_segment_shows_after_a_trim() {
    let disk = SimFileSystem::with_folder(3, CRASH_FOLDER);
    let log = open(&disk.env(), 0).unwrap();
    for lsn in 1..=2 {
        append_synced(&log, &bytes_of(lsn, 3000)).unwrap();
    }
    log.trim(Lsn(1)).unwrap();
    drop(log);
    let harmed = disk.crash(drystone_testkit::CrashPolicy::LoseAll);
    let last = dir().join("00000000000000000002.log");
    for offset in (4096..8192).step_by(512) {
        harmed.zero_sector(&last, offset).unwrap();
    }
    let error = open(&harmed.env(), 1).unwrap_err();
    let is_clear = matches!(error, WalError::Corrupt { lsn: Lsn(2), .. });
    assert!(is_clear, "{error:?}");
}
