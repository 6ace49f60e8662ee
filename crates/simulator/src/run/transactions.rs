//! Transactions that stay open while others commit.

use drystone::{
    Bytes, Database, Error, ErrorKind, IsolationLevel, Savepoint, Session, Transaction,
};

use super::Run;
use super::judge::Stop;
use crate::failure::FailureKind;
use crate::operation::{Change, Durable, Through, key_bytes};
use crate::oracle::{Conflict, ModelTransaction};

/// Full memtables of commits that the database remembers at least, so that older transactions can be checked against them:
/// eight, and one of them may have been nearly full when the transaction began.
const REMEMBERED_MEMTABLES: u64 = 7;

/// A transaction of a task, and what it must be.
pub(super) struct OpenTransaction {
    pub(super) inner: Inner,
    pub(super) model: ModelTransaction,
}

/// Through which interface it goes.
pub(super) enum Inner {
    Transaction {
        transaction: Box<Transaction>,
        savepoints: Vec<Savepoint>,
    },
    Session {
        session: Box<Session>,
        savepoints: usize,
    },
}

impl OpenTransaction {
    pub(super) fn as_transaction(&self) -> Option<&Transaction> {
        match &self.inner {
            Inner::Transaction { transaction, .. } => Some(transaction),
            Inner::Session { .. } => None,
        }
    }

    fn as_transaction_mut(&mut self) -> Option<&mut Transaction> {
        match &mut self.inner {
            Inner::Transaction { transaction, .. } => Some(transaction),
            Inner::Session { .. } => None,
        }
    }

    /// Whether a handle means the same to it as to others. One that made a table numbered its keyspace as others number
    /// theirs meanwhile; it cannot commit any more, and what it sees of theirs says nothing.
    pub(super) fn can_use(&self, life: u64) -> bool {
        self.model.state.space_of(life).is_some() || !self.model.footprint.changes_catalog
    }

    fn savepoint_count(&self) -> usize {
        match &self.inner {
            Inner::Transaction { savepoints, .. } => savepoints.len(),
            Inner::Session { savepoints, .. } => *savepoints,
        }
    }

    fn savepoint(&mut self) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Transaction {
                transaction,
                savepoints,
            } => savepoints.push(transaction.savepoint()),
            Inner::Session {
                session,
                savepoints,
            } => {
                session.execute(&format!("SAVEPOINT s{savepoints}"), &[])?;
                *savepoints += 1;
            }
        }
        Ok(())
    }

    fn rollback_to(&mut self, position: usize) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Transaction {
                transaction,
                savepoints,
            } => {
                savepoints.truncate(position + 1);
                savepoints
                    .last()
                    .map_or(Ok(()), |savepoint| transaction.rollback_to(savepoint))
            }
            Inner::Session {
                session,
                savepoints,
            } => {
                session.execute(&format!("ROLLBACK TO s{position}"), &[])?;
                *savepoints = position + 1;
                Ok(())
            }
        }
    }
}

impl Inner {
    fn begin(db: &Database, through: Through) -> Result<Inner, Error> {
        match through {
            Through::Transaction => Ok(Inner::Transaction {
                transaction: Box::new(db.begin_transaction(IsolationLevel::RepeatableRead)?),
                savepoints: Vec::new(),
            }),
            Through::Session => {
                let mut session = Box::new(db.session());
                session.execute("BEGIN", &[])?;
                Ok(Inner::Session {
                    session,
                    savepoints: 0,
                })
            }
        }
    }

    fn commit(self, durable: Durable) -> Result<(), Error> {
        match self {
            Inner::Transaction { transaction, .. } => {
                transaction.commit_with(durable.into()).map(drop)
            }
            Inner::Session { mut session, .. } => {
                session.set_durability(durable.into());
                Ok(session.execute("COMMIT", &[]).map(drop)?)
            }
        }
    }
}

