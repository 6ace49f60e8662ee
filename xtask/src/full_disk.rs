//! Full disks: small file systems, in memory and ext4, that are really full at a point of a workload.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use drystone_testkit::mix;
use xshell::{Shell, cmd};

use crate::real::folder::{Folder, keep_with};
use crate::real::mount::{Mount, Room, enter_own_namespace};
use crate::real::stop;
use crate::real::tally::Tally;
use crate::real::victim::Program;

/// Whose commits are told apart; one thread does them all.
const WRITERS: usize = 2;
/// For both disks.
const MEMORY: Room = Room {
    bytes: 64 << 20,
    files: 2 * DISK.files,
};
const DISK: Room = Room {
    bytes: 12 << 20,
    files: 512,
};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) points: u64,
    pub(crate) seed: u64,
    /// The first point.
    pub(crate) first: u64,
}

/// Fills a disk at each point, about one half on each kind of file system. Any loss is an error, and any failure that is
/// not clean.
pub(crate) fn run(shell: &Shell, root: &Path, wanted: Wanted) -> anyhow::Result<()> {
    enter_own_namespace(shell, "full-disk")?;
    let program = Program::build(shell, root, WRITERS)?.with_seed(wanted.seed);
    let folder = Folder::new(root, "full-disk")?;
    let memory = Mount::memory(shell, folder.path(), MEMORY)?;
    let mut disks = Disks {
        root,
        program,
        disks: [
            Mount::memory(shell, &memory.point().join("tmpfs"), DISK)?,
            ext4(shell, memory.point())?,
        ],
        tally: Tally::new("full disks"),
        failures: BTreeMap::new(),
    };
    let filled = disks.fill(wanted);
    println!("full-disk --seed {}: {}", wanted.seed, disks.tally.line());
    for (what, count) in &disks.failures {
        println!("  no room {count} times: {what}");
    }
    filled?;
    for disk in disks.disks {
        disk.unmount(shell)?;
    }
    println!("full-disk: all failed cleanly, lost nothing, and went on");
    Ok(())
}

fn ext4(shell: &Shell, memory: &Path) -> anyhow::Result<Mount> {
    let image = memory.join("image");
    fs::File::create(&image)?.set_len(DISK.bytes)?;
    let files = DISK.files.to_string();
    cmd!(
        shell,
        "mkfs.ext4 -q -F -m 0 -b 1024 -N {files} -J size=1 {image}"
    )
    .quiet()
    .run()
    .context("no ext4 can be made: mkfs.ext4 (of e2fsprogs) is needed")?;
    Mount::image(shell, &image, &memory.join("ext4"), "data=ordered")
}

struct Disks<'a> {
    root: &'a Path,
    program: Program,
    disks: [Mount; 2],
    tally: Tally,
    /// How often something failed for want of room, by what it was.
    failures: BTreeMap<String, u64>,
}

impl Disks<'_> {
    fn fill(&mut self, wanted: Wanted) -> anyhow::Result<()> {
        for point in wanted.first..wanted.first + wanted.points {
            stop::check()?;
            let folder = self.folder_of(wanted.seed, point);
            fs::create_dir(&folder)?;
            let said = self.program.fill(&folder, point).map_err(|error| {
                let error = error.context(format!(
                    "point {point} in {}; again: cargo xtask full-disk --seed {} --first {point} --points 1",
                    folder.display(),
                    wanted.seed
                ));
                let name = format!("full-disk-{}-{point}", wanted.seed);
                keep_with(error, self.root, &folder, &name)
            })?;
            self.count(&said)?;
            remove(&folder)?;
            self.tally.add(0);
        }
        Ok(())
    }

    /// Where the database of a point is.
    fn folder_of(&self, seed: u64, point: u64) -> PathBuf {
        let is_even = mix(seed, &[point]).is_multiple_of(2);
        self.disks[usize::from(is_even)].point().join("point")
    }

    /// Takes in lines of how often, and what.
    fn count(&mut self, said: &str) -> anyhow::Result<()> {
        for line in said.lines() {
            let (count, what) = line.split_once(' ').context("a count and what it is of")?;
            *self.failures.entry(what.to_owned()).or_default() += count.parse::<u64>()?;
        }
        Ok(())
    }
}

/// Removes the folder, and waits until its room may be used again.
fn remove(folder: &Path) -> anyhow::Result<()> {
    fs::remove_dir_all(folder)?;
    let above = folder.parent().context("a folder in a file system")?;
    Ok(fs::File::open(above)?.sync_all()?)
}
