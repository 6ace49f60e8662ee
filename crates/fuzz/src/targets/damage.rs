//! Harm to the files of a sound database, as the bytes of an input say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::{Env, FileSystem, SeededRandom};
use drystone_testkit::{CrashPolicy, SimFileSystem};

use crate::source::Source;

/// Where the files of samples lie.
pub(super) const DISK_FOLDER: &str = "/db";

/// Values of a field that are at some edge.
const EDGES: [u64; 12] = [
    0,
    1,
    u64::MAX,
    u64::MAX - 1,
    1 << 63,
    (1 << 63) - 1,
    1 << 32,
    (1 << 32) - 1,
    1 << 31,
    1 << 30,
    4096,
    65_535,
];

/// A copy of `sound`, harmed.
pub(super) fn harm(sound: &SimFileSystem, data: &[u8]) -> SimFileSystem {
    let copy = sound.crash(CrashPolicy::KeepAll);
    let mut files = copy.files();
    files.retain(|path| !path.ends_with("LOCK"));
    let mut source = Source::new(data);
    while !source.is_empty() && !files.is_empty() {
        let path = source.pick(&files).clone();
        harm_file(&copy, &path, &files, &mut source);
        files = copy.files();
        files.retain(|path| !path.ends_with("LOCK"));
    }
    copy
}

/// The surroundings of a harmed copy: the same for the same input.
pub(super) fn env(disk: &SimFileSystem) -> Env {
    Env {
        random: Arc::new(SeededRandom::new(7)),
        ..disk.env()
    }
}

fn harm_file(disk: &SimFileSystem, path: &Path, files: &[PathBuf], source: &mut Source<'_>) {
    let image = disk.image(path).expect("a listed file");
    let len = usize::try_from(image.len()).expect("samples are small");
    let kind = source.byte() % 8;
    let offset = source.below(len.max(0x101)).min(len);
    let harmed = match kind {
        0 | 1 => disk.overwrite(path, offset as u64, source.bytes(16)),
        2 => {
            let width = *source.pick(&[1, 2, 4, 8]);
            let number = source.pick(&EDGES).to_le_bytes();
            disk.overwrite(path, (offset / width * width) as u64, &number[..width])
        }
        3 => {
            let number = i64::from(source.byte().cast_signed());
            let place = offset / 8 * 8;
            let mut field = [0; 8];
            image.read_at(&mut field, place as u64);
            let moved = u64::from_le_bytes(field).wrapping_add_signed(number);
            disk.overwrite(path, place as u64, &moved.to_le_bytes())
        }
        4 => {
            let other: &PathBuf = source.pick(files);
            let other = disk.image(other).expect("a listed file");
            let block = *source.pick(&[64_usize, 512, 4096]);
            let from = source.below(usize::try_from(other.len()).unwrap_or(0).max(0x101));
            let mut bytes = vec![0; block];
            let count = other.read_at(&mut bytes, (from / block * block) as u64);
            disk.overwrite(path, (offset / block * block) as u64, &bytes[..count])
        }
        5 => disk.truncate(path, offset as u64),
        6 => {
            let cut = disk.truncate(path, 0);
            cut.and_then(|()| disk.overwrite(path, 0, source.bytes(64)))
        }
        _ if source.chance(64) => disk.remove_file(path),
        _ if source.chance(64) => disk.rename(path, &other_name(path, source)),
        _ => disk.zero_sector(path, offset as u64),
    };
    harmed.expect("the file is there");
}

/// The name that the file would have under another number.
fn other_name(path: &Path, source: &mut Source<'_>) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let suffix = name.find('.').map_or("", |dot| &name[dot..]);
    let number = source.pick(&EDGES);
    path.with_file_name(format!("{number:020}{suffix}"))
}