impl Run<'_> {
    /// Begins the task's transaction; one that is open is rolled back.
    pub(super) fn begin(&mut self, task: u8, through: Through) -> Result<(), Stop> {
        self.rollback(task)?;
        let inner = match Inner::begin(self.db()?, through) {
            Ok(inner) => inner,
            Err(error) => return self.write_failed("begin", &error).map(drop),
        };
        let model = ModelTransaction::begin(&self.oracle);
        self.task(task)?.transaction = Some(OpenTransaction { inner, model });
        Ok(())
    }

    pub(super) fn rollback(&mut self, task: u8) -> Result<(), Stop> {
        let Some(open) = self.task(task)?.transaction.take() else {
            return Ok(());
        };
        if let Inner::Transaction { transaction, .. } = open.inner {
            transaction.rollback();
        }
        Ok(())
    }

    /// One change in the task's transaction. A session cannot make it, and leaves it out.
    pub(super) fn change(&mut self, task: u8, change: &Change) -> Result<(), Stop> {
        let Some(handle) = self.handle(change.space) else {
            return Ok(());
        };
        let open = self.task(task)?.transaction.as_mut();
        let Some(open) = open.filter(|open| open.can_use(handle.life)) else {
            return Ok(());
        };
        let Some(transaction) = open.as_transaction_mut() else {
            return Ok(());
        };
        let key = key_bytes(change.key);
        let result = match change.value {
            Some(value) => transaction.put(&handle.keyspace, key, value.bytes()),
            None => transaction.delete(&handle.keyspace, key),
        };
        let mut trial = open.model.clone();
        let exists = trial.change(handle.life, change);
        match result {
            Ok(()) if exists => {
                open.model = trial;
                Ok(())
            }
            Ok(()) => Err(Stop::broken(
                FailureKind::MissingError,
                "a transaction wrote to a keyspace that it does not see",
            )),
            Err(error) if !exists && error.kind() == ErrorKind::Invalid => Ok(()),
            // What was written before may have to be spilled.
            Err(error) if error.kind() == ErrorKind::Full => self
                .write_failed("put or delete in a transaction", &error)
                .map(drop),
            // Whether the keyspace is there may have to be read.
            Err(error) => self.read_failed("put or delete in a transaction", &error),
        }
    }

    /// Guards a key, or a keyspace.
    pub(super) fn guard(&mut self, task: u8, space: u8, key: Option<u16>) -> Result<(), Stop> {
        let Some(handle) = self.handle(space) else {
            return Ok(());
        };
        let open = self.task(task)?.transaction.as_mut();
        let Some(open) = open.filter(|open| open.can_use(handle.life)) else {
            return Ok(());
        };
        let Some(transaction) = open.as_transaction_mut() else {
            return Ok(());
        };
        match key {
            Some(key) => {
                let key = key_bytes(key);
                transaction.guard_key(&handle.keyspace, key.clone());
                open.model.footprint.guarded.insert((handle.life, key));
            }
            None => {
                transaction.guard_keyspace(&handle.keyspace);
                open.model.footprint.guarded_whole.insert(handle.life);
            }
        }
        Ok(())
    }

    pub(super) fn savepoint(&mut self, task: u8) -> Result<(), Stop> {
        let Some(open) = &mut self.task(task)?.transaction else {
            return Ok(());
        };
        match open.savepoint() {
            Ok(()) => {
                open.model.savepoint();
                Ok(())
            }
            Err(error) => self.read_failed("savepoint", &error),
        }
    }

    pub(super) fn rollback_to(&mut self, task: u8, position: u8) -> Result<(), Stop> {
        let Some(open) = &mut self.task(task)?.transaction else {
            return Ok(());
        };
        let count = open.savepoint_count();
        if count == 0 {
            return Ok(());
        }
        let position = usize::from(position) % count;
        match open.rollback_to(position) {
            Ok(()) => {
                open.model.rollback_to(position);
                Ok(())
            }
            Err(error) => self.read_failed("rollback to a savepoint", &error),
        }
    }

    /// Commits the task's transaction, which must meet a conflict exactly where the level says so.
    pub(super) fn commit(&mut self, task: u8, durable: Durable) -> Result<(), Stop> {
        let Some(mut open) = self.task(task)?.transaction.take() else {
            return Ok(());
        };
        self.leave_count(&mut open);
        let forgets = REMEMBERED_MEMTABLES * u64::from(self.plan.options.memtable_bytes);
        let conflict = self.oracle.conflict(&open.model, forgets);
        match open.inner.commit(durable) {
            Ok(()) if conflict == Conflict::Yes => Err(Stop::broken(
                FailureKind::WrongConflict,
                "a transaction committed although another changed what it touched",
            )),
            Ok(()) => {
                self.committed(&open.model, durable);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Conflict => {
                self.coverage.count("commit: conflict");
                match conflict {
                    Conflict::No => Err(Stop::broken(
                        FailureKind::WrongConflict,
                        format!("nobody changed what it touched: {}", error.report()),
                    )),
                    Conflict::Perhaps | Conflict::Yes => Ok(()),
                }
            }
            Err(error) => self.commit_failed("commit", &error, &open.model),
        }
    }

    /// Lets a transaction that changed something write its number into the counter.
    fn leave_count(&mut self, open: &mut OpenTransaction) {
        if open.model.footprint.is_empty() {
            return;
        }
        let Some((handle, number)) = self.next_count() else {
            return;
        };
        if !open.can_use(handle.life) {
            return;
        }
        let Some(transaction) = open.as_transaction_mut() else {
            return;
        };
        // A transaction that began before the counter was made does not see it, and goes without.
        let put = transaction.put(&handle.keyspace, number.clone(), Bytes::new());
        if put.is_ok() {
            open.model.write(handle.life, number, Some(Bytes::new()));
        }
    }
}
