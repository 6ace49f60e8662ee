//! Rounds of tasks: every task of every engine in a process of its own, engines in turns, so that what else happens on
//! the machine hits all alike.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cgroup::Group;
use crate::data::DataSet;
use crate::engines::Engine;
use crate::figures::RSS_PEAK;
use crate::files;
use crate::measure::Measured;
use crate::peer::Memory;
use crate::results::{Results, Sample};
use crate::task::{Ending, LOAD, Place, Scale, Task};
use crate::work::scarce_cache_bytes;

/// No task takes that long.
const TASK_TIME_MAX: Duration = Duration::from_secs(30 * 60);
const POLL: Duration = Duration::from_millis(2);
const SIGNAL_KILL: i32 = 9;
/// Memory of a process besides the cache, where it is limited.
pub(crate) const SCARCE_BESIDES_BYTES: u64 = 32 << 20;

/// What is run.
pub(crate) struct Plan {
    pub(crate) engines: Vec<Engine>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) rounds: u64,
    pub(crate) rows: u64,
    pub(crate) large_rows: u64,
    pub(crate) seed: u64,
    pub(crate) cache_bytes: u64,
    pub(crate) time: Duration,
    pub(crate) warm_up: Duration,
    /// No round begins that would end later.
    pub(crate) time_max: Option<Duration>,
    /// An empty folder, for all files.
    pub(crate) folder: PathBuf,
    /// The control group within which memory is limited.
    pub(crate) group: Option<PathBuf>,
}

/// Runs all rounds. An engine that fails at something loses that figure, and nothing else.
pub(crate) fn run(plan: &Plan) -> Result<Results> {
    let mut results = Results::default();
    let started = Instant::now();
    for round in 0..plan.rounds {
        if plan.is_late(round, started.elapsed()) {
            eprintln!("peers: another round would take too long");
            break;
        }
        for (idx, task) in plan.tasks.iter().enumerate() {
            for engine in in_turn(&plan.engines, round) {
                if task.is_for(engine) && !results.lacks_rows(round, engine, task) {
                    let step = Step {
                        plan,
                        round,
                        engine,
                        task,
                        version: round * 1_000 + idx as u64 + 1,
                    };
                    results.add(step.run());
                }
            }
        }
        results.rounds += 1;
        fs::remove_dir_all(&plan.folder)?;
        fs::create_dir(&plan.folder)?;
    }
    Ok(results)
}

/// All engines, another one first in each round.
fn in_turn(engines: &[Engine], round: u64) -> impl Iterator<Item = Engine> {
    let first = usize::try_from(round).unwrap_or(0) % engines.len().max(1);
    let (before, after) = engines.split_at(first);
    after.iter().chain(before).copied()
}

/// One task of one engine in one round.
struct Step<'a> {
    plan: &'a Plan,
    round: u64,
    engine: Engine,
    task: &'a Task,
    version: u64,
}

