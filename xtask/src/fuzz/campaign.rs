//! A campaign: targets take turns under libFuzzer, some at once, until each has had its processor time.
//!
//! A turn is short, so that what the ledger lacks when a campaign is cut off is little, and so that every target has had
//! a turn before one has its second.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use super::ledger::Ledger;
use super::turn::{Outcome, SANITIZER, Turn};
use super::{Fuzz, PACKAGE, Place};
use crate::real::stop;

/// The longest turn, in seconds of processor time.
const TURN_SECONDS: f64 = 300.0;

/// Runs the campaign that the command line asks for. An error says what was found.
pub(super) fn run(shell: &Shell, place: &Place, fuzz: &Fuzz) -> anyhow::Result<()> {
    stop::listen()?;
    let binaries = match &fuzz.binaries {
        Some(folder) => folder.clone(),
        None => build(shell, place)?,
    };
    let mut ledger = Ledger::read(&place.fuzz)?;
    let mut targets = targets(shell, &binaries, &fuzz.targets)?;
    for target in &mut targets {
        let had = ledger.total(&target.name).seconds;
        let most = fuzz.up_to.map_or(f64::MAX, |minutes| minutes * 60.0 - had);
        target.seconds = (fuzz.minutes * 60.0).min(most);
    }
    let campaign = Campaign {
        place,
        binaries: &binaries,
        jobs: fuzz.jobs.clamp(1, targets.len().max(1)),
    };
    let finds = campaign.run(&mut ledger, targets)?;
    println!("\nall runs so far:\n{ledger}");
    if !finds.is_empty() {
        bail!("{}", finds.join("\n"));
    }
    stop::check()
}

/// Builds what libFuzzer drives; the folder of the binaries.
fn build(shell: &Shell, place: &Place) -> anyhow::Result<PathBuf> {
    let fuzz = &place.fuzz;
    cmd!(
        shell,
        "cargo +nightly fuzz build --fuzz-dir {PACKAGE} --target-dir {fuzz} --features libfuzzer,sqlite"
    )
    .run()
    .context("cargo install cargo-fuzz, and rustup toolchain install nightly, give what this needs")?;
    Ok(fuzz.join(host(shell)?).join("release"))
}

fn host(shell: &Shell) -> anyhow::Result<String> {
    let version = cmd!(shell, "rustc +nightly --verbose --version")
        .quiet()
        .read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names its host")?.to_owned())
}

/// A target, and what it is still to have.
#[derive(Debug)]
struct Target {
    name: String,
    len_max: String,
    /// Which of the binaries has it.
    binary: String,
    seconds: f64,
}

/// Those of these names, in their order; all where there is no name.
fn targets(shell: &Shell, binaries: &Path, names: &[String]) -> anyhow::Result<Vec<Target>> {
    let (variable, options) = SANITIZER;
    let list = cmd!(shell, "{binaries}/drystone-fuzz list")
        .env(variable, options)
        .quiet()
        .read()?;
    let all = list.lines().map(Target::of_line);
    let mut all = all.collect::<anyhow::Result<Vec<Target>>>()?;
    if names.is_empty() {
        return Ok(all);
    }
    let named = |wanted: &String| {
        let found = all.iter().position(|target| target.name == *wanted);
        let found = found.with_context(|| format!("there is no target {wanted}"))?;
        Ok(all.remove(found))
    };
    names.iter().map(named).collect()
}

impl Target {
    /// Of a line of `drystone-fuzz list`.
    fn of_line(line: &str) -> anyhow::Result<Target> {
        let mut words = line.split(' ').map(str::to_owned);
        let mut word = || {
            words
                .next()
                .with_context(|| format!("{line:?} names no target"))
        };
        Ok(Target {
            name: word()?,
            len_max: word()?,
            binary: word()?,
            seconds: 0.0,
        })
    }
}

/// What all turns have in common.
struct Campaign<'a> {
    place: &'a Place,
    binaries: &'a Path,
    jobs: usize,
}

impl Campaign<'_> {
    /// Round after round, until no target wants more. What was found.
    fn run(&self, ledger: &mut Ledger, targets: Vec<Target>) -> anyhow::Result<Vec<String>> {
        let mut finds = Vec::new();
        let mut targets = targets;
        loop {
            targets.retain(|target| target.seconds >= 1.0);
            if targets.is_empty() || stop::check().is_err() {
                return Ok(finds);
            }
            finds.extend(self.round(ledger, &mut targets)?);
        }
    }

    /// A turn for each target.
    fn round(&self, ledger: &mut Ledger, targets: &mut [Target]) -> anyhow::Result<Vec<String>> {
        let waiting = Mutex::new(targets.iter_mut());
        let books = Mutex::new((ledger, Vec::new()));
        // Not in the loop's head: there, the guard would live as long as the turn.
        let next = || lock(&waiting).next();
        thread::scope(|scope| {
            let work = || {
                while let Some(target) = next() {
                    let Some(outcome) = self.turn(target)? else {
                        break;
                    };
                    let (ledger, finds) = &mut *lock(&books);
                    ledger.append(&outcome.entry)?;
                    println!("{}", outcome.line(ledger));
                    finds.extend(outcome.find);
                }
                anyhow::Ok(())
            };
            let jobs: Vec<_> = (0..self.jobs).map(|_| scope.spawn(work)).collect();
            let mut ends = jobs.into_iter().map(|job| match job.join() {
                Ok(end) => end,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            ends.try_for_each(|end| end)
        })?;
        let (_, finds) = books.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(finds)
    }

    /// One turn; none where everything is to end. A target that found something gets no more: it would find it again.
    fn turn(&self, target: &mut Target) -> anyhow::Result<Option<Outcome>> {
        if stop::check().is_err() {
            return Ok(None);
        }
        let turn = Turn {
            place: self.place,
            binaries: self.binaries,
            binary: &target.binary,
            target: &target.name,
            len_max: &target.len_max,
            seconds: target.seconds.min(TURN_SECONDS),
        };
        let outcome = turn.run()?;
        target.seconds = match outcome.find {
            Some(_) => 0.0,
            None => target.seconds - outcome.entry.seconds,
        };
        Ok(Some(outcome))
    }
}

impl Outcome {
    /// What to print of a turn.
    fn line(&self, ledger: &Ledger) -> String {
        let entry = &self.entry;
        let rate = entry.figures.executions as f64 / entry.seconds.max(0.1);
        let total = ledger.total(&entry.target).seconds / 60.0;
        format!(
            "{:<20} {:>10} executions {rate:>7.0}/s, coverage {:>6}, {:>4} MiB, {total:>6.1} min so far{}",
            entry.target,
            entry.figures.executions,
            entry.figures.coverage,
            entry.figures.mebibytes,
            if self.find.is_some() { ": FOUND" } else { "" },
        )
    }
}

/// A panic under a latch is passed on by the join.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
