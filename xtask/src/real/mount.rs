//! Mounted file systems that are gone when their guard is, and in any case when this process is.
//!
//! The process lives in a mount namespace of its own, which ends with it: nothing stays mounted, and no loop device taken,
//! after a crash or `kill -9` either. Loop devices are made by `mount`, which has them vanish with the mount.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use xshell::{Shell, cmd};

/// Set in the process that lives in a mount namespace of its own.
const MARK: &str = "DRYSTONE_OWN_MOUNTS";

/// Goes on in a process that shares no mount with others. Says what is missing where that cannot be.
pub(crate) fn enter_own_namespace(shell: &Shell, for_what: &str) -> anyhow::Result<()> {
    if std::env::var_os(MARK).is_some() {
        return Ok(());
    }
    check_needs(shell).with_context(|| format!("{for_what} cannot run here"))?;
    let program = std::env::current_exe()?;
    let error = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--"])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(MARK, "1")
        .exec();
    Err(error).context("unshare (of util-linux) does not start")
}

fn check_needs(shell: &Shell) -> anyhow::Result<()> {
    ensure!(
        cfg!(target_os = "linux"),
        "it mounts file systems as Linux does; this is {}",
        std::env::consts::OS
    );
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root may mount file systems: run it as root"
    );
    let tried = cmd!(shell, "unshare --mount true").quiet().ignore_stderr();
    ensure!(
        tried.run().is_ok(),
        "this kernel or container allows no mount namespace (`unshare --mount true` fails)"
    );
    Ok(())
}

/// What a file system has room for, at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) bytes: u64,
    /// Files and folders.
    pub(crate) files: u64,
}

/// A mounted file system.
#[derive(Debug)]
pub(crate) struct Mount {
    point: PathBuf,
}

impl Mount {
    /// Memory.
    pub(crate) fn memory(shell: &Shell, point: &Path, room: Room) -> anyhow::Result<Mount> {
        fs::create_dir_all(point)?;
        let Room { bytes, files } = room;
        let size = format!("size={bytes},nr_inodes={files},mode=700");
        cmd!(shell, "mount -t tmpfs -o {size} drystone {point}")
            .quiet()
            .run()?;
        Ok(Mount {
            point: point.to_owned(),
        })
    }

    /// The file system in a file. A journal that the file holds is replayed.
    pub(crate) fn image(
        shell: &Shell,
        image: &Path,
        point: &Path,
        options: &str,
    ) -> anyhow::Result<Mount> {
        fs::create_dir_all(point)?;
        let options = format!("loop,{options}");
        cmd!(shell, "mount -o {options} {image} {point}")
            .quiet()
            .run()
            .context("a file cannot be mounted: there may be no loop device (/dev/loop-control)")?;
        Ok(Mount {
            point: point.to_owned(),
        })
    }

    /// Where it is.
    pub(crate) fn point(&self) -> &Path {
        &self.point
    }

    /// The name of the block device that it is on: `loop0`.
    pub(crate) fn device(&self) -> anyhow::Result<String> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let point = self.point.to_string_lossy();
        let device = mounts.lines().find_map(|line| {
            let mut words = line.split(' ');
            let device = words.next()?.strip_prefix("/dev/")?;
            (words.next()? == point).then(|| device.to_owned())
        });
        device.with_context(|| format!("{point} is on no block device"))
    }

    /// Unmounts it. Fails where a file of it is still open.
    pub(crate) fn unmount(self, shell: &Shell) -> anyhow::Result<()> {
        let point = self.point.clone();
        std::mem::forget(self);
        let unmounted = cmd!(shell, "umount {point}").quiet().run();
        if let Err(error) = unmounted {
            detach(&point);
            bail!(error);
        }
        Ok(())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        detach(&self.point);
    }
}

/// Takes a file system out of sight; it is gone when its last file is closed.
fn detach(point: &Path) {
    let detached = Command::new("umount").arg("--lazy").arg(point).status();
    if !detached.is_ok_and(|status| status.success()) {
        eprintln!("could not unmount {}", point.display());
    }
}
