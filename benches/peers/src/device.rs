//! What reaches the device that a folder lies on.
//!
//! The kernel counts for each process what it makes dirty (`write_bytes` of `/proc/self/io`), and a file's memory is dirty by
//! folios: where they are large, a block of 4 KiB that is written anew counts as up to 2 MiB. What the device was given
//! counts every process's writes, so it is right on a machine that does nothing else. Neither is less than what the process
//! caused, but for the file system's own journal; so the smaller one is taken.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{files, process};

/// Bytes of a sector as the kernel counts them.
const SECTOR_BYTES: u64 = 512;

/// Counts from when it was made.
pub(crate) struct Meter {
    folder: PathBuf,
    /// What the device had been given by then, where that is known.
    before: Option<u64>,
}

impl Meter {
    /// Begins to count for a folder.
    pub(crate) fn new(folder: &Path) -> Meter {
        Meter {
            folder: folder.to_owned(),
            before: given(folder),
        }
    }

    /// What this process caused to be written since it began, in bytes. Waits until that is on the disk.
    pub(crate) fn bytes_written(&self) -> Result<f64> {
        let by_process = process::bytes_written()?;
        files::settle(&self.folder)?;
        let by_device = self.before.zip(given(&self.folder));
        let by_device = by_device.map(|(before, after)| as_figure(after.saturating_sub(before)));
        Ok(by_device.map_or(by_process, |by_device| by_process.min(by_device)))
    }
}

/// What the device of a folder was given since the machine began, in bytes. `None` where there is no such device, or it
/// does not say.
fn given(folder: &Path) -> Option<u64> {
    let device = fs::metadata(folder).ok()?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let counts = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).ok()?;
    let sectors: u64 = counts.split_whitespace().nth(6)?.parse().ok()?;
    Some(sectors * SECTOR_BYTES)
}

#[expect(clippy::cast_precision_loss, reason = "sizes here stay far below 2^52")]
fn as_figure(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draw;

    /// Where the folder lies on no device, there is nothing to count.
    #[test]
    fn a_device_is_given_what_is_written_to_a_folder_on_it() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let Some(before) = given(folder.path()) else {
            return;
        };
        let mut draw = Draw::new(1);
        let bytes: Vec<u8> = (0..1 << 17)
            .flat_map(|_| draw.next().to_le_bytes())
            .collect();
        fs::write(folder.path().join("file"), &bytes).unwrap();
        files::settle(folder.path()).unwrap();
        let after = given(folder.path()).unwrap();
        assert!(after - before >= bytes.len() as u64);
    }
}
