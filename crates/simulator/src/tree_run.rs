//! A run of a B+tree that is used alone: write transactions, batches, stages, compaction in slices, held states.
//!
//! # What must be so
//! - T1. Every write is durable when it returns. One that fails may be there after an opening, whole or not at all.
//! - T2. A state that is held shows what it showed, whatever is written, compacted or dropped meanwhile.
//! - T3. A write transaction reads what it wrote. Nothing of it is in the tree before its commit, or after a rollback.
//! - T4. A stage is unseen until it is adopted, is there after an opening, and leaves nothing when it is discarded.
//! - T5. `verify` finds nothing.

mod calls;
mod draw;
mod looks;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeOptions, BTreeSnapshot};
use drystone_engine::{Engine, EngineError};
use drystone_storage_pager::PagerOptions;
use drystone_testkit::{Cut, FaultPlan, SimFileSystem, mix};

pub(crate) use self::draw::draw_steps;
use crate::failure::{Failure, FailureKind};
use crate::fault::{Crash, FaultSpec};
use crate::operation::Operation;
use crate::plan::Plan;
use crate::report::{Coverage, Report};
use crate::run::{Stop, bound_step, failure_of};
use crate::tree_call::TreeCall;

const FOLDER: &str = "/db";
/// The keyspaces that there are.
const SPACES: u8 = 4;

/// All entries, by keyspace.
type Entries = BTreeMap<u8, Arc<BTreeMap<Bytes, Bytes>>>;

/// A run under way.
pub(crate) struct TreeRun<'p> {
    plan: &'p Plan,
    disk: SimFileSystem,
    open: Option<Open>,
    newest: Entries,
    /// What is staged, and undecided.
    staged: Option<Entries>,
    /// What failed, and may be there all the same: entries, and what is staged beside them.
    maybe: Option<(Entries, Option<Entries>)>,
    /// Whether something was to go wrong since the tree was opened: then calls may fail.
    may_fail: bool,
    pending: Option<(Crash, u8)>,
    coverage: Coverage,
    hash: u64,
}

/// The open tree, and the states that are held of it.
struct Open {
    pins: BTreeMap<u8, (Arc<BTreeSnapshot>, Entries)>,
    tree: BTree,
}

