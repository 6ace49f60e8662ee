//! The oracle: every state that the database was in, which of them a crash may leave, and who must meet a conflict.
//!
//! ```text
//! states   0 . . . . f . . . . n        f: the floor, durable for certain     n: the newest, which readers see
//!                    |<- may be ->| + maybe    left by a crash: one of these
//! ```
//!
//! `maybe` are the states of commits that failed without saying whether they happened. Readers never see them before
//! the database is opened again.

mod footprint;
mod state;
mod tables;
mod transaction;

pub(crate) use footprint::{Conflict, Footprint};
pub(crate) use state::{COUNTER, Space, State, Table, span};
pub(crate) use tables::Said;
pub(crate) use transaction::ModelTransaction;

use crate::operation::Durable;

/// Numbers for keyspaces, tables and indexes, none twice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives(u64);

impl Lives {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// What must be so.
#[derive(Debug)]
pub(crate) struct Oracle {
    /// From the empty one on.
    commits: Vec<Commit>,
    maybe: Vec<Commit>,
    /// The newest state that must survive.
    floor: usize,
    /// The newest state that a later write of the log vouches for.
    vouched: usize,
    /// Whether no sync was due since the newest commit: then the next one writes it to the log, and says there what was
    /// durable before.
    is_unwritten: bool,
    /// The newest commit that the next step makes durable.
    newest_async: usize,
    pub(crate) lives: Lives,
    /// Commits tried so far: what the next one writes into the counter.
    tries: u64,
}

#[derive(Clone, Debug, Default)]
struct Commit {
    state: State,
    footprint: Footprint,
    /// What it takes in a memtable, at most.
    memory: u64,
}

impl Oracle {
    /// Of a database that is not there yet.
    pub(crate) fn new() -> Oracle {
        Oracle {
            commits: vec![Commit::default()],
            maybe: Vec::new(),
            floor: 0,
            vouched: 0,
            is_unwritten: false,
            newest_async: 0,
            lives: Lives::default(),
            tries: 0,
        }
    }

    /// What readers see.
    pub(crate) fn newest(&self) -> &State {
        &self.commits[self.newest_number()].state
    }

    /// The number of the newest state.
    pub(crate) fn newest_number(&self) -> usize {
        self.commits.len() - 1
    }

    /// The newest state that must survive.
    pub(crate) fn floor(&self) -> usize {
        self.floor
    }

    /// The newest state whose loss is noticed even when the medium loses the log's last write.
    pub(crate) fn vouched(&self) -> usize {
        self.vouched
    }

    /// What the largest commit takes in a memtable, at most. One that failed may be there, too.
    pub(crate) fn largest_commit_bytes(&self) -> u64 {
        let commits = self.commits.iter().chain(&self.maybe);
        commits.map(|commit| commit.memory).max().unwrap_or(0)
    }

    /// A number for the next commit to leave in the counter.
    pub(crate) fn next_try(&mut self) -> u64 {
        self.tries += 1;
        self.tries
    }

    /// Whether a transaction meets a conflict when it commits now. After `forgets` bytes of commits it may be too old to be
    /// checked.
    pub(crate) fn conflict(&self, transaction: &ModelTransaction, forgets: u64) -> Conflict {
        if transaction.footprint.is_empty() {
            return Conflict::No;
        }
        let since = &self.commits[transaction.base + 1..];
        let worst = since
            .iter()
            .map(|first| transaction.footprint.against(&first.footprint))
            .max();
        let bytes: u64 = since.iter().map(|first| first.memory).sum();
        let worst = worst.unwrap_or(Conflict::No);
        match worst {
            Conflict::No if bytes >= forgets => Conflict::Perhaps,
            worst => worst,
        }
    }

    /// A transaction committed.
    pub(crate) fn commit(&mut self, transaction: &ModelTransaction, durable: Durable) {
        if transaction.footprint.is_empty() {
            return;
        }
        let commit = self.rebased(transaction);
        self.commits.push(commit);
        self.is_unwritten = true;
        // Had one of them happened, the log would have taken no more.
        self.maybe.clear();
        match durable {
            Durable::Sync => self.synced(),
            Durable::Async => self.newest_async = self.newest_number(),
            Durable::None => {}
        }
    }

    /// A commit failed, and may have happened all the same.
    pub(crate) fn may_have_committed(&mut self, transaction: &ModelTransaction) {
        if !transaction.footprint.is_empty() {
            let commit = self.rebased(transaction);
            self.maybe.push(commit);
        }
    }

