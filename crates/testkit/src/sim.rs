//! The simulated disk: files that obey the contract of [`drystone_base::FileSystem`] to the letter and no further.
//!
//! In reading order: [`image`] is one file's bytes, copied on write; [`file_state`] a file's durable bytes and what is
//! not synced yet; [`names`] the same for folders; [`volume`] all files and names, changed by one [`step`] at a time;
//! [`crash`] what is left of a volume when power is cut, and [`subset`] all that may be left. [`fault`] is what may go
//! wrong with an operation, by [`errno`] or worse, and [`harm`] with the medium; [`hazard`] sorts both into classes,
//! [`plan`] draws them, [`atlas`] says what they may break. [`operation`] is one operation, [`bend`] what a fault makes
//! of it, [`access`] the operations that there are; [`clock`] goes with them. [`disk`] is the whole, with [`damage`] to
//! it; [`files`] the traits that it implements; [`trace`] a recorded history, to crash anywhere in it without running
//! the work again, and [`astray`] writes of it that go elsewhere; [`supervise`] starts a program again after each error.

mod access;
mod astray;
mod atlas;
mod bend;
mod clock;
mod crash;
mod damage;
mod disk;
mod errno;
mod fault;
mod file_state;
mod files;
mod generations;
mod happened;
mod harm;
mod hazard;
mod image;
mod names;
mod operation;
mod plan;
mod step;
mod subset;
mod supervise;
mod trace;
mod trace_hash;
mod volume;
mod zone;

pub use astray::{Astray, NextWrite};
pub use atlas::{FaultAtlas, MayBreak, Outcome};
pub use clock::{ClockEvent, Latency, SimClock};
pub use crash::CrashPolicy;
pub use disk::SimFileSystem;
pub use errno::Errno;
pub use fault::{Effect, Fault, OpKind};
pub use happened::Happened;
pub use harm::Harm;
pub use hazard::Hazard;
pub use image::Image;
pub use operation::Cut;
pub use plan::{Event, FaultPlan, Mishap, NoPlan, PlanItem, PlanShape};
pub use subset::Subsets;
pub use trace::{Replay, Trace};
pub use zone::Zone;
