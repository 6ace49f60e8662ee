//! Power cuts on a real file system: ext4 in a file, under a loop device.
//!
//! What a file system has in its own cache is not in the file below it. So a copy of that file, taken while the writer
//! is stopped, is what a machine without power would find on its disk: mounting it replays the journal. See
//! `docs/TESTING.md` for what that shows and what not.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use drystone_testkit::{Draw, mix};
use xshell::{Shell, cmd};

use crate::real::folder::{Folder, keep_with};
use crate::real::mount::{Mount, Room, enter_own_namespace};
use crate::real::stop;
use crate::real::tally::Tally;
use crate::real::victim::{Program, Promises, Victim};

const WRITERS: usize = 3;
const IMAGE_BYTES: u64 = 96 << 20;
/// For the image, its copy, and what they are mounted on.
const MEMORY: Room = Room {
    bytes: 4 * IMAGE_BYTES,
    files: 64,
};
/// Lives of one file system, each going on from a cut of the one before.
const LIVES_PER_IMAGE: u64 = 8;
const CUTS_PER_LIFE_MAX: u64 = 4;
/// The longest time from one cut to the next.
const RUN_MILLIS_MAX: u64 = 250;
/// How often to begin a copy again that something was written under.
const COPIES_MAX: usize = 50;

/// How an image is made and mounted.
#[derive(Debug)]
struct Format {
    block_bytes: u64,
    mount: String,
}

impl Format {
    fn draw(draw: &mut Draw) -> Format {
        let journal = draw.pick(&["data=ordered", "data=writeback", "data=journal"]);
        let more = draw.pick(&["", "", ",commit=1", ",nodelalloc", ",noauto_da_alloc"]);
        Format {
            block_bytes: *draw.pick(&[1024, 4096]),
            mount: format!("{journal}{more}"),
        }
    }

    fn make(&self, shell: &Shell, image: &Path) -> anyhow::Result<()> {
        let file = fs::File::create(image)?;
        file.set_len(IMAGE_BYTES)?;
        let block_bytes = self.block_bytes.to_string();
        cmd!(shell, "mkfs.ext4 -q -F -m 0 -b {block_bytes} {image}")
            .quiet()
            .run()
            .context("no ext4 can be made: mkfs.ext4 (of e2fsprogs) is needed")
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) cuts: u64,
    pub(crate) seed: u64,
}

/// Cuts power as often as wanted. Any loss is an error.
pub(crate) fn run(shell: &Shell, root: &Path, wanted: Wanted) -> anyhow::Result<()> {
    let cuts = Cuts::prepare(shell, root, wanted, "sync")?;
    let mut tally = Tally::new("power cuts");
    let cut = cuts.run(&mut tally);
    println!("powercut --seed {}: {}", wanted.seed, tally.line());
    cut?;
    println!("powercut: no acknowledged commit is lost, none is torn");
    Ok(())
}

/// Commits that wait for no disk must be found lost, or else this finds nothing.
pub(crate) fn canary(shell: &Shell, root: &Path, wanted: Wanted) -> anyhow::Result<()> {
    for durability in ["none", "async"] {
        let cuts = Cuts::prepare(shell, root, wanted, durability)?;
        let mut tally = Tally::new("power cuts");
        let found = cuts.run(&mut tally);
        stop::check()?;
        let loss = found.err().map(|error| format!("{error:#}"));
        let loss = loss.filter(|loss| loss.contains("LOST"));
        let loss = loss.with_context(|| {
            format!("{} lost nothing with durability {durability}", tally.line())
        })?;
        println!(
            "powercut: as it must, durability {durability} lost commits, at cut {}: {loss}",
            tally.count() + 1
        );
    }
    Ok(())
}

/// A run, and the places it works in.
struct Cuts<'a> {
    shell: &'a Shell,
    root: &'a Path,
    wanted: Wanted,
    durability: &'static str,
    program: Program,
    /// Dropped in this order: what is mounted, then where.
    memory: Mount,
    _folder: Folder,
}

impl Cuts<'_> {
    fn prepare<'a>(
        shell: &'a Shell,
        root: &'a Path,
        wanted: Wanted,
        durability: &'static str,
    ) -> anyhow::Result<Cuts<'a>> {
        enter_own_namespace(shell, "powercut")?;
        let program = Program::build(shell, root, WRITERS)?;
        let folder = Folder::new(root, "powercut")?;
        Ok(Cuts {
            shell,
            root,
            wanted,
            durability,
            program,
            memory: Mount::memory(shell, folder.path(), MEMORY)?,
            _folder: folder,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.memory.point().join(name)
    }

    fn run(&self, tally: &mut Tally) -> anyhow::Result<()> {
        for image in 0.. {
            let mut draw = Draw::of(self.wanted.seed, &[image]);
            let format = Format::draw(&mut draw);
            let program = self.program.with_seed(mix(self.wanted.seed, &[image]));
            format.make(self.shell, &self.path("image"))?;
            let mut found = vec![0; WRITERS];
            for life in 0..LIVES_PER_IMAGE {
                let mut life = Life {
                    cuts: self,
                    program: &program,
                    format: &format,
                    number: life,
                    draw: &mut draw,
                };
                found = life.run(&found, tally)?;
                if tally.count() >= self.wanted.cuts {
                    return Ok(());
                }
                fs::rename(self.path("cut"), self.path("image"))?;
            }
        }
        Ok(())
    }
}

