//! A run: the steps of a plan, one after the other, on a simulated disk, each held against the oracle.
//!
//! One thread runs everything. Tasks interleave at the granularity of calls, in the order that the plan has; what happens
//! within a call is for the models of threads to explore.
//!
//! - `opening.rs`: opening, and what may be found then. `crash.rs`: power cuts. `faults.rs`: faults and their end.
//! - `keys.rs`, `transactions.rs`, `tables.rs`, `readers.rs`, `background.rs`: the calls. `archive.rs`: what the archive holds.
//! - `happened.rs`: what went wrong, and what the atlas says of it. `judge.rs`: which errors are right. `observe.rs`: everything that readers see. `probe.rs`: damaged copies. `twins.rs`: second
//!   openings, and copies that go on. `repair.rs`: logs that are cut, damaged or not.
//! - `liveness.rs`: it must come to life again. `record.rs`: runs that are crashed everywhere afterwards.

mod archive;
mod background;
mod crash;
mod faults;
mod happened;
mod judge;
mod keys;
mod liveness;
mod observe;
mod opening;
mod probe;
mod readers;
mod record;
mod repair;
mod tables;
mod transactions;
mod twins;

use std::collections::BTreeMap;
use std::path::Path;

use drystone::{Database, Env, Keyspace};
use drystone_testkit::{ClockEvent, Hazard, SimFileSystem, mix};

use self::happened::FaultState;
pub(crate) use self::judge::Stop;
pub(crate) use self::observe::{Unseen, is_reported, observe, rows_of};
use self::readers::{Cursor, PinnedSnapshot};
pub(crate) use self::record::Recorded;
use self::transactions::OpenTransaction;
use crate::failure::{Failure, FailureKind};
use crate::fault::Crash;
use crate::operation::Operation;
use crate::oracle::Oracle;
use crate::plan::Plan;
use crate::report::{Coverage, Report};

/// Operations of the disk within one step, reads included: a hundred times what the longest have.
const STEP_OPERATIONS_MAX: u64 = 5_000_000;
/// Places of planted bugs that one step may come by.
#[cfg(planted)]
const STEP_PLACES_MAX: u64 = 20_000_000;

/// A step that goes round in circles panics, after the same number of turns each time.
pub(crate) fn bound_step(disk: &SimFileSystem) {
    disk.allow_operations(STEP_OPERATIONS_MAX);
    #[cfg(planted)]
    drystone_base::planted::allow(STEP_PLACES_MAX);
}

/// How many syncs back the disk remembers.
const GENERATIONS: usize = 8;
/// The folder that the database is in.
pub(crate) const FOLDER: &str = "/db";

/// A run under way.
pub(crate) struct Run<'p> {
    plan: &'p Plan,
    disk: SimFileSystem,
    env: Env,
    /// `None` before the first call, and after a failed attempt to open it.
    open: Option<Open>,
    pub(crate) oracle: Oracle,
    step: usize,
    pending: Option<PendingCrash>,
    faults: FaultState,
    /// Whether some of what the plan does needs what files were some syncs ago.
    needs_generations: bool,
    coverage: Coverage,
    hash: u64,
}

/// The open database, and what its tasks hold. Dropped in this order.
#[derive(Default)]
struct Held {
    tasks: BTreeMap<u8, Task>,
    /// By number of the keyspace; may be of one that was dropped since.
    handles: BTreeMap<u8, Handle>,
}

struct Open {
    held: Held,
    db: Database,
}

/// A handle of a keyspace, and the life of what it was opened for.
#[derive(Clone)]
struct Handle {
    keyspace: Keyspace,
    life: u64,
}

/// What one task holds.
#[derive(Default)]
struct Task {
    cursor: Option<Cursor>,
    snapshot: Option<PinnedSnapshot>,
    transaction: Option<OpenTransaction>,
}

struct PendingCrash {
    crash: Crash,
    steps_left: u8,
}

