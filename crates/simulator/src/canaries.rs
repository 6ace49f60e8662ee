//! The canaries: each is put into a process of its own, which the swarm then has to find fault with.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use drystone_base::{OsRandom, Random};
use drystone_simulator::Failure;
use drystone_simulator::canary::{CANARIES, Canary, Hunter, canary, hunt};
use serde::{Deserialize, Serialize};

use crate::time::{processor_time, seconds};

/// Which canaries, and for how long.
#[derive(Args, Clone, Debug)]
pub(crate) struct CanaryArguments {
    /// Only this one
    name: Option<String>,
    /// Who looks for them; a campaign looks for those that it must find
    #[arg(long, value_enum, default_value_t)]
    by: Hunter,
    /// How long to look for each, in seconds of the processor's time
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The first seed; a random one where it is not given
    #[arg(long)]
    start: Option<u64>,
    /// How many to look for at once
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Put the one that is named into this very process, and say in a line what came of it
    #[arg(long, hide = true)]
    here: bool,
}

/// What the process that has the bug says.
#[derive(Serialize, Deserialize)]
struct Line {
    seeds: u64,
    seconds: f64,
    found: Option<Finding>,
}

#[derive(Serialize, Deserialize)]
struct Finding {
    seed: u64,
    kind: String,
    what: String,
}

/// What came of one canary.
struct Outcome {
    canary: &'static Canary,
    took: f64,
    seeds: u64,
    finding: Option<Finding>,
    /// Seeds that fail without it.
    false_alarms: u64,
}

/// How many times its limit a process may take by the clock on the wall before it counts as one that hangs.
const PATIENCE: u32 = 20;
/// A process takes this long at least to come and go.
const MOMENT: Duration = Duration::from_secs(1);

/// Looks for canaries; whether all were found.
pub(crate) fn run(arguments: &CanaryArguments) -> anyhow::Result<bool> {
    let wanted = wanted(arguments)?;
    let start = arguments.start.unwrap_or_else(|| OsRandom.next_u64() >> 24);
    if let (true, [one]) = (arguments.here, &wanted[..]) {
        return here(one, start, arguments);
    }
    println!(
        "canaries, each from --start {start} on, for up to {} s",
        arguments.seconds
    );
    let outcomes = hunt_all(&wanted, start, arguments)?;
    Ok(say(&outcomes))
}

fn wanted(arguments: &CanaryArguments) -> anyhow::Result<Vec<&'static Canary>> {
    let Some(name) = &arguments.name else {
        let finds = |canary: &&Canary| arguments.by.finds(canary);
        return Ok(CANARIES.iter().filter(finds).collect());
    };
    let known = canary(name).with_context(|| format!("there is no canary {name}"))?;
    Ok(vec![known])
}

/// The process that has the bug.
fn here(canary: &Canary, start: u64, arguments: &CanaryArguments) -> anyhow::Result<bool> {
    let started = Instant::now();
    let time = || processor_time().unwrap_or_else(|| started.elapsed());
    let limit = Duration::from_secs(arguments.seconds);
    let hunt = hunt(canary, arguments.by, start, limit, time)?;
    let found = hunt.found.map(|failure| Finding {
        seed: failure.plan.seed,
        kind: format!("{:?}", failure.kind),
        what: failure.what.clone(),
    });
    let line = Line {
        seeds: hunt.seeds,
        seconds: hunt.took.as_secs_f64(),
        found,
    };
    println!("{}", serde_json::to_string(&line)?);
    Ok(true)
}

/// Looks for one after the other, or for several at once.
fn hunt_all(
    wanted: &[&'static Canary],
    start: u64,
    arguments: &CanaryArguments,
) -> anyhow::Result<Vec<Outcome>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        while let Some(canary) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let first = Cage::open(canary, start, arguments)?.wait()?;
            let outcome = past_false_alarms(first, arguments)?;
            say_one(&outcome);
            outcomes.push(outcome);
        }
        anyhow::Ok(outcomes)
    };
    let outcomes = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..arguments.jobs.max(1))
            .map(|_| scope.spawn(work))
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined
            .map(|joined| joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<anyhow::Result<Vec<_>>>()
    })?;
    Ok(outcomes.into_iter().flatten().collect())
}

/// A process with one canary in it.
struct Cage {
    canary: &'static Canary,
    child: Child,
    started: Instant,
    limit: Duration,
}

