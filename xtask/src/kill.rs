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

/// Kills as often as asked. Any loss is an error.
pub(crate) fn run(shell: &Shell, root: &Path, rounds: u64, seed: u64) -> anyhow::Result<()> {
    let program = Program::build(shell, root, WRITERS)?;
    let mut tally = Tally::new("kills");
    let killed = rounds_of(root, &program, rounds, seed, "sync", &mut tally);
    println!("kill --seed {seed}: {}", tally.line());
    killed?;
    println!("kill: no acknowledged commit is lost, none is torn");
    Ok(())
}

/// Commits that wait for nothing must be found lost, or else this finds nothing.
pub(crate) fn canary(shell: &Shell, root: &Path, rounds: u64, seed: u64) -> anyhow::Result<()> {
    let program = Program::build(shell, root, WRITERS)?;
    let mut tally = Tally::new("kills");
    let killed = rounds_of(root, &program, rounds, seed, "none", &mut tally);
    stop::check()?;
    let loss = killed.err().map(|error| format!("{error:#}"));
    let loss = loss.filter(|loss| loss.contains("LOST"));
    let loss =
        loss.with_context(|| format!("{} lost nothing with durability none", tally.line()))?;
    let kill = tally.count() + 1;
    println!("kill: as it must, durability none lost commits, at kill {kill}: {loss}");
    Ok(())
}

fn rounds_of(
    root: &Path,
    program: &Program,
    rounds: u64,
    seed: u64,
    durability: &str,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let folder = Folder::new(root, "kill")?;
    let mut found = vec![0; WRITERS];
    for round in 0..rounds {
        let database = round / KILLS_PER_DATABASE;
        if round % KILLS_PER_DATABASE == 0 {
            found = vec![0; WRITERS];
        }
        let program = program.with_seed(mix(seed, &[database]));
        let path = folder.path().join(database.to_string());
        let mut draw = Draw::of(seed, &[round]);
        let mut victim = program.write(&path, round, durability, &found)?;
        if draw.chance(75) {
            victim.run_until_first()?;
        }
        victim.run_for(Duration::from_millis(draw.below(LIFE_MILLIS_MAX)))?;
        let promises = victim.kill()?;
        let checked = program.check(&path, round + 1, &promises);
        let acknowledged = promises.commits_since(&found);
        found = checked.map_err(|error| {
            let error = error.context(format!("kill {} of seed {seed}", round + 1));
            match durability {
                "sync" => keep_with(error, root, &path, &format!("kill-{seed}-{round}")),
                _ => error,
            }
        })?;
        tally.add(acknowledged);
    }
    Ok(())
}
