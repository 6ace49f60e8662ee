//! Calls of all kinds against a model, on a disk that fails and loses power.
//!
//! What may be found after a power cut is a state of the model: that of the last commit that was acknowledged as durable,
//! or of one that was begun after it, acknowledged or failed. What a running database shows is the state of its
//! acknowledged commits. Of a commit that failed the outcome is unknown until a reopen, and it may turn out that it is
//! there: when a `Sync` commit is seen, no power cut takes it away.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use drystone::{Bytes, Database, Durability, IsolationLevel, Keyspace, Options, Transaction};
use drystone_testkit::{CrashPolicy, Effect, Fault, OpKind, SimFileSystem};

use crate::sample;
use crate::source::Source;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Calls of one input.
const CALLS_MAX: usize = 60;

/// Runs the calls that an input says.
///
/// # Panics
/// When the database shows what the model does not.
pub fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let mut run = Run::new(&mut source);
    for _ in 0..CALLS_MAX {
        if run.source.is_empty() {
            break;
        }
        run.call();
    }
    run.reopen(CrashPolicy::LoseAll);
    run.check_open();
}

struct Run<'s, 'b> {
    source: &'s mut Source<'b>,
    options: Options,
    disk: SimFileSystem,
    open: Option<Database>,
    /// What the open database shows.
    shown: Map,
    /// What a power cut may leave, and whether whoever sees it may rely on it. The first is durable.
    possible: Vec<(Map, Durability)>,
    /// Whether a fault was asked for since the last reopen: calls may fail.
    may_fail: bool,
    /// What was done so far, for whoever reads of a find.
    history: Vec<String>,
}

impl<'s, 'b> Run<'s, 'b> {
    fn new(source: &'s mut Source<'b>) -> Run<'s, 'b> {
        let disk = SimFileSystem::with_folder(u64::from(source.byte()), sample::FOLDER);
        let options = Options {
            // Few that make transactions spill, for spilling takes a while.
            transaction_bytes: *source.pick(&[64 << 20, 64 << 20, 64 << 20, 2048, 1]),
            ..sample::options()
        };
        let database = Database::open_in(&disk.env(), sample::FOLDER, options.clone());
        let database = database.expect("a new database");
        database.keyspace("k").expect("a sound disk");
        Run {
            source,
            options,
            disk,
            open: Some(database),
            shown: Map::new(),
            possible: vec![(Map::new(), Durability::Sync)],
            may_fail: false,
            history: Vec::new(),
        }
    }

    fn call(&mut self) {
        match self.source.byte() % 16 {
            0..=5 => self.transaction(),
            6 => self.load(),
            7 => self.background(Database::flush),
            8 | 9 => self.background(|database| database.step().map(drop)),
            10 => self.background(Database::sync),
            11 => self.check_shown(),
            12 => self.fault(),
            13 => {
                self.note("no more faults".to_owned());
                self.disk.clear_faults();
            }
            14 => {
                let policy = *self.source.pick(&CrashPolicy::ALL);
                self.reopen(policy);
            }
            _ => self.close_and_open(),
        }
    }

    /// One commit, or a rollback, with savepoints on the way.
    fn transaction(&mut self) {
        let database = self.open.clone().expect("open between calls");
        let Some(keyspace) = self.done(database.keyspace("k")) else {
            return;
        };
        let began = database.begin_transaction(IsolationLevel::RepeatableRead);
        let Some(mut tx) = self.done(began) else {
            return;
        };
        let mut after = self.shown.clone();
        let mut writes_anything = false;
        for _ in 0..=self.source.below(6) {
            writes_anything |= self.change(&mut tx, &keyspace, &mut after);
        }
        if self.source.chance(30) {
            tx.rollback();
            return;
        }
        let durability = *self
            .source
            .pick(&[Durability::Sync, Durability::Sync, Durability::None]);
        let committed = tx.commit_with(durability).map(drop);
        if self.ended(committed, after, durability) && writes_anything {
            // A commit of nothing waits for nothing: what came before it stays as it is.
            self.settle();
        }
    }