impl<'p> TreeRun<'p> {
    pub(crate) fn new(plan: &'p Plan) -> TreeRun<'p> {
        TreeRun {
            plan,
            disk: SimFileSystem::with_folder(plan.seed, FOLDER),
            open: None,
            newest: Entries::new(),
            staged: None,
            maybe: None,
            may_fail: false,
            pending: None,
            coverage: Coverage::default(),
            hash: plan.seed,
        }
    }

    /// All steps, and then the proof that the tree is alive.
    pub(crate) fn run(mut self) -> Result<Report, Failure> {
        let plan = self.plan;
        for (number, step) in plan.steps.iter().enumerate() {
            self.do_step(&step.1)
                .and_then(|()| self.end_step())
                .map_err(|stop| failure_of(stop, number, plan))?;
        }
        self.come_to_life()
            .map_err(|stop| failure_of(stop, plan.steps.len(), plan))?;
        self.coverage.count("run: finished");
        self.hash = mix(self.hash, &[self.disk.operations()]);
        Ok(Report {
            steps: plan.steps.len() as u64,
            trace_hash: self.hash,
            coverage: self.coverage,
        })
    }

    fn do_step(&mut self, operation: &Operation) -> Result<(), Stop> {
        bound_step(&self.disk);
        match operation {
            Operation::Tree(call) => match self.is_open()? {
                true => self.call(call),
                false => Ok(()),
            },
            Operation::Crash(crash) => {
                if self.pending.is_none() {
                    let after = u64::from(crash.after);
                    self.disk.cut_power_after(after, crash.last.into());
                    self.pending = Some((crash.clone(), crash.within));
                }
                Ok(())
            }
            Operation::Kill if self.pending.is_none() => {
                self.disk.cut_power();
                self.open = None;
                self.leave(Crash::KILLED);
                self.is_open().map(drop)
            }
            Operation::Inject(fault) => {
                self.inject(fault);
                Ok(())
            }
            Operation::Mend => self.reopen(),
            _ => Ok(()),
        }
    }

    fn end_step(&mut self) -> Result<(), Stop> {
        self.hash = mix(self.hash, &[self.disk.operations()]);
        match self.pending.take() {
            Some((crash, left)) if left > 0 && !self.disk.is_off() => {
                self.pending = Some((crash, left - 1));
                Ok(())
            }
            Some((crash, _)) => self.crash(&crash),
            None => Ok(()),
        }
    }

    fn inject(&mut self, fault: &FaultSpec) {
        self.may_fail |= !fault.kind.is_harmless();
        let mishap = fault.mishap(Path::new(FOLDER), "tree");
        let seed = mix(self.plan.seed, &[self.disk.operations()]);
        self.disk.follow(&FaultPlan::of(seed, vec![mishap]));
    }

    fn crash(&mut self, crash: &Crash) -> Result<(), Stop> {
        self.coverage.count("tree: power cut");
        self.disk.cut_power();
        self.open = None;
        self.leave(crash.policy);
        for (after, policy) in &crash.nested {
            self.disk.cut_power_after(u64::from(*after), Cut::Midway);
            let opened = self.open_tree();
            if let (Err(error), false) = (&opened, self.disk.is_off()) {
                return Err(unexpected("open in the middle of recoveries", error));
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
        bound_step(&self.disk);
        self.may_fail = false;
    }

    /// Faults end, and the tree is opened again.
    fn reopen(&mut self) -> Result<(), Stop> {
        self.open = None;
        if self.pending.is_none() {
            self.disk.calm();
            self.may_fail = false;
        }
        self.is_open().map(drop)
    }

    fn open_tree(&self) -> Result<BTree, EngineError> {
        let options = BTreeOptions {
            page_bytes: self.plan.options.page_bytes,
            codec: self.plan.options.compression.into(),
            pager: PagerOptions {
                cache_bytes: self.plan.options.cache_bytes as usize,
                ..PagerOptions::default()
            },
            ..BTreeOptions::default()
        };
        let tree = Path::new(FOLDER).join("tree");
        BTree::open(&self.disk.env(), &tree, options)
    }

    /// Opens the tree where it is not open; whether it is. It is not where the power went.
    fn is_open(&mut self) -> Result<bool, Stop> {
        if self.open.is_some() || self.disk.is_off() {
            return Ok(self.open.is_some());
        }
        let mut opened = self.open_tree();
        if opened.is_err() && self.may_fail && !self.disk.is_off() {
            self.disk.calm();
            self.may_fail = false;
            opened = self.open_tree();
        }
        let tree = match opened {
            Ok(tree) => tree,
            Err(_) if self.disk.is_off() => return Ok(false),
            Err(error) => return Err(unexpected("open", &error)),
        };
        if let Err(stop) = self.identify(&tree) {
            // A read that failed says nothing of what is there.
            return match self.disk.is_off() || self.may_fail {
                true => Ok(false),
                false => Err(stop),
            };
        }
        self.open = Some(Open {
            pins: BTreeMap::new(),
            tree,
        });
        Ok(true)
    }

    /// T1, T4.
    fn identify(&mut self, tree: &BTree) -> Result<(), Stop> {
        let found =
            looks::all_of(&*tree.newest()).map_err(|error| unexpected("reading", &error))?;
        let staged = match tree.staging().and_then(|staging| staging.staged()) {
            Some((_, snapshot)) => Some(
                looks::all_of(&*snapshot).map_err(|error| unexpected("reading a stage", &error))?,
            ),
            None => None,
        };
        let found = (found, staged);
        let known = (self.newest.clone(), self.staged.clone());
        if found != known && self.maybe.as_ref() != Some(&found) {
            let what = format!(
                "opened with {}, staged {}; expected {}, staged {}",
                looks::in_short(&found.0),
                found.1.as_ref().map_or_else(String::new, looks::in_short),
                looks::in_short(&known.0),
                known.1.as_ref().map_or_else(String::new, looks::in_short),
            );
            return Err(Stop::broken(FailureKind::LostCommit, what));
        }
        (self.newest, self.staged) = found;
        self.maybe = None;
        Ok(())
    }

    fn tree(&self) -> Result<&BTree, Stop> {
        let closed = || Stop::broken(FailureKind::NotLive, "the tree is not open");
        Ok(&self.open.as_ref().ok_or_else(closed)?.tree)
    }

    /// A call failed: whether it may. Where the power is on, faults end here, and the tree is opened again.
    fn failed(&mut self, call: &str, error: &EngineError) -> Result<(), Stop> {
        if self.disk.is_off() {
            return Ok(());
        }
        if !self.may_fail {
            return Err(unexpected(call, error));
        }
        self.coverage.count("tree: a call failed");
        self.reopen()
    }

    fn come_to_life(&mut self) -> Result<(), Stop> {
        if let Some((crash, _)) = self.pending.take() {
            self.crash(&crash)?;
        }
        self.reopen()?;
        for call in [
            TreeCall::Discard,
            TreeCall::Load(1, 60_000, 3),
            TreeCall::Verify,
            TreeCall::Reopen,
            TreeCall::Look(0, 1, 0, u16::MAX, crate::Order::Forward),
        ] {
            self.call(&call)?;
        }
        match self.open.is_some() {
            true => Ok(()),
            false => Err(Stop::broken(FailureKind::NotLive, "does not open again")),
        }
    }
}

fn id(space: u8) -> KeyspaceId {
    KeyspaceId(1 + u32::from(space % SPACES))
}

fn unexpected(call: &str, error: &EngineError) -> Stop {
    let mut what = format!("{call}: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        what = format!("{what}: {error}");
        cause = error.source();
    }
    Stop::broken(FailureKind::UnexpectedError, what)
}

/// The number of the state that follows one.
fn after(lsn: Lsn) -> Lsn {
    Lsn(lsn.0 + 1)
}
