//! A run of a log that is used alone: what it holds, what readers give, what holds and the archive keep.
//!
//! # What must be so
//! - L1. After an opening the log holds a prefix of what was appended, each record with its bytes, and at least what was
//!   durable for certain.
//! - L2. A reader gives the records in order, without a gap, and only such as no crash takes back.
//! - L3. What a hold needs is there, unless it asked for more than its bound.
//! - L4. Archive and log together hold every record there ever was.
//! - L5. Damage is reported or does no harm. A repair keeps a prefix, and says that it cut something.

mod draw;
mod keepers;
mod opening;
mod probe;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use drystone::Lsn;
use drystone_base::Clock;
use drystone_testkit::{Cut, FaultPlan, SimFileSystem, mix};
use drystone_wal::{Durability, Log, WalError};

pub(crate) use self::draw::draw_steps;
use self::keepers::{HeldHold, Tail};
use crate::failure::{Failure, FailureKind};
use crate::fault::{Crash, FaultSpec};
use crate::log_call::LogCall;
use crate::operation::{Durable, Operation, Payload};
use crate::plan::Plan;
use crate::report::{Coverage, Report};
use crate::run::{Stop, bound_step, failure_of};

/// The folder above that of the log.
const FOLDER: &str = "/db";
/// How long `Async` records may wait. The clock stands still, unless a plan moves it.
const ASYNC: Duration = Duration::from_millis(10);

/// A run under way.
pub(crate) struct LogRun<'p> {
    plan: &'p Plan,
    disk: SimFileSystem,
    open: Option<Open>,
    /// All that was appended, from the first record on.
    appended: Vec<Bytes>,
    /// What failed, and may be there all the same.
    maybe: Option<Bytes>,
    /// How many records are durable for certain.
    durable: u64,
    /// Until when `Async` records wait, by their numbers.
    waiting: Vec<(u64, Duration)>,
    /// The last record that a reader gave.
    given: u64,
    /// Everything up to here is no longer needed.
    trimmed: u64,
    /// Whether something was to go wrong since the log was opened: then calls may fail.
    may_fail: bool,
    pending: Option<(Crash, u8)>,
    coverage: Coverage,
    hash: u64,
}

/// The open log, and what is held of it. Dropped in this order.
struct Open {
    tails: BTreeMap<u8, Tail>,
    holds: BTreeMap<u8, HeldHold>,
    log: Log,
}