impl Step<'_> {
    /// Runs it, and tells how it went.
    fn run(&self) -> Sample {
        let started = Instant::now();
        let found = self.figures();
        let found = found.map_err(|error| format!("{error:#}"));
        let seconds = started.elapsed().as_secs_f64();
        let sample = Sample {
            round: self.round,
            engine: self.engine,
            task: self.task.name,
            found,
        };
        eprintln!(
            "round {}/{} {sample} in {seconds:.1} s",
            self.round + 1,
            self.plan.rounds
        );
        sample
    }

    fn figures(&self) -> Result<Measured> {
        let folder = self.folder();
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        files::settle(&folder)?;
        let group = self.scarce_memory(&folder)?;
        let mut measured = self.measure(&folder, group.as_ref())?;
        if let Some(figure) = self.task.size_is {
            let bytes = files::bytes_on_disk(&folder)?;
            measured.outcome = measured.outcome.and(figure, as_figure(bytes));
        }
        let rss_peak = measured.rss_peak;
        measured.outcome = measured.outcome.and(RSS_PEAK, rss_peak);
        if self.task.place == Place::Fresh {
            fs::remove_dir_all(&folder)?;
        }
        Ok(measured)
    }

    fn folder(&self) -> PathBuf {
        let name = match self.task.place {
            Place::Loaded => self.engine.name().to_owned(),
            Place::Fresh => format!("{}-{}", self.engine.name(), self.task.name),
        };
        self.plan.folder.join(name)
    }

    fn rows(&self) -> u64 {
        match self.task.scale {
            Scale::Rows => self.plan.rows,
            Scale::LargeRows => self.plan.large_rows,
        }
    }

    /// Where memory is scarce, the OS forgets the files, and the process gets a limit if there is a group for it.
    fn scarce_memory(&self, folder: &Path) -> Result<Option<Group>> {
        if self.task.memory == Memory::Ample {
            return Ok(None);
        }
        files::forget(folder)?;
        let data = DataSet::new(self.rows(), self.plan.seed);
        let limit_bytes = scarce_cache_bytes(&data) + SCARCE_BESIDES_BYTES;
        let group = self.plan.group.as_deref();
        group
            .map(|parent| Group::new(parent, limit_bytes))
            .transpose()
    }

    fn measure(&self, folder: &Path, group: Option<&Group>) -> Result<Measured> {
        let mut command = self.command(folder)?;
        if let Some(group) = group {
            command.arg("--group").arg(group.path());
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let status = wait(&mut child)?;
        let is_as_meant = match self.task.ending {
            Ending::Exit => status.success(),
            Ending::Kill => status.signal() == Some(SIGNAL_KILL),
        };
        if !is_as_meant {
            let said = said(child.stderr.take())?;
            bail!("its process ended with {status}: {}", said.trim());
        }
        let line = said(child.stdout.take())?;
        serde_json::from_str(&line).context("what the process found is not readable")
    }

    fn command(&self, folder: &Path) -> Result<Command> {
        let plan = self.plan;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .env("RUST_LIB_BACKTRACE", "0")
            .arg("measure")
            .args(["--task", self.task.name, "--engine", self.engine.name()])
            .arg("--folder")
            .arg(folder);
        let numbers = [
            ("--rows", u128::from(self.rows())),
            ("--seed", u128::from(plan.seed)),
            ("--cache-bytes", u128::from(plan.cache_bytes)),
            ("--millis", plan.time.as_millis()),
            ("--warm-up-millis", plan.warm_up.as_millis()),
            ("--version", u128::from(self.version)),
        ];
        for (name, number) in numbers {
            command.arg(name).arg(number.to_string());
        }
        Ok(command)
    }
}

/// All that a process that has ended said: little, or else it would have waited for its reader.
fn said(pipe: Option<impl Read>) -> Result<String> {
    let mut text = String::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_string(&mut text)?;
    }
    Ok(text)
}

/// Waits for the end of a process, but not forever.
fn wait(child: &mut Child) -> Result<ExitStatus> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > TASK_TIME_MAX {
            child.kill()?;
            child.wait()?;
            bail!("it took longer than {} s", TASK_TIME_MAX.as_secs());
        }
        thread::sleep(POLL);
    }
}

/// Bytes as a figure.
#[expect(clippy::cast_precision_loss, reason = "sizes here stay far below 2^52")]
fn as_figure(bytes: u64) -> f64 {
    bytes as f64
}

impl Plan {
    /// Whether one more round, if it takes as long as those before it, would end too late.
    fn is_late(&self, rounds: u64, elapsed: Duration) -> bool {
        let done = u32::try_from(rounds).unwrap_or(u32::MAX);
        let with_next = elapsed.checked_div(done).map(|round| elapsed + round);
        matches!((self.time_max, with_next), (Some(max), Some(end)) if end > max)
    }

    /// The tasks that these figures need, the load among them where one of them needs its rows.
    pub(crate) fn select(tasks: &[Task], figures: &[&str]) -> Vec<Task> {
        let mut chosen: Vec<Task> = tasks
            .iter()
            .filter(|task| task.is_wanted(figures))
            .copied()
            .collect();
        let needs_load = chosen.iter().any(|task| task.place == Place::Loaded);
        if needs_load && !chosen.iter().any(|task| task.name == LOAD.name) {
            chosen.insert(0, LOAD);
        }
        chosen
    }
}
