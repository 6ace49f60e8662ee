//! The files of an engine, seen from outside.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Bytes of a block as `stat` counts them.
const STAT_BLOCK_BYTES: u64 = 512;

/// What all files in a folder take of the disk, in bytes. Holes count for nothing, preallocated space counts.
pub(crate) fn bytes_on_disk(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in files(folder)? {
        bytes += fs::metadata(&file)?.blocks() * STAT_BLOCK_BYTES;
    }
    Ok(bytes)
}

/// Waits until all that was written to the folder's file system is on the disk, so that nobody pays for what another has
/// left to be written.
pub(crate) fn settle(folder: &Path) -> Result<()> {
    let folder = File::open(folder).with_context(|| format!("open {}", folder.display()))?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&folder)?;
    #[cfg(not(target_os = "linux"))]
    folder.sync_all()?;
    Ok(())
}

/// Asks the OS to forget what it has cached of the files in a folder.
pub(crate) fn forget(folder: &Path) -> Result<()> {
    for path in files(folder)? {
        let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
        #[cfg(target_os = "linux")]
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        drop(file);
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        match path.is_dir() {
            true => files.extend(self::files(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}
