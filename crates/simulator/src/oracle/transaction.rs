//! A transaction as it must be: a private state over the one it began on.

use bytes::Bytes;

use super::footprint::Footprint;
use super::state::State;
use super::tables::{self, Said};
use super::{Lives, Oracle};
use crate::operation::{Change, key_bytes};
use crate::statement::Statement;

/// A transaction that is open.
#[derive(Clone, Debug)]
pub(crate) struct ModelTransaction {
    /// How many commits there were when it began.
    pub(crate) base: usize,
    /// What it sees.
    pub(crate) state: State,
    pub(crate) footprint: Footprint,
    savepoints: Vec<(State, Footprint)>,
}

impl ModelTransaction {
    /// A transaction over the newest state.
    pub(crate) fn begin(oracle: &Oracle) -> ModelTransaction {
        ModelTransaction {
            base: oracle.newest_number(),
            state: oracle.newest().clone(),
            footprint: Footprint::default(),
            savepoints: Vec::new(),
        }
    }

    /// Changes a key of the keyspace of this life; whether there is one.
    pub(crate) fn change(&mut self, life: u64, change: &Change) -> bool {
        let value = change.value.map(|payload| payload.bytes());
        self.write(life, key_bytes(change.key), value)
    }

    /// As [`ModelTransaction::change`], of any key.
    pub(crate) fn write(&mut self, life: u64, key: Bytes, value: Option<Bytes>) -> bool {
        let Some(space) = self.state.space_mut(life) else {
            return false;
        };
        let value_bytes = value.as_ref().map_or(0, Bytes::len);
        let entries = std::sync::Arc::make_mut(&mut space.entries);
        match value {
            Some(value) => entries.insert(key.clone(), value),
            None => entries.remove(&key),
        };
        self.footprint.write(life, key, value_bytes);
        true
    }

    /// Runs a statement.
    pub(crate) fn sql(&mut self, statement: &Statement, lives: &mut Lives) -> Said {
        tables::run(statement, &mut self.state, &mut self.footprint, lives)
    }

    pub(crate) fn savepoint(&mut self) {
        let here = (self.state.clone(), self.footprint.clone());
        self.savepoints.push(here);
    }

    /// Back to a savepoint, which stays; those after it go.
    pub(crate) fn rollback_to(&mut self, position: usize) {
        self.savepoints.truncate(position + 1);
        if let Some((state, footprint)) = self.savepoints.last() {
            self.state = state.clone();
            self.footprint = footprint.clone();
        }
    }
}