/// One run of the writer on one image, with some cuts.
struct Life<'a> {
    cuts: &'a Cuts<'a>,
    program: &'a Program,
    format: &'a Format,
    number: u64,
    draw: &'a mut Draw,
}

impl Life<'_> {
    /// Goes on from the commits `found`. Returns those that are on the last copy.
    fn run(&mut self, found: &[u64], tally: &mut Tally) -> anyhow::Result<Vec<u64>> {
        let (image, live) = (self.cuts.path("image"), self.cuts.path("live"));
        let mount = Mount::image(self.cuts.shell, &image, &live, &self.format.mount)?;
        let database = live.join("db");
        let durability = self.cuts.durability;
        let mut victim = self
            .program
            .write(&database, self.number, durability, found)?;
        let mut before = found.to_vec();
        let mut found = found.to_vec();
        for _ in 0..=self.draw.below(CUTS_PER_LIFE_MAX) {
            self.wait(&mut victim)?;
            let promises = victim.stop()?;
            copy(self.cuts.shell, &mount, &image, &self.cuts.path("cut"))?;
            victim.go_on()?;
            found = self
                .check(&promises)
                .map_err(|error| self.keep(error, tally))?;
            tally.add(promises.commits_since(&before));
            before = promises.acknowledged;
        }
        victim.kill()?;
        mount.unmount(self.cuts.shell)?;
        Ok(found)
    }

    /// Some cuts come while the database is opened and recovered, most while it is written to.
    fn wait(&mut self, victim: &mut Victim) -> anyhow::Result<()> {
        if self.draw.chance(80) {
            victim.run_until_first()?;
        }
        victim.run_for(Duration::from_millis(self.draw.below(RUN_MILLIS_MAX)))
    }

    /// Mounts the copy, which replays its journal, and checks the database on it.
    fn check(&self, promises: &Promises) -> anyhow::Result<Vec<u64>> {
        let (cut, restored) = (self.cuts.path("cut"), self.cuts.path("restored"));
        let mount = Mount::image(self.cuts.shell, &cut, &restored, &self.format.mount)?;
        let life = self.number + LIVES_PER_IMAGE;
        let found = self.program.check(&restored.join("db"), life, promises);
        mount.unmount(self.cuts.shell)?;
        found
    }

    /// Puts the copy aside for whoever looks into it, with what is known of it.
    fn keep(&self, error: anyhow::Error, tally: &Tally) -> anyhow::Error {
        let (seed, cut) = (self.cuts.wanted.seed, tally.count() + 1);
        let error = error.context(format!(
            "cut {cut} of seed {seed}, in life {} on {:?}",
            self.number, self.format
        ));
        if self.cuts.durability != "sync" {
            return error;
        }
        let name = format!("powercut-{seed}-{cut}.img");
        keep_with(error, self.cuts.root, &self.cuts.path("cut"), &name)
    }
}

/// Copies what the block device holds, as of one moment: while nothing was written to it.
fn copy(shell: &Shell, mount: &Mount, image: &Path, copy: &Path) -> anyhow::Result<()> {
    let device = mount.device()?;
    for _ in 0..COPIES_MAX {
        stop::check()?;
        let before = Traffic::of(&device)?;
        cmd!(shell, "cp --sparse=always {image} {copy}")
            .quiet()
            .run()?;
        if before.is_quiet() && before == Traffic::of(&device)? {
            return Ok(());
        }
    }
    anyhow::bail!("{device} was written to during each of {COPIES_MAX} copies")
}

/// What the kernel counted of a block device.
#[derive(Debug, PartialEq, Eq)]
struct Traffic {
    writes: u64,
    discards: u64,
    in_flight: u64,
}

impl Traffic {
    fn of(device: &str) -> anyhow::Result<Traffic> {
        let path = format!("/sys/block/{device}/stat");
        Traffic::parse(&fs::read_to_string(&path).context(path)?)
    }

    /// The fields are those of the kernel's `Documentation/block/stat.rst`.
    fn parse(text: &str) -> anyhow::Result<Traffic> {
        let fields = text.split_whitespace().map(str::parse);
        let fields: Vec<u64> = fields.collect::<Result<_, _>>()?;
        ensure!(
            fields.len() >= 12,
            "a kernel that counts discards is needed"
        );
        Ok(Traffic {
            writes: fields[4],
            in_flight: fields[8],
            discards: fields[11],
        })
    }

    fn is_quiet(&self) -> bool {
        self.in_flight == 0
    }
}

#[cfg(test)]
mod tests;