    /// What a transaction makes of the newest state. It saw an older one, but whatever was changed since by others is
    /// nothing that it touched.
    fn rebased(&self, transaction: &ModelTransaction) -> Commit {
        let footprint = transaction.footprint.clone();
        let state = if transaction.base == self.newest_number() {
            transaction.state.clone()
        } else {
            merged(self.newest(), transaction)
        };
        Commit {
            state,
            memory: footprint.memory(),
            footprint,
        }
    }

    /// All commits so far are durable.
    pub(crate) fn synced(&mut self) {
        self.raise_floor(self.newest_number());
    }

    /// All `Async` commits so far are durable.
    pub(crate) fn stepped(&mut self) {
        self.raise_floor(self.newest_async);
    }

    /// What an earlier sync wrote is durable without another write, and so without anything that vouches for it.
    fn raise_floor(&mut self, to: usize) {
        if to > self.floor {
            if self.is_unwritten && to == self.newest_number() {
                self.vouched = self.floor;
            }
            self.floor = to;
        }
        self.is_unwritten = false;
    }

    /// The log ended with its closing marker: its last write is vouched for.
    pub(crate) fn closed(&mut self) {
        self.synced();
        self.vouched = self.floor;
    }

    /// The numbers of the states that a reopen may find, if those from `lowest` on may be: newest first. The ones that
    /// follow the newest are those that may have happened.
    pub(crate) fn candidates(&self, lowest: usize) -> impl Iterator<Item = (usize, &State)> {
        let maybe = self.maybe.iter().enumerate();
        let maybe = maybe.map(|(idx, commit)| (self.commits.len() + idx, &commit.state));
        let known = self.commits.iter().enumerate().skip(lowest).rev();
        maybe.chain(known.map(|(number, commit)| (number, &commit.state)))
    }

    /// The states of two numbers and all between them.
    pub(crate) fn states(&self, first: usize, last: usize) -> impl Iterator<Item = &State> {
        let known = self.commits.iter().skip(first);
        known
            .take((last + 1).saturating_sub(first))
            .map(|commit| &commit.state)
    }

    /// Any state there ever was, newest first, for saying what was found instead of one that may be.
    pub(crate) fn number_of(&self, state: &State) -> Option<usize> {
        self.commits
            .iter()
            .rposition(|commit| commit.state == *state)
    }

    /// A reopen found this state: what came after it never happened, and all of it is durable.
    pub(crate) fn found(&mut self, number: usize) {
        if let Some(idx) = number.checked_sub(self.commits.len()) {
            let commit = self.maybe.swap_remove(idx);
            self.commits.push(commit);
        } else {
            self.commits.truncate(number + 1);
        }
        self.maybe.clear();
        self.floor = self.newest_number();
        self.vouched = self.vouched.min(self.floor);
        self.newest_async = self.floor;
    }
}

/// The newest state with what a transaction changed.
fn merged(newest: &State, transaction: &ModelTransaction) -> State {
    let mut state = newest.clone();
    let footprint = &transaction.footprint;
    for (life, key) in &footprint.written {
        if let (Some(to), Some(from)) = (state.space_mut(*life), transaction.state.space_of(*life))
        {
            let entries = std::sync::Arc::make_mut(&mut to.entries);
            match from.entries.get(key) {
                Some(value) => entries.insert(key.clone(), value.clone()),
                None => entries.remove(key),
            };
        }
    }
    for number in &footprint.defined {
        define(&mut state, *number, transaction.state.tables.get(number));
    }
    for (number, table) in &transaction.state.tables {
        merge_rows(&mut state, *number, table, footprint);
    }
    state
}

/// Takes over the definition of a table, and leaves the rows of one that was there.
fn define(state: &mut State, number: u8, table: Option<&Table>) {
    match (table, state.tables.get_mut(&number)) {
        (Some(table), Some(known)) if known.life == table.life => {
            known.indexes = table.indexes.clone();
        }
        (Some(table), _) => drop(state.tables.insert(number, table.clone())),
        (None, _) => drop(state.tables.remove(&number)),
    }
}

fn merge_rows(state: &mut State, number: u8, table: &Table, footprint: &Footprint) {
    let known = state.tables.get_mut(&number);
    let Some(to) = known.filter(|known| known.life == table.life) else {
        return;
    };
    let rows = std::sync::Arc::make_mut(&mut to.rows);
    for (life, key) in &footprint.written {
        let id = <[u8; 2]>::try_from(&key[..]).map(i16::from_be_bytes);
        if let (true, Ok(id)) = (*life == table.life, id) {
            match table.rows.get(&id) {
                Some(row) => rows.insert(id, *row),
                None => rows.remove(&id),
            };
        }
    }
}

#[cfg(test)]
mod tests;