    /// Writes that commit as a bulk load.
    fn load(&mut self) {
        let database = self.open.clone().expect("open between calls");
        let Some(keyspace) = self.done(database.keyspace("k")) else {
            return;
        };
        let Some(mut load) = self.done(database.bulk_load()) else {
            return;
        };
        let mut after = self.shown.clone();
        for _ in 0..=self.source.below(6) {
            let (key, value) = (self.key(), self.value());
            if self.done(load.put(&keyspace, &key, &value)).is_none() {
                return;
            }
            after.insert(key, value);
        }
        let committed = load.commit().map(drop);
        if self.ended(committed, after, Durability::Sync) {
            self.settle();
        }
    }

    /// A commit ended. Whether it is there for good.
    fn ended(
        &mut self,
        committed: drystone::Result<()>,
        after: Map,
        durability: Durability,
    ) -> bool {
        let error = committed.as_ref().err().map(drystone::Error::report);
        let keys = after.len();
        self.note(format!("commit {durability:?}, {keys} keys: {error:?}"));
        self.possible.push((after.clone(), durability));
        let is_there = self.done(committed).is_some();
        if is_there {
            self.shown = after;
        }
        is_there && durability == Durability::Sync
    }

    /// A write, or one that is taken back. Whether it stays.
    fn change(&mut self, tx: &mut Transaction, keyspace: &Keyspace, after: &mut Map) -> bool {
        let savepoint = self
            .source
            .chance(30)
            .then(|| (tx.savepoint(), after.clone()));
        let key = self.key();
        match self.source.chance(80) {
            true => {
                if self.done(tx.delete(keyspace, key.clone())).is_some() {
                    after.remove(&key);
                }
            }
            false => {
                let value = self.value();
                let put = tx.put(keyspace, key.clone(), value.clone());
                if self.done(put).is_some() {
                    after.insert(key, value);
                }
            }
        }
        let mut stays = true;
        if let Some((savepoint, before)) = savepoint
            && self.source.chance(128)
            && self.done(tx.rollback_to(&savepoint)).is_some()
        {
            *after = before;
            stays = false;
        }
        let probe = self.key();
        if let Ok(found) = tx.get(keyspace, &probe) {
            assert_eq!(found.as_deref(), after.get(&probe).map(Vec::as_slice));
        }
        stays
    }

    fn key(&mut self) -> Vec<u8> {
        match self.source.byte() % 4 {
            0 => vec![b'p'; usize::from(self.source.byte() % 70)],
            1 => self.source.bytes(4).to_vec(),
            _ => vec![self.source.byte() % 24],
        }
    }

    fn value(&mut self) -> Vec<u8> {
        let len = *self.source.pick(&[0, 3, 30, 900, 5000]);
        vec![self.source.byte(); len]
    }

    fn background(&mut self, work: impl FnOnce(&Database) -> drystone::Result<()>) {
        let database = self.open.clone().expect("open between calls");
        let done = work(&database);
        let error = done.as_ref().err().map(drystone::Error::report);
        self.note(format!("background work: {error:?}"));
        self.done(done);
        self.check_shown();
    }

