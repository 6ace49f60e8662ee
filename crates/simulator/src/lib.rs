//! The whole of Drystone on a simulated disk and clock, from one seed.
//!
//! A seed draws a [`Plan`]: options, and a list of calls, power cuts and faults of several tasks that interleave. A run
//! follows it and holds every answer against an oracle, which knows each state that the database was in, and which of
//! them a crash may leave. [`run_seed`] does that for one seed; a [`Failure`] holds a plan made small, which runs again
//! from its text.
//!
//! ```
//! use drystone_simulator::{Settings, plan_of, run_seed};
//!
//! let report = run_seed(7, &Settings::default()).expect("every promise is kept");
//! assert!(report.coverage.of("run: finished") + report.coverage.of("run: damage was reported") == 1);
//! assert_eq!(plan_of(7).to_string().parse::<drystone_simulator::Plan>().unwrap(), plan_of(7));
//! ```
//!
//! # Modules, in reading order
//! `operation.rs`, `statement.rs`, `log_call.rs`, `tree_call.rs`, `fault.rs`, `options.rs` and `plan.rs` are what plans are made of; `workload.rs`,
//! `tasks.rs` and `scheduler.rs` draw them; `oracle.rs` knows what must be; `run.rs` runs them, and `log_run.rs` and
//! `tree_run.rs` those of a log and of a B+tree that are used alone; `swarm.rs`, `shrink.rs`,
//! `failure.rs` and `report.rs` are for those who want to know what came of it; `crash_points.rs`, `exhaustive.rs` and
//! `damage.rs` try every power cut, all that it may leave, and much damage on one short plan each; `canary.rs` lists bugs
//! that are planted for all of them to find.

pub mod canary;
mod crash_points;
mod damage;
mod exhaustive;
mod failure;
mod fault;
mod log_call;
mod log_run;
mod operation;
mod options;
mod oracle;
mod plan;
mod report;
mod run;
mod scheduler;
mod shrink;
mod statement;
mod swarm;
mod tasks;
mod tree_call;
mod tree_run;
mod workload;

pub use crash_points::{CrashCampaign, crash_points_of};
pub use damage::{DamageCampaign, damage_of};
pub use exhaustive::{Exhausted, exhaustive_of};
pub use failure::{Failure, FailureKind};
pub use fault::{Crash, Damage, DamageKind, FaultKind, FaultSpec, Last, Part, Refusal, Struck};
pub use log_call::LogCall;
pub use operation::{
    Change, Durable, Look, Operation, Order, Payload, Source, Through, key_bytes, keyspace_name,
};
pub use options::{SimCachePolicy, SimCodec, SimEngine, SimOptions, Subject};
pub use plan::{Plan, Step};
pub use report::{Coverage, Report};
pub use statement::{Cells, IndexOn, Query, Statement, index_name, label_text, table_name};
pub use swarm::{Settings, plan_of, run_plan, run_seed, workload_of};
pub use tree_call::{End, TreeCall, TreeChange};
pub use workload::{Weather, Workload};
