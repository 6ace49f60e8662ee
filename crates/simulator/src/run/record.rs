//! A run on a recording disk: the trace, and what was promised when.

use std::ops::RangeInclusive;

use drystone_testkit::Trace;

use super::judge::Stop;
use super::observe::difference;
use super::{Run, failure_of};
use crate::failure::{Failure, FailureKind};
use crate::oracle::{Oracle, State};

/// What a run did to its disk.
pub(crate) struct Recorded {
    pub(crate) trace: Trace,
    oracle: Oracle,
    /// After each step.
    notes: Vec<Note>,
}

/// What was so after a step.
struct Note {
    /// Operations of the disk.
    operations: usize,
    floor: usize,
    newest: usize,
}

impl Run<'_> {
    /// Runs all steps and closes the database. For plans without power cuts and faults.
    pub(crate) fn record(mut self) -> Result<Recorded, Failure> {
        self.disk.start_recording();
        let mut notes = Vec::new();
        let plan = self.plan;
        for (number, step) in plan.steps.iter().enumerate() {
            self.step = number;
            self.begin_step();
            let done = self.do_step(step.0, &step.1).and_then(|()| self.end_step());
            done.map_err(|stop| failure_of(stop, number, plan))?;
            notes.push(self.look_back());
        }
        self.step = plan.steps.len();
        self.close()
            .map_err(|stop| failure_of(stop, self.step, plan))?;
        notes.push(self.look_back());
        let trace = self.disk.take_trace();
        let lost = || Stop::broken(FailureKind::NotLive, "the recording ended early");
        Ok(Recorded {
            trace: trace.ok_or_else(|| failure_of(lost(), self.step, plan))?,
            oracle: self.oracle,
            notes,
        })
    }

    fn look_back(&self) -> Note {
        Note {
            operations: self.disk.recorded(),
            floor: self.oracle.floor(),
            newest: self.oracle.newest_number(),
        }
    }
}

impl Recorded {
    /// The numbers of the states that may be found when power is cut at an operation.
    pub(crate) fn promised(&self, at: usize) -> RangeInclusive<usize> {
        let floor = self.before(at).map_or(0, |note| note.floor);
        let current = self.notes.get(self.step_at(at)).or(self.notes.last());
        floor..=current.map_or(0, |note| note.newest)
    }

    /// Holds what is found after a power cut at an operation against what may be.
    pub(crate) fn identify(&self, at: usize, found: &State) -> Result<(), Stop> {
        self.identify_among(&self.promised(at), found)
    }

    /// Holds what is found against the states of these numbers.
    pub(crate) fn identify_among(
        &self,
        expected: &RangeInclusive<usize>,
        found: &State,
    ) -> Result<(), Stop> {
        let mut states = self.oracle.states(*expected.start(), *expected.end());
        let first = states.next();
        if first.into_iter().chain(states).any(|state| state == found) {
            return Ok(());
        }
        Err(match self.oracle.number_of(found) {
            Some(number) => Stop::broken(
                FailureKind::LostCommit,
                format!("opened in state {number}; expected one of {expected:?}"),
            ),
            None => Stop::wrong(format!(
                "opened in a state that never was; expected one of {expected:?}; beside the first of them: {}",
                first.map_or_else(String::new, |state| difference(state, found))
            )),
        })
    }

    /// The step during which an operation happened.
    pub(crate) fn step_at(&self, at: usize) -> usize {
        self.notes.partition_point(|note| note.operations <= at)
    }

    /// What was so after the last step that was over.
    fn before(&self, at: usize) -> Option<&Note> {
        self.notes.get(self.step_at(at).checked_sub(1)?)
    }
}
