//! A limit on the memory of a process, its pages in the OS's cache included: what makes an engine that leaves caching to
//! the OS comparable with those that have a budget.
//!
//! Only within a control group that a person names: this program makes groups nowhere else. Version 1 and 2 differ by the
//! name of the file with the limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result, bail};

const LIMIT_FILES: [&str; 2] = ["memory.max", "memory.limit_in_bytes"];
const MEMBERS: &str = "cgroup.procs";

/// A group with a limit, removed when dropped. Its processes must have ended by then.
pub(crate) struct Group(PathBuf);

impl Group {
    /// Makes a group within `parent`.
    pub(crate) fn new(parent: &Path, limit_bytes: u64) -> Result<Group> {
        let path = parent.join(format!("drystone-peers-{}", process::id()));
        fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
        let group = Group(path);
        group.limit(limit_bytes)?;
        Ok(group)
    }

    /// Where it is, for [`enter`].
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn limit(&self, bytes: u64) -> Result<()> {
        let file = LIMIT_FILES.iter().map(|file| self.0.join(file));
        let Some(file) = file.into_iter().find(|file| file.exists()) else {
            bail!("{} limits no memory", self.0.display());
        };
        fs::write(&file, bytes.to_string()).with_context(|| format!("write {}", file.display()))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            eprintln!("peers: {} is left: {error}", self.0.display());
        }
    }
}

/// Puts this process into a group.
pub(crate) fn enter(group: &Path) -> Result<()> {
    let members = group.join(MEMBERS);
    let entered = fs::write(&members, process::id().to_string());
    entered.with_context(|| format!("write {}", members.display()))
}
