//! A folder that a run works in, and that is gone after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// An empty folder `target/real/NAME-PROCESS`.
    pub(crate) fn new(root: &Path, name: &str) -> anyhow::Result<Folder> {
        let name = format!("{name}-{}", std::process::id());
        let path = root.join("target").join("real").join(name);
        fs::create_dir_all(&path)?;
        // Mounts are known to the kernel by this name.
        let path = path.canonicalize()?;
        Ok(Folder { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("{} stays behind: {error}", self.path.display());
        }
    }
}

/// Keeps what was found for whoever looks into it, as `target/real/found-NAME`. The error then says where.
pub(crate) fn keep_with(
    error: anyhow::Error,
    root: &Path,
    found: &Path,
    name: &str,
) -> anyhow::Error {
    let kept = root
        .join("target")
        .join("real")
        .join(format!("found-{name}"));
    let copied = Command::new("cp")
        .args(["--recursive", "--sparse=always", "--no-target-directory"])
        .args([found, &kept])
        .status();
    match copied {
        Ok(status) if status.success() => {
            error.context(format!("what was checked is kept in {}", kept.display()))
        }
        _ => error.context("what was checked could not be kept"),
    }
}