impl<'p> LogRun<'p> {
    pub(crate) fn new(plan: &'p Plan) -> LogRun<'p> {
        LogRun {
            plan,
            disk: SimFileSystem::with_folder(plan.seed, FOLDER),
            open: None,
            appended: Vec::new(),
            maybe: None,
            durable: 0,
            waiting: Vec::new(),
            given: 0,
            trimmed: 0,
            may_fail: false,
            pending: None,
            coverage: Coverage::default(),
            hash: plan.seed,
        }
    }

    /// All steps, and then the proof that the log is alive.
    pub(crate) fn run(mut self) -> Result<Report, Failure> {
        self.disk.keep_generations(8);
        let plan = self.plan;
        for (number, step) in plan.steps.iter().enumerate() {
            self.do_step(&step.1)
                .and_then(|()| self.end_step())
                .map_err(|stop| failure_of(stop, number, plan))?;
        }
        self.come_to_life()
            .map_err(|stop| failure_of(stop, plan.steps.len(), plan))?;
        self.coverage.count("run: finished");
        self.note(self.disk.operations());
        Ok(Report {
            steps: plan.steps.len() as u64,
            trace_hash: self.hash,
            coverage: self.coverage,
        })
    }

    fn do_step(&mut self, operation: &Operation) -> Result<(), Stop> {
        bound_step(&self.disk);
        match operation {
            Operation::Log(call) => {
                self.coverage.count(name_of(call));
                match self.is_open()? {
                    true => self.call(*call),
                    false => Ok(()),
                }
            }
            Operation::Crash(crash) => {
                if self.pending.is_none() {
                    let after = u64::from(crash.after);
                    self.disk.cut_power_after(after, crash.last.into());
                    self.pending = Some((crash.clone(), crash.within));
                }
                Ok(())
            }
            Operation::Kill => self.kill(),
            Operation::Inject(fault) => {
                self.inject(fault);
                Ok(())
            }
            Operation::Mend => self.reopen(),
            Operation::Wait(millis) => {
                let time = Duration::from_millis(u64::from(*millis));
                self.disk.clock().advance(time);
                Ok(())
            }
            Operation::Probe(damage) => self.probe(*damage),
            _ => Ok(()),
        }
    }

    fn end_step(&mut self) -> Result<(), Stop> {
        self.note(self.disk.operations());
        self.note(self.appended.len() as u64);
        self.check_holds()?;
        match self.pending.take() {
            Some((crash, left)) if left > 0 && !self.disk.is_off() => {
                self.pending = Some((crash, left - 1));
                Ok(())
            }
            Some((crash, _)) => self.crash(&crash),
            None => Ok(()),
        }
    }

    fn call(&mut self, call: LogCall) -> Result<(), Stop> {
        match call {
            LogCall::Append(durable, payload) => self.append(durable, payload),
            LogCall::Sync => {
                let synced = self.log()?.sync().map(drop);
                self.done("sync", synced, |run| run.durable = run.newest())
            }
            LogCall::Step => {
                let now = self.disk.clock().monotonic();
                let stepped = self.log()?.step().map(drop);
                self.done("step", stepped, |run| {
                    let due = run.waiting.iter().filter(|(_, until)| *until <= now);
                    let due = due.map(|(number, _)| *number).max().unwrap_or(0);
                    run.durable = run.durable.max(due);
                })
            }
            LogCall::Trim(percent) => {
                let upto = self.durable * u64::from(percent.min(100)) / 100;
                self.trimmed = self.trimmed.max(upto);
                let trimmed = self.log()?.trim(Lsn(self.trimmed));
                self.done("trim", trimmed, |_| {})
            }
            LogCall::Reopen => self.reopen(),
            LogCall::Hold(which, percent, kib) => self.hold(which, percent, kib),
            LogCall::Advance(which, by) => self.advance(which, by),
            LogCall::LetGo(which) => {
                self.opened()?.holds.remove(&which);
                Ok(())
            }
            LogCall::Tail(which, percent) => self.tail(which, percent),
            LogCall::Follow(which, count) => self.follow(which, count),
        }
    }

    fn append(&mut self, durable: Durable, payload: Payload) -> Result<(), Stop> {
        let bytes = payload.bytes();
        let durability = match durable {
            Durable::Sync => Durability::Sync,
            Durable::Async => Durability::Async(ASYNC),
            Durable::None => Durability::None,
        };
        match self.log()?.commit(&bytes, durability) {
            Ok(lsn) if lsn.0 == self.newest() + 1 => {
                self.appended.push(bytes);
                let now = self.disk.clock().monotonic();
                match durable {
                    Durable::Sync => self.durable = lsn.0,
                    Durable::Async => self.waiting.push((lsn.0, now + ASYNC)),
                    Durable::None => {}
                }
                Ok(())
            }
            Ok(lsn) => Err(Stop::wrong(format!(
                "record {} was given the number {lsn}",
                self.newest() + 1
            ))),
            Err(error) => {
                self.maybe = Some(bytes);
                self.failed("append", &error)
            }
        }
    }

    /// What comes of a call that succeeded, or failed for a reason.
    fn done(
        &mut self,
        call: &str,
        result: Result<(), WalError>,
        then: impl FnOnce(&mut Self),
    ) -> Result<(), Stop> {
        match result {
            Ok(()) => {
                then(self);
                Ok(())
            }
            Err(error) => self.failed(call, &error),
        }
    }

    /// A call failed: whether it may. Where the power is on, faults end here, and the log is opened again.
    fn failed(&mut self, call: &str, error: &WalError) -> Result<(), Stop> {
        if self.disk.is_off() {
            return Ok(());
        }
        if !self.may_fail {
            return Err(Stop::broken(
                FailureKind::UnexpectedError,
                format!("{call}: {}", in_full(error)),
            ));
        }
        self.coverage.count("log: a call failed");
        self.reopen()
    }

    fn inject(&mut self, fault: &FaultSpec) {
        if !fault.kind.is_harmless() {
            self.may_fail = true;
        }
        let mishap = fault.mishap(Path::new(FOLDER), "log");
        let seed = mix(self.plan.seed, &[self.disk.operations()]);
        self.disk.follow(&FaultPlan::of(seed, vec![mishap]));
    }

    /// Power is cut, and what is left must open.
    fn crash(&mut self, crash: &Crash) -> Result<(), Stop> {
        self.coverage.count("log: power cut");
        self.disk.cut_power();
        self.open = None;
        self.leave(crash.policy);
        for (after, policy) in &crash.nested {
            self.disk.cut_power_after(u64::from(*after), Cut::Midway);
            let opened = self.open_log();
            if let (Err(error), false) = (&opened, self.disk.is_off()) {
                return Err(Stop::broken(
                    FailureKind::UnexpectedError,
                    format!("open in the middle of recoveries: {}", in_full(error)),
                ));
            }
            self.disk.cut_power();
            drop(opened);
            self.leave(*policy);
        }
        self.is_open().map(drop)
    }

    fn leave(&mut self, policy: u8) {
        self.disk = match Crash::policy(policy) {
            Some(policy) => self.disk.crash(policy),
            None => self.disk.fork(),
        };
        self.disk.calm();
        self.disk.keep_generations(8);
        self.may_fail = false;
    }

    /// The process dies. The cache outlives it.
    fn kill(&mut self) -> Result<(), Stop> {
        if self.pending.is_some() {
            return Ok(());
        }
        self.disk.cut_power();
        self.open = None;
        self.leave(Crash::KILLED);
        self.is_open().map(drop)
    }

    /// Faults end, the log is closed, and opened again.
    fn reopen(&mut self) -> Result<(), Stop> {
        let had_failed = self.may_fail;
        if let Some(open) = self.open.take() {
            drop((open.tails, open.holds));
            match open.log.close() {
                Ok(()) => self.durable = self.newest(),
                Err(_) if had_failed || self.disk.is_off() => {}
                Err(error) => {
                    let what = format!("close: {}", in_full(&error));
                    return Err(Stop::broken(FailureKind::UnexpectedError, what));
                }
            }
        }
        if self.pending.is_none() {
            self.disk.calm();
            self.may_fail = false;
        }
        self.is_open().map(drop)
    }

    fn come_to_life(&mut self) -> Result<(), Stop> {
        if let Some((crash, _)) = self.pending.take() {
            self.crash(&crash)?;
        }
        self.reopen()?;
        let newest = self.newest();
        self.append(Durable::Sync, Payload { len: 100, seed: 1 })?;
        match self.newest() > newest {
            true => self.reopen(),
            false => Err(Stop::broken(FailureKind::NotLive, "takes no records")),
        }
    }

    /// The number of the last record.
    fn newest(&self) -> u64 {
        self.appended.len() as u64
    }

    fn opened(&mut self) -> Result<&mut Open, Stop> {
        let closed = || Stop::broken(FailureKind::NotLive, "the log is not open");
        self.open.as_mut().ok_or_else(closed)
    }

    fn log(&self) -> Result<&Log, Stop> {
        let closed = || Stop::broken(FailureKind::NotLive, "the log is not open");
        Ok(&self.open.as_ref().ok_or_else(closed)?.log)
    }

    fn note(&mut self, seen: u64) {
        self.hash = mix(self.hash, &[seen]);
    }
}

/// An error with what caused it.
fn in_full(error: &WalError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn name_of(call: &LogCall) -> &'static str {
    match call {
        LogCall::Append(..) => "log: append",
        LogCall::Sync => "log: sync",
        LogCall::Step => "log: step",
        LogCall::Trim(_) => "log: trim",
        LogCall::Reopen => "log: reopen",
        LogCall::Hold(..) => "log: hold",
        LogCall::Advance(..) | LogCall::LetGo(_) => "log: hold moved on, or let go",
        LogCall::Tail(..) => "log: tail",
        LogCall::Follow(..) => "log: tail read on",
    }
}