    /// The value of a call; `None` where it failed, which only faults may make it do.
    fn done<T>(&mut self, result: drystone::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                assert!(self.may_fail, "without a fault: {}", error.report());
                None
            }
        }
    }

    /// What is shown is what was committed, forwards and backwards; reads of files may fail.
    fn check_shown(&mut self) {
        let database = self.open.clone().expect("open between calls");
        let Some(keyspace) = self.done(database.keyspace("k")) else {
            return;
        };
        let forwards = read(keyspace.get_range::<&[u8]>(..));
        let Some(forwards) = self.done(forwards) else {
            return;
        };
        let found: Map = forwards.iter().cloned().collect();
        if self.may_fail && found != self.shown {
            self.take_failed(&found);
        }
        assert!(
            found == self.shown,
            "shown: {}\nexpected: {}\nafter\n{}",
            in_short(&found),
            in_short(&self.shown),
            self.history.join("\n")
        );
        if let Some(mut backwards) = self.done(read(keyspace.get_range::<&[u8]>(..).rev())) {
            backwards.reverse();
            assert_eq!(forwards, backwards);
        }
    }

    /// What is shown is durable.
    fn settle(&mut self) {
        self.possible = vec![(self.shown.clone(), Durability::Sync)];
    }

    /// A commit that failed turns out to be there.
    fn take_failed(&mut self, found: &Map) {
        let Some((_, durability)) = self.possible.iter().find(|(state, _)| state == found) else {
            return;
        };
        let durability = *durability;
        self.shown = found.clone();
        if durability == Durability::Sync {
            self.settle();
        }
    }

    fn note(&mut self, what: String) {
        self.history.push(what);
    }

    fn fault(&mut self) {
        const ERRORS: [ErrorKind; 2] = [ErrorKind::Other, ErrorKind::StorageFull];
        let error = *self.source.pick(&ERRORS);
        let fault = match self.source.byte() % 8 {
            0 => Fault::error(OpKind::Write, error),
            1 => Fault::new(OpKind::Write, Effect::Partial(error)),
            2 => Fault::error(OpKind::Sync, error),
            3 => Fault::new(OpKind::Sync, Effect::SyncMarkedClean),
            4 => Fault::new(OpKind::Sync, Effect::SyncReverted),
            5 => Fault::error(OpKind::Open, error),
            6 => Fault::error(OpKind::SetLen, error),
            _ => Fault::error(OpKind::Rename, error),
        };
        let nth = u64::from(self.source.byte() % 8) + 1;
        let fault = fault.nth(nth);
        self.note(format!("{fault:?}"));
        self.disk.inject(fault);
        self.may_fail = true;
    }

    /// Power is cut, and comes back.
    fn reopen(&mut self, policy: CrashPolicy) {
        self.note(format!("power is cut: {policy:?}"));
        self.disk.cut_power();
        drop(self.open.take());
        self.disk = self.disk.crash(policy);
        self.recover();
    }

    /// Without faults: also what was not durable is there again.
    fn close_and_open(&mut self) {
        let database = self.open.take().expect("open between calls");
        let closed = database.close();
        let error = closed.as_ref().err().map(drystone::Error::report);
        self.note(format!("close: {error:?}"));
        let all_is_there = closed.is_ok() && !self.may_fail;
        self.done(closed);
        self.disk.clear_faults();
        if all_is_there {
            self.settle();
        }
        self.recover();
    }

    fn recover(&mut self) {
        self.may_fail = false;
        let database = Database::open_in(&self.disk.env(), sample::FOLDER, self.options.clone());
        let database = database.unwrap_or_else(|error| panic!("{}", error.report()));
        let keyspace = database.keyspace("k").expect("a sound disk");
        let found = read(keyspace.get_range::<&[u8]>(..)).expect("a sound disk");
        let found: Map = found.into_iter().collect();
        assert!(
            self.possible.iter().any(|(state, _)| *state == found),
            "found: {}\nexpected one of:\n{}\nafter\n{}",
            in_short(&found),
            self.possible
                .iter()
                .map(|(state, _)| in_short(state))
                .collect::<Vec<_>>()
                .join("\n"),
            self.history.join("\n")
        );
        self.shown = found;
        self.settle();
        self.open = Some(database);
    }

    fn check_open(&mut self) {
        self.check_shown();
        let database = self.open.take().expect("open between calls");
        let report = database.verify().expect("a sound disk");
        assert!(report.is_sound(), "{:?}", report.findings);
        database.close().expect("a sound disk");
    }
}

fn read(
    entries: impl Iterator<Item = drystone::Result<(Bytes, Bytes)>>,
) -> drystone::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    entries
        .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
        .collect()
}

/// Keys, and of each value a byte and its length.
fn in_short(map: &Map) -> String {
    let entry = |(key, value): (&Vec<u8>, &Vec<u8>)| {
        let byte = value.first().copied().unwrap_or(0);
        format!("{}={byte}*{}", key.escape_ascii(), value.len())
    };
    map.iter().map(entry).collect::<Vec<_>>().join(" ")
}
