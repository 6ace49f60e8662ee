//! Plans of faults: drawn from a seed, printable, replayable by name, and made of items that can be dropped one by one.
//!
//! # Invariants
//! - I1. An item draws from a seed of its own: dropping others changes nothing about it.
//! - I2. Item `n` of a plan is the `n`-th that its seed gave, however many others were dropped.

mod draw;
mod name;
mod schedule;

use std::fmt;

use super::clock::{ClockEvent, Latency};
use super::crash::CrashPolicy;
use super::fault::Fault;
use super::harm::Harm;
use super::hazard::Hazard;
use super::operation::Cut;
use super::zone::Zone;

pub use self::draw::PlanShape;
pub use self::name::NoPlan;
pub(super) use self::schedule::Schedule;

/// What is to go wrong on a disk, and when.
///
/// ```
/// use drystone_testkit::{FaultPlan, PlanShape, SimFileSystem};
///
/// let shape = PlanShape::new("/db");
/// let plan = FaultPlan::draw(7, &shape);
/// let disk = SimFileSystem::with_folder(7, "/db");
/// disk.follow(&plan); // run the program; then `disk.happened()` says what came of it
///
/// // Its name is enough to have it again, also when items were dropped.
/// let smaller = plan.without(0);
/// assert_eq!(FaultPlan::named(&smaller.name(), &shape).unwrap(), smaller);
/// println!("{smaller}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// The seed that it was drawn from.
    pub seed: u64,
    /// What is left of what was drawn.
    pub items: Vec<PlanItem>,
}

/// One thing that is to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanItem {
    /// Its place among all that the seed gave.
    pub number: usize,
    /// What it is.
    pub mishap: Mishap,
}

/// What is to go wrong, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// An operation goes wrong.
    Fault(Fault),
    /// Something happens between operations.
    At {
        /// After so many operations of the disk, counted as [`super::SimFileSystem::operations`] counts.
        after: u64,
        /// What.
        event: Event,
    },
}

/// What happens to a disk between operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The medium does harm, as soon as there is something in the zone to harm.
    Harm {
        /// What it does.
        harm: Harm,
        /// Where.
        zone: Zone,
    },
    /// Something happens to the clock.
    Clock(ClockEvent),
    /// All files together can grow by so many bytes more; room is looked for at once, or only at a sync.
    Space {
        /// How many bytes.
        left: u64,
        /// Whether writes go through that no room will be found for.
        allocates_late: bool,
    },
    /// From now on operations take time.
    Latency(Latency),
    /// Power is cut at the next change. [`super::SimFileSystem::planned_policy`] says what is to survive.
    PowerCut {
        /// What becomes of that change.
        how: Cut,
        /// What survives.
        policy: CrashPolicy,
    },
}

impl FaultPlan {
    /// A plan of these mishaps, in an order of one's own. It has no name to be replayed by.
    #[must_use]
    pub fn of(seed: u64, mishaps: Vec<Mishap>) -> FaultPlan {
        let items = mishaps.into_iter().enumerate();
        FaultPlan {
            seed,
            items: items
                .map(|(number, mishap)| PlanItem { number, mishap })
                .collect(),
        }
    }

    /// The plan without the item at position `idx`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn without(&self, idx: usize) -> FaultPlan {
        let mut plan = self.clone();
        plan.items.remove(idx);
        plan
    }

    /// The plan with these of its items alone.
    #[must_use]
    pub fn with_items(&self, items: &[PlanItem]) -> FaultPlan {
        FaultPlan {
            seed: self.seed,
            items: items.to_vec(),
        }
    }
}

impl PlanItem {
    /// The class of what goes wrong.
    #[must_use]
    pub fn hazard(&self) -> Hazard {
        match &self.mishap {
            Mishap::Fault(fault) => fault.hazard(),
            Mishap::At { event, .. } => event.hazard(),
        }
    }

    /// Where it goes wrong, as far as that is decided.
    #[must_use]
    pub fn zone(&self) -> Zone {
        match &self.mishap {
            Mishap::Fault(fault) => Zone::under(fault.limited_to().unwrap_or("".as_ref())),
            Mishap::At {
                event: Event::Harm { zone, .. },
                ..
            } => zone.clone(),
            Mishap::At { .. } => Zone::under(""),
        }
    }
}

impl Event {
    /// The class of what happens.
    #[must_use]
    pub fn hazard(&self) -> Hazard {
        match self {
            Event::Harm { harm, .. } => harm.hazard(),
            Event::Clock(_) => Hazard::Clock,
            Event::Space { .. } => Hazard::FullDisk,
            Event::Latency(_) => Hazard::SlowDisk,
            Event::PowerCut { policy, .. } => policy.hazard(),
        }
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plan {}", self.name())?;
        for item in &self.items {
            write!(f, "\n  {item}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PlanItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.number)?;
        match &self.mishap {
            Mishap::Fault(fault) => write!(f, "{fault}"),
            Mishap::At { after, event } => write!(f, "after {after} operations: {event}"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Harm { harm, zone } => write!(f, "{harm} ({zone})"),
            Event::Clock(event) => write!(f, "{event}"),
            Event::Space {
                left,
                allocates_late,
            } => {
                let when = if *allocates_late {
                    ", which syncs find out"
                } else {
                    ""
                };
                write!(f, "{left} bytes are left{when}")
            }
            Event::Latency(latency) => write!(f, "the disk is slow: {latency:?}"),
            Event::PowerCut { how, policy } => write!(f, "power is cut ({how:?}, {policy})"),
        }
    }
}

#[cfg(test)]
mod tests;
