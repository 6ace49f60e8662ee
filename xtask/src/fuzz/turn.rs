//! A turn: one target under libFuzzer, until it has had some seconds of processor time.
//!
//! Processor time, because the machine may have other things to do: an hour on the clock can be any amount of fuzzing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::Place;
use super::ledger::Entry;
use super::said::{self, Figures};
use crate::real::stop;

/// Seconds for one input. The package's `limits.rs` has 10; these are seconds on the clock, and the processor may be
/// busy with other things.
const TIMEOUT: &str = "-timeout=60";
/// Memory of the process in MiB, as in `limits.rs`.
const MEMORY: &str = "-rss_limit_mb=2048";
/// For all binaries. SQLite has some names twice, each within a file of its own. A short quarantine keeps to memory that
/// is in the processor's cache, and short stacks of allocations cost less: that makes slow targets up to three times as
/// fast, and both are there in full when a find is run again.
pub(super) const SANITIZER: (&str, &str) = (
    "ASAN_OPTIONS",
    "detect_odr_violation=0:quarantine_size_mb=8:malloc_context_size=4:detect_stack_use_after_return=0",
);
/// The binary whose targets reach thousands of branches with one input. For them it does not pay to weigh inputs by rare
/// ones, which libFuzzer looks for in lists.
const WHOLE: (&str, &str) = ("libfuzzer", "-entropic=0");
/// How libFuzzer exits when it is interrupted.
const INTERRUPTED: i32 = 72;
/// How often processor time is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What a turn needs to know.
pub(super) struct Turn<'a> {
    pub(super) place: &'a Place,
    pub(super) binaries: &'a Path,
    /// The one of them that has the target.
    pub(super) binary: &'a str,
    pub(super) target: &'a str,
    pub(super) len_max: &'a str,
    pub(super) seconds: f64,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) entry: Entry,
    /// What to say of a find.
    pub(super) find: Option<String>,
}

impl Turn<'_> {
    /// Runs the target.
    pub(super) fn run(&self) -> anyhow::Result<Outcome> {
        let corpus = self.folder("corpus")?;
        self.write_seeds(&corpus)?;
        let log = self.place.fuzz.join("logs").join(self.target);
        let (status, seconds) = self.wait(self.start(&corpus, &log)?)?;
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let is_well = status.success() || status.code() == Some(INTERRUPTED);
        let message = said::found(self.target, &said, &log);
        let Some(figures) = Figures::of(&said) else {
            bail!("{status}: {message}")
        };
        if !is_well && said::input(&said).is_none() {
            bail!("{status}: {message}");
        }
        let entry = Entry {
            target: self.target.to_owned(),
            seconds,
            figures,
            found: !is_well,
        };
        let find = (!is_well).then_some(message);
        Ok(Outcome { entry, find })
    }

    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.place.fuzz.join(name).join(self.target);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(folder)
    }

    fn write_seeds(&self, corpus: &Path) -> anyhow::Result<()> {
        let status = Command::new(self.binaries.join("drystone-fuzz"))
            .args(["seeds", self.target])
            .arg(corpus)
            .env(SANITIZER.0, SANITIZER.1)
            .status()?;
        if !status.success() {
            bail!("{} has no seeds: {status}", self.target);
        }
        Ok(())
    }

    fn start(&self, corpus: &Path, log: &Path) -> anyhow::Result<Child> {
        let artifacts = self.folder("artifacts")?;
        fs::create_dir_all(self.place.fuzz.join("logs"))?;
        let binary = self.binaries.join(self.binary);
        let child = Command::new(&binary)
            .args([TIMEOUT, MEMORY, "-print_final_stats=1", "-detect_leaks=0"])
            .arg(format!("-max_len={}", self.len_max))
            .args((self.binary == WHOLE.0).then_some(WHOLE.1))
            .args(dictionary(corpus))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg(corpus)
            .env("DRYSTONE_FUZZ_TARGET", self.target)
            .env(SANITIZER.0, SANITIZER.1)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log)?)
            .spawn();
        child.with_context(|| binary.display().to_string())
    }

    /// Waits for the end, which it asks for when the time is over, or when everything is to end.
    fn wait(&self, mut child: Child) -> anyhow::Result<(ExitStatus, f64)> {
        let started = Instant::now();
        let pid = Pid::from_child(&child);
        let (mut seconds, mut is_asked) = (0.0, false);
        loop {
            let elapsed = started.elapsed().as_secs_f64();
            seconds = processor_seconds(pid).unwrap_or(elapsed).max(seconds);
            if let Some(status) = child.try_wait()? {
                return Ok((status, seconds));
            }
            if !is_asked && (seconds >= self.seconds || stop::check().is_err()) {
                kill_process(pid, Signal::USR1)?;
                is_asked = true;
            }
            thread::sleep(LOOK);
        }
    }
}

/// The words of a target, where it has any.
fn dictionary(corpus: &Path) -> Option<String> {
    let words = corpus.with_extension("dict");
    words.exists().then(|| format!("-dict={}", words.display()))
}

/// Processor time of a process, all its threads together, where the system tells as Linux does.
fn processor_seconds(pid: Pid) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let ticks_per_second = rustix::param::clock_ticks_per_second();
    Some(ticks(&stat)? as f64 / ticks_per_second as f64)
}

/// Ticks in the program and in the kernel: fields 14 and 15. The second is a name in brackets, which may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests;
