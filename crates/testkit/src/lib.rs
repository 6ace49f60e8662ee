//! A simulated disk, crash points, a model oracle and law suites: what proves Drystone's parts, and yours.
//!
//! - [`SimFileSystem`]: a disk from a seed, that forgets what was not synced when power is cut ([`CrashPolicy`]), fails
//!   on demand ([`Fault`]) and rots ([`Harm`]), with a [`SimClock`] that jumps and stalls. A [`Trace`] of it can be
//!   crashed at every operation without running the work again.
//! - [`CrashPoints`]: power cut at every operation of a workload, in every way if it is short, and again in the recovery
//!   after it.
//! - [`FaultPlan`]: what goes wrong in a run, drawn from a seed; [`FaultAtlas`]: what may come of it ([`MayBreak`]), so
//!   that an oracle can demand the rest; [`Shrink`]: a failure made small.
//! - [`Model`]: what a multi-keyspace map holds after each commit; [`Generator`]: commits from a seed.
//! - [`laws`]: suites that prove an engine, a file system or a stream of changes; [`ModelEngine`], which keeps them.
//! - [`CountingAllocator`]: what budgets of memory are held against.
//!
//! Everything here draws from seeds, and names the seed when it fails.

mod counting_allocator;
mod crash_points;
mod draw;
pub mod laws;
mod model;
mod model_engine;
mod seed;
mod shrink;
mod sim;

pub use counting_allocator::CountingAllocator;
pub use crash_points::{
    CRASH_FOLDER, Checked, CrashFailure, CrashPoint, CrashPoints, CrashReport, NoCrashPoint,
    POINT_VARIABLE, PowerCut, Promises, Witness,
};
pub use draw::{Draw, mix};
pub use model::{Batch, BatchStream, Difference, Generator, Model, Shape, State, compare};
pub use model_engine::ModelEngine;
pub use seed::{SEED_VARIABLE, seed_of};
pub use shrink::{Shrink, smaller_numbers};
pub use sim::{
    Astray, ClockEvent, CrashPolicy, Cut, Effect, Errno, Event, Fault, FaultAtlas, FaultPlan,
    Happened, Harm, Hazard, Image, Latency, MayBreak, Mishap, NextWrite, NoPlan, OpKind, Outcome,
    PlanItem, PlanShape, Replay, SimClock, SimFileSystem, Subsets, Trace, Zone,
};
