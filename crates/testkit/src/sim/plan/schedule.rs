//! What a plan has still in store for a disk, and doing it when it is due.

use std::path::PathBuf;

use super::{Event, FaultPlan, Mishap};
use crate::draw::Draw;
use crate::sim::crash::CrashPolicy;
use crate::sim::happened::Happened;
use crate::sim::harm::Harmed;
use crate::sim::operation::Disk;

/// How many syncs back a medium remembers that follows a plan.
const GENERATIONS: usize = 8;

/// Events that wait, the next one first.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Schedule {
    waiting: Vec<Waiting>,
    /// What the planned power cut is to leave, once it is due.
    pub(in crate::sim) policy: Option<CrashPolicy>,
}

#[derive(Clone, Debug)]
struct Waiting {
    due: u64,
    seed: u64,
    item: usize,
    event: Event,
}

impl Schedule {
    pub(in crate::sim) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn is_due(&self, operations: u64) -> bool {
        let next = self.waiting.first();
        next.is_some_and(|waiting| waiting.due <= operations)
    }
}

impl Disk {
    /// Sets out to do all that a plan says, counted from now.
    pub(in crate::sim) fn follow(&mut self, plan: &FaultPlan) {
        self.generations.keep_most(GENERATIONS);
        for item in &plan.items {
            match &item.mishap {
                Mishap::Fault(fault) => self.faults.add(fault.clone(), Some(item.number)),
                Mishap::At { after, event } => self.schedule.waiting.push(Waiting {
                    due: self.operations + after,
                    seed: plan.seed,
                    item: item.number,
                    event: event.clone(),
                }),
            }
        }
        self.schedule.waiting.sort_by_key(|waiting| waiting.due);
    }

    /// Does what is due.
    pub(in crate::sim) fn follow_schedule(&mut self) {
        if !self.schedule.is_due(self.operations) {
            return;
        }
        let mut waiting = std::mem::take(&mut self.schedule.waiting);
        waiting.retain(|waiting| waiting.due > self.operations || !self.happen(waiting));
        self.schedule.waiting = waiting;
    }

    /// Lets an event happen; false when it has to wait for something to happen to.
    fn happen(&mut self, waiting: &Waiting) -> bool {
        let harmed = match &waiting.event {
            Event::Harm { harm, zone } => {
                let parts = [8, waiting.item as u64, self.operations];
                let mut draw = Draw::of(waiting.seed, &parts);
                match self.harm(*harm, zone, &mut draw) {
                    Some(harmed) => harmed,
                    None => return false,
                }
            }
            event => {
                self.weather(event);
                Harmed {
                    path: PathBuf::new(),
                    bytes: 0..u64::MAX,
                }
            }
        };
        self.happened.push(Happened {
            item: Some(waiting.item),
            operation: self.operations,
            hazard: waiting.event.hazard(),
            path: harmed.path,
            bytes: harmed.bytes,
            what: waiting.event.to_string(),
        });
        true
    }

    /// Events that concern the disk as a whole.
    fn weather(&mut self, event: &Event) {
        match event {
            Event::Clock(event) => self.clock.apply(*event),
            Event::Latency(latency) => self.limits.latency = Some(*latency),
            Event::Space {
                left,
                allocates_late,
            } => {
                self.limits.capacity = Some(self.volume.bytes().saturating_add(*left));
                self.limits.allocates_late = *allocates_late;
            }
            Event::PowerCut { how, policy } => {
                self.schedule.policy = Some(*policy);
                self.end_power(*how);
            }
            Event::Harm { .. } => unreachable!("harm is done to a file"),
        }
    }
}