impl<'p> Run<'p> {
    /// A run of `plan` on an empty disk.
    pub(crate) fn new(plan: &'p Plan) -> Run<'p> {
        let disk = SimFileSystem::with_folder(plan.seed, Path::new(FOLDER));
        Run::on(plan, disk)
    }

    /// A run of `plan` on a disk where its folder is.
    pub(crate) fn on(plan: &'p Plan, disk: SimFileSystem) -> Run<'p> {
        let mut run = Run {
            plan,
            env: disk.env(),
            disk,
            open: None,
            oracle: Oracle::new(),
            step: 0,
            pending: None,
            faults: FaultState::of(Path::new(FOLDER)),
            needs_generations: plan.steps.iter().any(|step| step.1.needs_generations()),
            coverage: Coverage::default(),
            hash: plan.seed,
        };
        run.plug_in(run.disk.clone());
        run
    }

    /// Goes on with this disk, on which nothing is wrong yet.
    fn plug_in(&mut self, disk: SimFileSystem) {
        self.env = disk.env();
        self.disk = disk;
        bound_step(&self.disk);
        self.faults.plug_in();
        if self.needs_generations {
            self.disk.keep_generations(GENERATIONS);
        }
    }

    /// All steps, and then the proof that the database is alive.
    pub(crate) fn run(mut self) -> Result<Report, Failure> {
        let outcome = self.run_steps().and_then(|()| self.come_to_life());
        match outcome {
            Ok(()) => self.coverage.count("run: finished"),
            Err(Stop::Reported) => self.coverage.count("run: damage was reported"),
            Err(stop) => return Err(failure_of(stop, self.step, self.plan)),
        }
        self.note(self.disk.operations());
        Ok(Report {
            steps: self.step as u64,
            trace_hash: self.hash,
            coverage: self.coverage,
        })
    }

    /// The steps of the plan, and the power cut that waits at their end.
    pub(crate) fn run_steps(&mut self) -> Result<(), Stop> {
        let plan = self.plan;
        for (number, step) in plan.steps.iter().enumerate() {
            self.step = number;
            self.begin_step();
            self.do_step(step.0, &step.1)?;
            self.end_step()?;
        }
        self.step = plan.steps.len();
        match self.pending.take() {
            Some(pending) => self.crash(&pending.crash),
            None => Ok(()),
        }
    }

    fn begin_step(&mut self) {
        bound_step(&self.disk);
        self.notice_lies();
        self.faults.struck_at_step = self.faults.struck;
        self.faults.floor_at_step = self.oracle.floor();
    }

    fn end_step(&mut self) -> Result<(), Stop> {
        self.notice_lies();
        self.note(self.disk.operations());
        self.note(self.oracle.newest_number() as u64);
        let Some(pending) = &mut self.pending else {
            return Ok(());
        };
        if pending.steps_left > 0 && !self.disk.is_off() {
            pending.steps_left -= 1;
            return Ok(());
        }
        match self.pending.take() {
            Some(pending) => self.crash(&pending.crash),
            None => Ok(()),
        }
    }

    fn do_step(&mut self, task: u8, operation: &Operation) -> Result<(), Stop> {
        self.coverage.count(name_of(operation));
        match operation {
            Operation::Crash(crash) => {
                self.await_crash(crash);
                return Ok(());
            }
            Operation::Inject(fault) => {
                self.inject(fault);
                return Ok(());
            }
            Operation::Mend => return self.mend(),
            Operation::Kill => return self.kill(),
            Operation::Wait(millis) => {
                let time = std::time::Duration::from_millis(u64::from(*millis));
                self.disk.clock().advance(time);
                return Ok(());
            }
            Operation::SetClock(seconds) => {
                let micros = i64::from(*seconds) * 1_000_000;
                self.disk.clock().apply(ClockEvent::Jump { micros });
                self.count_hazard(Hazard::Clock);
                return Ok(());
            }
            Operation::DropCache => {
                self.disk.drop_cache();
                self.count_hazard(Hazard::Eviction);
                return Ok(());
            }
            _ => {}
        }
        if self.open.is_none() && !self.open_again()? {
            return Ok(());
        }
        self.call(task, operation)
    }

    /// The operations that need the database to be open.
    fn call(&mut self, task: u8, operation: &Operation) -> Result<(), Stop> {
        match operation {
            Operation::Write(durable, change) => self.write(*durable, change),
            Operation::Batch(durable, changes) => self.batch(*durable, changes),
            Operation::Load(changes) => self.load(changes),
            Operation::Read(source, look) => self.read(task, *source, look),
            Operation::CreateKeyspace(space) => self.create_keyspace(*space),
            Operation::DropKeyspace(space) => self.drop_keyspace(*space),
            Operation::SetCodec(space, codec) => self.set_codec(*space, *codec),
            Operation::Begin(through) => self.begin(task, *through),
            Operation::Change(change) => self.change(task, change),
            Operation::Guard(space, key) => self.guard(task, *space, Some(*key)),
            Operation::GuardKeyspace(space) => self.guard(task, *space, None),
            Operation::Savepoint => self.savepoint(task),
            Operation::RollbackTo(position) => self.rollback_to(task, *position),
            Operation::Commit(durable) => self.commit(task, *durable),
            Operation::Rollback => self.rollback(task),
            Operation::Sql(statement) => self.sql(task, statement),
            Operation::Query(query) => self.query(task, query),
            Operation::TakeSnapshot => self.take_snapshot(task),
            Operation::DropSnapshot => self.drop_snapshot(task),
            Operation::OpenCursor(source, look) => self.open_cursor(task, *source, look),
            Operation::Advance(count) => self.advance(task, *count),
            Operation::CloseCursor => self.close_cursor(task),
            Operation::Step => self.background_step(),
            Operation::Flush => self.flush(),
            Operation::Compact => self.compact(),
            Operation::Sync => self.sync(),
            Operation::Verify => self.verify(),
            Operation::Stats => self.stats(),
            Operation::Reopen => self.reopen(),
            Operation::OpenTwice => self.open_twice(),
            Operation::PartWays => self.part_ways(),
            Operation::GoBack(by) => self.go_back(*by),
            Operation::Probe(damage) => self.probe(*damage),
            Operation::Crash(_)
            | Operation::Inject(_)
            | Operation::Log(_)
            | Operation::Tree(_)
            | Operation::Mend
            | Operation::Kill
            | Operation::Wait(_)
            | Operation::SetClock(_)
            | Operation::DropCache => Ok(()),
        }
    }

    /// The open database.
    fn db(&self) -> Result<&Database, Stop> {
        match &self.open {
            Some(open) => Ok(&open.db),
            None => Err(Stop::broken(
                FailureKind::NotLive,
                "the database is not open",
            )),
        }
    }

    fn task(&mut self, task: u8) -> Result<&mut Task, Stop> {
        match &mut self.open {
            Some(open) => Ok(open.held.tasks.entry(task).or_default()),
            None => Err(Stop::broken(
                FailureKind::NotLive,
                "the database is not open",
            )),
        }
    }

    fn handle(&self, space: u8) -> Option<Handle> {
        self.open.as_ref()?.held.handles.get(&space).cloned()
    }

    /// Adds something that was seen to the hash of the run.
    fn note(&mut self, seen: u64) {
        self.hash = mix(self.hash, &[seen]);
    }
}

/// What a stop means for those who want to see it again.
pub(crate) fn failure_of(stop: Stop, step: usize, plan: &Plan) -> Failure {
    let (kind, what) = stop.into_parts();
    Failure::new(kind, what, step, plan)
}

/// What an operation is counted as.
fn name_of(operation: &Operation) -> &'static str {
    match operation {
        Operation::Log(_) | Operation::Tree(_) => "call: of another subject",
        Operation::Write(..) => "call: put, delete",
        Operation::Batch(..) => "call: write batch",
        Operation::Load(..) => "call: bulk load",
        Operation::Read(..) => "call: get, range, prefix",
        Operation::CreateKeyspace(_) => "call: keyspace",
        Operation::DropKeyspace(_) => "call: drop keyspace",
        Operation::SetCodec(..) => "call: keyspace with a codec",
        Operation::Begin(_) => "call: begin",
        Operation::Change(_) => "call: put, delete in a transaction",
        Operation::Guard(..) | Operation::GuardKeyspace(_) => "call: guard",
        Operation::Savepoint => "call: savepoint",
        Operation::RollbackTo(_) => "call: rollback to",
        Operation::Commit(_) => "call: commit",
        Operation::Rollback => "call: rollback",
        Operation::Sql(_) => "call: SQL statement",
        Operation::Query(_) => "call: SQL query",
        Operation::TakeSnapshot | Operation::DropSnapshot => "call: snapshot",
        Operation::OpenCursor(..) | Operation::Advance(_) | Operation::CloseCursor => {
            "call: cursor"
        }
        Operation::Step => "call: step",
        Operation::Flush => "call: flush",
        Operation::Compact => "call: compact",
        Operation::Sync => "call: sync",
        Operation::Verify => "call: verify",
        Operation::Stats => "call: stats",
        Operation::Reopen => "call: reopen",
        Operation::OpenTwice => "process: a second one",
        Operation::PartWays => "disk: copied while in use",
        Operation::GoBack(_) => "disk: copied, and its log cut",
        Operation::Wait(_) => "disk: time passes",
        Operation::SetClock(_) => "disk: clock set",
        Operation::DropCache => "disk: cache dropped",
        Operation::Crash(_) => "disk: power cut planned",
        Operation::Kill => "process: killed",
        Operation::Inject(_) => "disk: fault injected",
        Operation::Mend => "disk: mended",
        Operation::Probe(_) => "disk: damaged copy",
    }
}
