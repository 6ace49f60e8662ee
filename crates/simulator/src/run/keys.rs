//! Calls on keyspaces that commit by themselves, and reads.

use drystone::{Bytes, Entries, Error, ErrorKind, KeyspaceOptions, WriteBatch};

use super::judge::Stop;
use super::{Handle, Run};
use crate::failure::FailureKind;
use crate::operation::{Change, Durable, Look, Order, Source, key_bytes, keyspace_name};
use crate::options::{SimCodec, SimEngine};
use crate::oracle::{COUNTER, ModelTransaction, State, span};

impl Run<'_> {
    /// One change that commits by itself.
    pub(super) fn write(&mut self, durable: Durable, change: &Change) -> Result<(), Stop> {
        let Some(handle) = self.handle(change.space) else {
            return Ok(());
        };
        let mut model = ModelTransaction::begin(&self.oracle);
        let exists = model.change(handle.life, change);
        let key = key_bytes(change.key);
        let (result, durable) = match change.value {
            Some(value) => {
                let keyspace = &handle.keyspace;
                let result = keyspace.put_with(key, value.bytes(), durable.into());
                (result, durable)
            }
            None => (handle.keyspace.delete(key), self.plan.options.durability),
        };
        self.settle("put or delete", result, exists, &model, durable)
    }

    /// Several changes as a batch.
    pub(super) fn batch(&mut self, durable: Durable, changes: &[Change]) -> Result<(), Stop> {
        let mut batch = WriteBatch::new();
        let mut model = ModelTransaction::begin(&self.oracle);
        let mut exists = true;
        for change in changes {
            let Some(handle) = self.handle(change.space) else {
                continue;
            };
            exists &= model.change(handle.life, change);
            match change.value {
                Some(value) => batch.put(&handle.keyspace, key_bytes(change.key), value.bytes()),
                None => batch.delete(&handle.keyspace, key_bytes(change.key)),
            }
        }
        if let Some((handle, number)) = self.next_count() {
            batch.put(&handle.keyspace, number.clone(), Bytes::new());
            model.write(handle.life, number, Some(Bytes::new()));
        }
        let result = match durable == self.plan.options.durability {
            true => self.db()?.write(batch),
            false => self.db()?.write_with(batch, durable.into()),
        };
        self.settle("write batch", result, exists, &model, durable)
    }

    /// Several changes as a bulk load.
    pub(super) fn load(&mut self, changes: &[Change]) -> Result<(), Stop> {
        let mut load = match self.db()?.bulk_load() {
            Ok(load) => load,
            Err(error) => return self.write_failed("bulk load", &error).map(drop),
        };
        let mut model = ModelTransaction::begin(&self.oracle);
        let (mut exists, mut result) = (true, Ok(()));
        for change in changes {
            let Some(handle) = self.handle(change.space) else {
                continue;
            };
            exists &= model.change(handle.life, change);
            let key = key_bytes(change.key);
            let pushed = match change.value {
                Some(value) => load.put(&handle.keyspace, key, value.bytes()),
                None => load.delete(&handle.keyspace, key),
            };
            result = result.and(pushed);
        }
        if let Some((handle, number)) = self.next_count() {
            let pushed = load.put(&handle.keyspace, &number, b"");
            model.write(handle.life, number, Some(Bytes::new()));
            result = result.and(pushed);
        }
        let result = result.and_then(|()| load.commit().map(drop));
        self.settle("bulk load", result, exists, &model, Durable::Sync)
    }

    /// The counter, and the number that the next commit leaves there.
    pub(super) fn next_count(&mut self) -> Option<(Handle, Bytes)> {
        let handle = self.handle(COUNTER)?;
        let number = self.oracle.next_try().to_be_bytes();
        Some((handle, Bytes::copy_from_slice(&number)))
    }

    /// Holds the end of a commit against what it had to be.
    fn settle(
        &mut self,
        call: &str,
        result: Result<(), Error>,
        exists: bool,
        model: &ModelTransaction,
        durable: Durable,
    ) -> Result<(), Stop> {
        match result {
            Ok(()) if !exists => Err(Stop::broken(
                FailureKind::MissingError,
                format!("{call}: wrote to a keyspace that was dropped"),
            )),
            Ok(()) => {
                self.committed(model, durable);
                Ok(())
            }
            Err(error) if !exists && error.kind() == ErrorKind::Invalid => Ok(()),
            Err(error) => self.commit_failed(call, &error, model),
        }
    }

    /// Drops a keyspace, there or not.
    pub(super) fn drop_keyspace(&mut self, space: u8) -> Result<(), Stop> {
        let mut model = ModelTransaction::begin(&self.oracle);
        if let Some(dropped) = model.state.spaces.remove(&space) {
            model.footprint.dropped.insert(dropped.life);
            model.footprint.changes_catalog = true;
        }
        match self.db()?.drop_keyspace(&keyspace_name(space)) {
            Ok(()) => self.committed(&model, self.plan.options.durability),
            Err(error) => self.commit_failed("drop keyspace", &error, &model)?,
        }
        Ok(())
    }

    /// Changes how a keyspace is compressed. Readers see nothing of it.
    pub(super) fn set_codec(&mut self, space: u8, codec: SimCodec) -> Result<(), Stop> {
        if !self.oracle.newest().spaces.contains_key(&space) {
            return Ok(());
        }
        let options = KeyspaceOptions {
            compression: Some(codec.into()),
        };
        let is_taken = self.plan.options.engine == SimEngine::BTree;
        match self.db()?.keyspace_with(&keyspace_name(space), options) {
            Ok(_) if is_taken => {
                self.oracle.synced();
                Ok(())
            }
            Ok(_) => Err(Stop::broken(
                FailureKind::MissingError,
                "an engine that does not compress took a codec",
            )),
            Err(error) if !is_taken && error.kind() == ErrorKind::Unsupported => Ok(()),
            Err(error) => self.write_failed("keyspace with a codec", &error).map(drop),
        }
    }

    /// A look at keys.
    pub(super) fn read(&mut self, task: u8, source: Source, look: &Look) -> Result<(), Stop> {
        let Some(handle) = self.handle(look.space()) else {
            return Ok(());
        };
        let (expected, found) = match self.look(task, source, look, &handle)? {
            Seen::Value(expected, found) => {
                (expected, found.map(|found| found.into_iter().collect()))
            }
            Seen::Entries(expected, entries, count) => {
                self.check_count(look, expected.len(), count)?;
                let found = collect(entries, order_of(look));
                (expected, found)
            }
        };
        match found {
            Ok(found) => self.compare(look, &expected, &found),
            Err(error) => self.read_failed("read", &error),
        }
    }

    /// A count is that of the entries, where one was asked for.
    pub(super) fn check_count(
        &mut self,
        look: &Look,
        expected: usize,
        count: Option<Result<u64, Error>>,
    ) -> Result<(), Stop> {
        match count {
            None => Ok(()),
            Some(Ok(count)) if count == expected as u64 => Ok(()),
            Some(Ok(count)) => Err(Stop::wrong(format!(
                "{look:?}: a count of {count}; it is {expected}"
            ))),
            Some(Err(error)) => self.read_failed("count", &error),
        }
    }

    fn compare(&mut self, look: &Look, expected: &[Pair], found: &[Pair]) -> Result<(), Stop> {
        self.note(found.len() as u64);
        match drystone_testkit::compare(expected, found) {
            Ok(()) if expected == found => Ok(()),
            Ok(()) => Err(Stop::wrong(format!("{look:?}: in another order"))),
            Err(difference) => Err(Stop::wrong(format!("{look:?}: {difference}"))),
        }
    }

    /// Where a look goes, and what it must give.
    pub(super) fn look(
        &mut self,
        task: u8,
        source: Source,
        look: &Look,
        handle: &Handle,
    ) -> Result<Seen, Stop> {
        let newest = self.oracle.newest().clone();
        // Every other one is shown where it lies.
        let shows = self.step.is_multiple_of(2);
        let held = self.task(task)?;
        let keyspace = &handle.keyspace;
        if let (Source::Transaction, Some(open)) = (source, &held.transaction)
            && open.can_use(handle.life)
            && let Some(transaction) = open.as_transaction()
        {
            return Ok(see(
                &open.model.state,
                look,
                handle,
                |target| match target {
                    Target::Get(key) => Got::Value(transaction.get(keyspace, key)),
                    Target::Range(from, to) => Got::counted(
                        transaction.get_range(keyspace, from.clone()..to.clone()),
                        transaction.count_range(keyspace, from..to),
                    ),
                    Target::Prefix(key) => Got::entries(transaction.get_prefix(keyspace, key)),
                    Target::All => Got::counted(
                        transaction.get_range::<&[u8]>(keyspace, ..),
                        transaction.count_range::<&[u8]>(keyspace, ..),
                    ),
                },
            ));
        }
        if let (Source::Snapshot, Some(pinned)) = (source, &held.snapshot) {
            let snapshot = &pinned.snapshot;
            return Ok(see(&pinned.state, look, handle, |target| match target {
                Target::Get(key) if shows => {
                    Got::Value(snapshot.get_with(keyspace, key, Bytes::copy_from_slice))
                }
                Target::Get(key) => Got::Value(snapshot.get(keyspace, key)),
                Target::Range(from, to) => Got::counted(
                    snapshot.get_range(keyspace, from.clone()..to.clone()),
                    snapshot.count_range(keyspace, from..to),
                ),
                Target::Prefix(key) => Got::entries(snapshot.get_prefix(keyspace, key)),
                Target::All => Got::counted(
                    snapshot.get_range::<&[u8]>(keyspace, ..),
                    snapshot.count_range::<&[u8]>(keyspace, ..),
                ),
            }));
        }
        Ok(see(&newest, look, handle, |target| match target {
            Target::Get(key) if shows => Got::Value(keyspace.get_with(key, Bytes::copy_from_slice)),
            Target::Get(key) => Got::Value(keyspace.get(key)),
            Target::Range(from, to) => Got::counted(
                keyspace.get_range(from.clone()..to.clone()),
                keyspace.count_range(from..to),
            ),
            Target::Prefix(key) => Got::entries(keyspace.get_prefix(key)),
            Target::All => Got::counted(keyspace.get_range::<&[u8]>(..), keyspace.count()),
        }))
    }
}

