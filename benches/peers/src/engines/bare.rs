//! The bare loop: what the disk allows. No store that syncs each commit can do more on one thread.
//!
//! It overwrites one 4 KiB block after the other of a file that was written before, and calls `fdatasync` after each.
//! It keeps no rows.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};

use super::About;
use crate::peer::{Change, Peer, Reader, Settings};
use crate::supply::Supply;

pub(super) const ABOUT: About = About {
    packages: &[],
    library: String::new,
    settings: "4 KiB overwrites of a written 16 MiB file, `fdatasync` after each",
};

const BLOCK_BYTES: usize = 4096;
const BLOCKS: usize = 4096;

pub(super) fn open(folder: &Path, _settings: &Settings) -> Result<Box<dyn Peer>> {
    let path = folder.join("bare");
    let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
    file.write_all_at(&vec![0; BLOCK_BYTES * BLOCKS], 0)?;
    file.sync_all()?;
    let next = AtomicU64::new(0);
    Ok(Box::new(Bare { file, next }))
}

struct Bare {
    file: File,
    next: AtomicU64,
}

impl Peer for Bare {
    fn commit(&self, _changes: &[Change]) -> Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let offset = number % BLOCKS as u64 * BLOCK_BYTES as u64;
        self.file.write_all_at(&[7; BLOCK_BYTES], offset)?;
        Ok(self.file.sync_data()?)
    }

    fn bulk(&self, _supply: &mut Supply<'_>) -> Result<()> {
        bail!("the bare loop keeps no rows")
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        bail!("the bare loop keeps no rows")
    }

    fn settle(&self) -> Result<()> {
        Ok(())
    }

    fn compact(self: Box<Self>) -> Result<()> {
        bail!("the bare loop keeps no rows")
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