impl Cage {
    fn open(
        canary: &'static Canary,
        start: u64,
        arguments: &CanaryArguments,
    ) -> anyhow::Result<Cage> {
        let by = arguments.by.to_possible_value();
        let by = by.context("a hunter that has no name")?;
        let program = std::env::current_exe().context("finding this program")?;
        let child = Command::new(program)
            .args(["canary", "--here", canary.name])
            .args(["--by", by.get_name()])
            .args(["--start", &start.to_string()])
            .args(["--seconds", &arguments.seconds.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null()) // panics that are findings
            .spawn()
            .context("starting a process for a canary")?;
        Ok(Cage {
            canary,
            child,
            started: Instant::now(),
            limit: Duration::from_secs(arguments.seconds),
        })
    }

    /// Waits for what the process says. One that dies without a word died of the bug; one that hangs did not find it.
    fn wait(mut self) -> anyhow::Result<Outcome> {
        let Some(status) = self.end()? else {
            return Ok(self.outcome(0, None));
        };
        let mut said = String::new();
        if let Some(stdout) = &mut self.child.stdout {
            stdout.read_to_string(&mut said)?;
        }
        match serde_json::from_str::<Line>(&said) {
            Ok(line) => Ok(Outcome {
                took: line.seconds,
                ..self.outcome(line.seeds, line.found)
            }),
            Err(_) if status.code().is_none() => {
                let died = Finding {
                    seed: 0,
                    kind: "Died".to_owned(),
                    what: status.to_string(),
                };
                Ok(self.outcome(0, Some(died)))
            }
            Err(_) => {
                let name = self.canary.name;
                bail!("the process with {name} ended with {status} and said {said:?}")
            }
        }
    }

    /// How the process ended; `None` when it hung and was killed.
    fn end(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        while self.started.elapsed() < self.limit.max(MOMENT) * PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(None)
    }

    fn outcome(&self, seeds: u64, finding: Option<Finding>) -> Outcome {
        Outcome {
            canary: self.canary,
            took: self.started.elapsed().as_secs_f64(),
            seeds,
            finding,
            false_alarms: 0,
        }
    }
}

/// Goes on behind seeds that fail without the bug, too: they are no find.
fn past_false_alarms(mut outcome: Outcome, arguments: &CanaryArguments) -> anyhow::Result<Outcome> {
    while let Some(without) = fails_without(&outcome, arguments.by) {
        let (seed, kind, what) = (without.plan.seed, without.kind, &without.what);
        println!("seed {seed} fails without any planted bug: {kind:?}: {what}");
        let next = seed.wrapping_add(1);
        let spent = Duration::from_secs_f64(outcome.took).as_secs();
        let left = CanaryArguments {
            seconds: arguments.seconds.saturating_sub(spent),
            ..arguments.clone()
        };
        let mut rest = Cage::open(outcome.canary, next, &left)?.wait()?;
        rest.took += outcome.took;
        rest.seeds += outcome.seeds;
        rest.false_alarms = outcome.false_alarms + 1;
        outcome = rest;
    }
    Ok(outcome)
}

/// What is wrong with the seed that found a canary in this process, which has none.
fn fails_without(outcome: &Outcome, by: Hunter) -> Option<Box<Failure>> {
    by.run(outcome.finding.as_ref()?.seed).err()
}

fn say_one(outcome: &Outcome) {
    let Outcome {
        canary,
        took,
        seeds,
        finding,
        ..
    } = outcome;
    let Some(Finding { seed, kind, what }) = finding else {
        println!("{:<34} ESCAPED: {}", canary.name, canary.wrong);
        println!("{:<34} {took:.1} s, {seeds} seeds", "");
        return;
    };
    let expected = format!("{:?}", canary.expected);
    let kind = match *kind == expected {
        true => expected,
        false => format!("{kind} (rather {expected})"),
    };
    let what: String = what
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(90)
        .collect();
    println!(
        "{:<34} {took:7.2} s  {seeds:>5} seeds  seed {seed}: {kind}: {what}",
        canary.name
    );
}

/// Sums up; whether all were found. A seed that fails without any of them is what the swarm itself fails for.
fn say(outcomes: &[Outcome]) -> bool {
    let found = outcomes.iter().filter(|outcome| outcome.finding.is_some());
    let mut times: Vec<f64> = found.map(|outcome| outcome.took).collect();
    times.sort_by(f64::total_cmp);
    let (count, all) = (times.len(), outcomes.len());
    let time = |at: Option<&f64>| seconds(Duration::from_secs_f64(at.copied().unwrap_or_default()));
    println!(
        "{count} of {all} canaries found; median {}, longest {}",
        time(times.get(count / 2)),
        time(times.last())
    );
    let false_alarms: u64 = outcomes.iter().map(|outcome| outcome.false_alarms).sum();
    if false_alarms > 0 {
        println!(
            "{false_alarms} times a seed failed without any planted bug: `cargo xtask sim --seed` says why"
        );
    }
    count == all
}