/// An entry.
pub(super) type Pair = (Bytes, Bytes);

/// What a look must give, and what it gave.
pub(super) enum Seen {
    Value(Vec<Pair>, Result<Option<Pair>, Error>),
    /// With a count, where one was asked for.
    Entries(Vec<Pair>, Box<Entries>, Option<Result<u64, Error>>),
}

/// A look in the words of the interface.
enum Target {
    Get(Bytes),
    Range(Bytes, Bytes),
    Prefix(Bytes),
    All,
}

enum Got {
    Value(Result<Option<Bytes>, Error>),
    Entries(Box<Entries>, Option<Result<u64, Error>>),
}

impl Got {
    fn entries(entries: Entries) -> Got {
        Got::Entries(Box::new(entries), None)
    }

    fn counted(entries: Entries, count: Result<u64, Error>) -> Got {
        Got::Entries(Box::new(entries), Some(count))
    }
}

fn see(state: &State, look: &Look, handle: &Handle, ask: impl Fn(Target) -> Got) -> Seen {
    let expected = state.look(handle.life, look);
    let (target, key) = match look {
        Look::Get(_, key) => (Target::Get(key_bytes(*key)), key_bytes(*key)),
        Look::Range(_, from, to, _) => {
            let (from, to) = span(*from, *to);
            (Target::Range(from, to), Bytes::new())
        }
        Look::Prefix(_, key, _) => (Target::Prefix(key_bytes(*key)), Bytes::new()),
        Look::All(..) => (Target::All, Bytes::new()),
    };
    match ask(target) {
        Got::Value(value) => {
            Seen::Value(expected, value.map(|value| value.map(|value| (key, value))))
        }
        Got::Entries(entries, count) => Seen::Entries(expected, entries, count),
    }
}

pub(super) fn order_of(look: &Look) -> Order {
    match look {
        Look::Get(..) => Order::Forward,
        Look::Range(.., order) | Look::Prefix(.., order) | Look::All(_, order) => *order,
    }
}

/// The next entry in an order; `at` counts those that were read.
pub(super) fn next_in(
    entries: &mut Entries,
    order: Order,
    at: usize,
) -> Option<drystone::Result<Pair>> {
    let copied = |(key, value)| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
    match order {
        // Each third is shown where it lies.
        Order::Forward if at % 3 == 1 => entries.next_ref().map(|entry| entry.map(copied)),
        Order::Backward if at % 3 == 1 => entries.next_back_ref().map(|entry| entry.map(copied)),
        Order::Forward => entries.next(),
        Order::Backward => entries.next_back(),
        Order::Both if at.is_multiple_of(2) => entries.next(),
        Order::Both => entries.next_back(),
    }
}

fn collect(mut entries: Box<Entries>, order: Order) -> drystone::Result<Vec<Pair>> {
    let mut found = Vec::new();
    while let Some(entry) = next_in(&mut entries, order, found.len()) {
        found.push(entry?);
    }
    Ok(found)
}
