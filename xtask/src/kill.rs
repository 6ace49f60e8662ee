//! `kill -9` of the writer at random moments, on the file system that the workspace is on.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use drystone_testkit::{Draw, mix};
use xshell::Shell;

use crate::real::folder::{Folder, keep_with};
use crate::real::stop;
use crate::real::tally::Tally;
use crate::real::victim::Program;

const WRITERS: usize = 3;
/// After so many kills another database is begun, with a seed of its own.
const KILLS_PER_DATABASE: u64 = 50;
/// The longest life after the first acknowledgement, or from the start where that is not waited for.
const LIFE_MILLIS_MAX: u64 = 120;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) rounds: u64,
    pub(crate) seed: u64,
}

/// Kills as often as wanted. Any loss is an error.
pub(crate) fn run(shell: &Shell, root: &Path, wanted: Wanted) -> anyhow::Result<()> {
    let mut kills = Kills::prepare(shell, root, wanted, "sync")?;
    let killed = kills.run();
    println!("kill --seed {}: {}", wanted.seed, kills.tally.line());
    killed?;
    println!("kill: no acknowledged commit is lost, none is torn");
    Ok(())
}

/// Commits that wait for nothing must be found lost, or else this finds nothing.
pub(crate) fn canary(shell: &Shell, root: &Path, wanted: Wanted) -> anyhow::Result<()> {
    let mut kills = Kills::prepare(shell, root, wanted, "none")?;
    let killed = kills.run();
    stop::check()?;
    let loss = killed.err().map(|error| format!("{error:#}"));
    let loss = loss.filter(|loss| loss.contains("LOST"));
    let tally = &kills.tally;
    let loss =
        loss.with_context(|| format!("{} lost nothing with durability none", tally.line()))?;
    println!("kill: as it must, durability none lost commits: {loss}");
    Ok(())
}

/// A run, and the folder it works in.
struct Kills<'a> {
    root: &'a Path,
    wanted: Wanted,
    durability: &'static str,
    program: Program,
    folder: Folder,
    tally: Tally,
}

impl Kills<'_> {
    fn prepare<'a>(
        shell: &Shell,
        root: &'a Path,
        wanted: Wanted,
        durability: &'static str,
    ) -> anyhow::Result<Kills<'a>> {
        Ok(Kills {
            root,
            wanted,
            durability,
            program: Program::build(shell, root, WRITERS)?,
            folder: Folder::new(root, "kill")?,
            tally: Tally::new("kills"),
        })
    }

    fn run(&mut self) -> anyhow::Result<()> {
        let mut found = Vec::new();
        for round in 0..self.wanted.rounds {
            if round.is_multiple_of(KILLS_PER_DATABASE) {
                found = vec![0; WRITERS];
            }
            found = self.kill(round, &found)?;
        }
        Ok(())
    }

    /// One life, which goes on from the commits `found`, and its end. Returns the commits that are there after it.
    fn kill(&mut self, round: u64, found: &[u64]) -> anyhow::Result<Vec<u64>> {
        let seed = self.wanted.seed;
        let database = round / KILLS_PER_DATABASE;
        let path = self.folder.path().join(database.to_string());
        let program = self.program.with_seed(mix(seed, &[database]));
        let mut draw = Draw::of(seed, &[round]);
        let mut victim = program.write(&path, round, self.durability, found)?;
        if draw.chance(75) {
            victim.run_until_first()?;
        }
        victim.run_for(Duration::from_millis(draw.below(LIFE_MILLIS_MAX)))?;
        let promises = victim.kill()?;
        let checked = program.check(&path, round + 1, &promises);
        let now = checked.map_err(|error| self.keep(error, &path, round))?;
        self.tally.add(promises.commits_since(found));
        Ok(now)
    }

    /// Puts the database aside for whoever looks into it.
    fn keep(&self, error: anyhow::Error, path: &Path, round: u64) -> anyhow::Error {
        let seed = self.wanted.seed;
        let error = error.context(format!("kill {} of seed {seed}", round + 1));
        match self.durability {
            "sync" => keep_with(error, self.root, path, &format!("kill-{seed}-{round}")),
            _ => error,
        }
    }
}
