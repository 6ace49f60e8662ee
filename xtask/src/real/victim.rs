//! `drystone-victim`: built, started, listened to, stopped, killed, and asked what is left.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use xshell::{Shell, cmd};

use crate::real::stop;

/// How long to wait at a time for an acknowledgement, so that a signal is noticed.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long a database may take to open and to commit before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// How the program is called: what is written, and by how many threads.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    pub(crate) seed: u64,
    pub(crate) writers: usize,
}

/// What must be there, and what may be: for each writer, the last commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Promises {
    pub(crate) acknowledged: Vec<u64>,
    pub(crate) begun: Vec<u64>,
}

impl Promises {
    /// A writer begins a commit once the one before it is acknowledged.
    fn after(acknowledged: &[u64]) -> Promises {
        Promises {
            acknowledged: acknowledged.to_vec(),
            begun: acknowledged.iter().map(|number| number + 1).collect(),
        }
    }

    /// How many commits were acknowledged since those that were `found` there before.
    pub(crate) fn commits_since(&self, found: &[u64]) -> u64 {
        self.acknowledged.iter().sum::<u64>() - found.iter().sum::<u64>()
    }
}

impl Program {
    /// Builds it.
    pub(crate) fn build(shell: &Shell, root: &Path, writers: usize) -> anyhow::Result<Program> {
        cmd!(
            shell,
            "cargo build --quiet --profile campaign --package drystone-simulator --bin drystone-victim"
        )
        .quiet()
        .run()?;
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        Ok(Program {
            path: root.join(target).join("campaign").join("drystone-victim"),
            seed: 0,
            writers,
        })
    }

    /// The same, writing something else.
    pub(crate) fn with_seed(&self, seed: u64) -> Program {
        Program {
            seed,
            ..self.clone()
        }
    }

    fn command(&self, life: u64) -> Command {
        let mut command = Command::new(&self.path);
        command
            .env("RUST_BACKTRACE", "0")
            .args(["--seed", &self.seed.to_string()])
            .args(["--life", &life.to_string()])
            .args(["--writers", &self.writers.to_string()]);
        command
    }

    /// Starts to write where the database stands: after the commits `found`.
    pub(crate) fn write(
        &self,
        database: &Path,
        life: u64,
        durability: &str,
        found: &[u64],
    ) -> anyhow::Result<Victim> {
        let mut child = self
            .command(life)
            .args(["write", "--durability", durability])
            .arg(database)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Ctrl-C is for this process, which ends the other.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} does not start", self.path.display()))?;
        let output = child.stdout.take().context("its output is a pipe")?;
        Victim::new(child, output.into(), found)
    }

    /// Opens the database and checks all of it. How many commits of each writer are there.
    pub(crate) fn check(
        &self,
        database: &Path,
        life: u64,
        promises: &Promises,
    ) -> anyhow::Result<Vec<u64>> {
        let output = self
            .command(life)
            .arg("check")
            .args(["--acknowledged", &list(&promises.acknowledged)])
            .args(["--begun", &list(&promises.begun)])
            .arg(database)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() {
            bail!(
                "{}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let found = said.split(',').map(str::parse);
        found
            .collect::<Result<_, _>>()
            .with_context(|| format!("it said {said:?}"))
    }

    /// Meets a full disk in `folder`. What it says failed.
    pub(crate) fn fill(&self, folder: &Path, life: u64) -> anyhow::Result<String> {
        let output = self.command(life).arg("full-disk").arg(folder).output()?;
        if !output.status.success() {
            bail!(
                "{}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn list(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    numbers.join(",")
}

/// A process that writes. Killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Victim {
    child: Child,
    pid: Pid,
    output: File,
    /// What came of a line that has not ended.
    rest: Vec<u8>,
    acknowledged: Vec<u64>,
}

impl Victim {
    fn new(child: Child, output: OwnedFd, found: &[u64]) -> anyhow::Result<Victim> {
        let flags = rustix::fs::fcntl_getfl(&output)?;
        rustix::fs::fcntl_setfl(&output, flags | OFlags::NONBLOCK)?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Victim {
            pid: pid.context("it has a process number")?,
            child,
            output: output.into(),
            rest: Vec::new(),
            acknowledged: found.to_vec(),
        })
    }

    /// Lets it write for a while. Its own end is an error.
    pub(crate) fn run_for(&mut self, duration: Duration) -> anyhow::Result<()> {
        let started = Instant::now();
        while let Some(left) = duration.checked_sub(started.elapsed()) {
            stop::check()?;
            self.wait_for_output(left.min(LOOK_INTERVAL))?;
            ensure!(self.listen()?, "the writer ended by itself");
        }
        Ok(())
    }

    /// Lets it write until something is acknowledged, so that time spent opening counts for nothing.
    pub(crate) fn run_until_first(&mut self) -> anyhow::Result<()> {
        let (before, started) = (self.acknowledged.clone(), Instant::now());
        while self.acknowledged == before {
            ensure!(
                started.elapsed() < PATIENCE,
                "nothing was acknowledged in {PATIENCE:?}"
            );
            self.run_for(Duration::from_millis(1))?;
        }
        Ok(())
    }

    /// Stops all of its threads, in the middle of whatever they do but a system call, and says what must be on its disk
    /// now.
    pub(crate) fn stop(&mut self) -> anyhow::Result<Promises> {
        kill_process(self.pid, Signal::STOP)?;
        // Should it have ended instead, that is left for `child` to hear of.
        let either = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.pid), either)?;
        ensure!(
            status.is_some_and(|status| status.stopped()),
            "the writer ended by itself"
        );
        self.listen()?;
        Ok(Promises::after(&self.acknowledged))
    }

    /// Lets it go on after [`Victim::stop`].
    pub(crate) fn go_on(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.pid, Signal::CONT)?)
    }

    /// Kills it, and says what must be there.
    pub(crate) fn kill(mut self) -> anyhow::Result<Promises> {
        self.child.kill()?;
        self.child.wait()?;
        while self.listen()? {
            self.wait_for_output(LOOK_INTERVAL)?;
        }
        Ok(Promises::after(&self.acknowledged))
    }

    fn wait_for_output(&self, timeout: Duration) -> anyhow::Result<()> {
        let timeout = Timespec::try_from(timeout)?;
        let mut waiting = [PollFd::new(&self.output, PollFlags::IN)];
        match poll(&mut waiting, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes in all that was acknowledged; `false` once there will be no more.
    fn listen(&mut self) -> anyhow::Result<bool> {
        let mut chunk = [0; 4096];
        loop {
            match self.output.read(&mut chunk) {
                Ok(0) => return Ok(false),
                Ok(len) => self.take_in(&chunk[..len])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Lines of `WRITER NUMBER`. A writer's numbers follow each other.
    fn take_in(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        for line in std::str::from_utf8(&lines)?.lines() {
            note(&mut self.acknowledged, line).with_context(|| format!("the line {line:?}"))?;
        }
        Ok(())
    }
}

fn note(acknowledged: &mut [u64], line: &str) -> anyhow::Result<()> {
    let (writer, number) = line.split_once(' ').context("two words")?;
    let last = acknowledged
        .get_mut(writer.parse::<usize>()?)
        .context("one of the writers")?;
    let number = number.parse()?;
    ensure!(*last + 1 == number, "{number} came after {last}");
    *last = number;
    Ok(())
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests;
