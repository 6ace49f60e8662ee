//! A session: statements one after the other, and the transaction that is open between them.
//!
//! ```text
//! outside a transaction --BEGIN--> in a transaction --COMMIT, ROLLBACK--> outside a transaction
//! ```
//!
//! Outside a transaction each statement is one of its own, run again when another got in its way. In a transaction a
//! statement that fails leaves nothing behind, and the transaction goes on.

use drystone_mvcc::{Durability, IsolationLevel, Savepoint, Transaction};
use drystone_record::{Timestamp, Value};

use crate::control::{self, Control};
use crate::engine::SqlEngine;
use crate::error::SqlError;
use crate::prepared::Prepared;
use crate::rows::{Outcome, Rows};
use crate::script::statements;
use crate::sql_state::SqlState;

/// Runs statements. One at a time; may move between threads.
pub struct Session {
    engine: SqlEngine,
    durability: Durability,
    open: Option<OpenTransaction>,
}

/// The transaction of a session.
struct OpenTransaction {
    transaction: Transaction,
    /// When it began: what `now()` says throughout.
    now: Timestamp,
    read_only: bool,
    /// The newest last. A name may come more than once; the newest is meant.
    savepoints: Vec<(String, Savepoint)>,
}

impl Session {
    pub(crate) fn new(engine: SqlEngine) -> Session {
        Session {
            engine,
            durability: Durability::default(),
            open: None,
        }
    }

    /// What commits of this session wait for. [`Durability::Sync`] unless set.
    pub fn set_durability(&mut self, durability: Durability) {
        self.durability = durability;
    }

    /// The engine that it belongs to.
    #[must_use]
    pub fn engine(&self) -> &SqlEngine {
        &self.engine
    }

    /// Whether a transaction is open.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        self.open.is_some()
    }

    /// As [`SqlEngine::prepare`], with the tables that this session's transaction has created in sight.
    ///
    /// # Errors
    /// Syntax errors, unknown names, types that do not fit.
    pub fn prepare(&self, text: &str) -> Result<Prepared, SqlError> {
        let Some(open) = &self.open else {
            return self.engine.prepare(text);
        };
        let prepared = self.engine.parsed(text)?;
        let reader = crate::exec::reader::Reader::Transaction(&open.transaction);
        let catalog = self.engine.catalog(&reader)?;
        prepared.plan(&catalog, reader.view())?;
        Ok(prepared)
    }

    /// Runs one statement with values for `$1`, `$2`, ...
    ///
    /// # Errors
    /// Whatever is wrong with the statement or what it does. It then has changed nothing.
    pub fn execute(&mut self, text: &str, parameters: &[Value]) -> Result<Outcome, SqlError> {
        let prepared = self.engine.parsed(text)?;
        self.execute_prepared(&prepared, parameters)
    }

    /// As [`Session::execute`], for a statement that is prepared.
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub fn execute_prepared(
        &mut self,
        prepared: &Prepared,
        parameters: &[Value],
    ) -> Result<Outcome, SqlError> {
        match &mut self.open {
            None if prepared.is_query() => {
                let view = self.engine.store().view();
                self.engine.read(view, prepared, parameters)
            }
            open => {
                if let Some(control) = control::of_syntax(prepared.syntax())? {
                    return self.control(control);
                }
                match open {
                    None => self.run_alone(prepared, parameters),
                    Some(open) => {
                        open.check_writes(prepared)?;
                        let transaction = &mut open.transaction;
                        self.engine.run(transaction, prepared, parameters, open.now)
                    }
                }
            }
        }
    }

    /// Runs a statement and returns its rows; none for a statement that gives none.
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub fn query(&mut self, text: &str, parameters: &[Value]) -> Result<Rows, SqlError> {
        self.execute(text, parameters).map(Outcome::into_rows)
    }

    /// Runs the statements of a script in turn. `done` is given each one's text and what it did, and ends the script by
    /// an error of its own.
    ///
    /// # Errors
    /// That of the first statement that fails, its place counted in the whole script; or what `done` says.
    pub fn run_script<E: From<SqlError>>(
        &mut self,
        script: &str,
        mut done: impl FnMut(&str, Outcome) -> Result<(), E>,
    ) -> Result<(), E> {
        for (start, text) in statements(script)? {
            let outcome = self
                .execute(text, &[])
                .map_err(|error| error.moved_into(script, start))?;
            done(text, outcome)?;
        }
        Ok(())
    }

    /// Runs a statement as a transaction of its own, again when another transaction got in its way.
    fn run_alone(&self, prepared: &Prepared, parameters: &[Value]) -> Result<Outcome, SqlError> {
        let mut conflicts = 0;
        loop {
            let done = self.try_alone(prepared, parameters);
            match done {
                Err(error)
                    if error.is_retryable()
                        && conflicts < self.engine.options().conflict_retries_max =>
                {
                    conflicts += 1;
                }
                done => return done,
            }
        }
    }

    fn try_alone(&self, prepared: &Prepared, parameters: &[Value]) -> Result<Outcome, SqlError> {
        let store = self.engine.store();
        let mut transaction = store.begin(IsolationLevel::RepeatableRead)?;
        let now = self.engine.clock().now();
        let outcome = self
            .engine
            .run(&mut transaction, prepared, parameters, now)?;
        self.commit(transaction)?;
        Ok(outcome)
    }

    fn commit(&self, transaction: Transaction) -> Result<(), SqlError> {
        let has_writes = transaction.has_writes();
        transaction.commit(self.durability)?;
        if has_writes {
            self.engine.after_commit();
        }
        Ok(())
    }

    fn control(&mut self, control: Control) -> Result<Outcome, SqlError> {
        match control {
            Control::Begin { level, read_only } => self.begin(level, read_only),
            Control::Commit => {
                let open = self.open.take().ok_or_else(no_transaction)?;
                self.commit(open.transaction)?;
                Ok(Outcome::Done("COMMIT"))
            }
            Control::Rollback => {
                let open = self.open.take().ok_or_else(no_transaction)?;
                open.transaction.rollback();
                Ok(Outcome::Done("ROLLBACK"))
            }
            Control::Savepoint(name) => {
                let open = self.open.as_mut().ok_or_else(no_transaction)?;
                let savepoint = open.transaction.savepoint();
                open.savepoints.push((name, savepoint));
                Ok(Outcome::Done("SAVEPOINT"))
            }
            Control::RollbackTo(name) => {
                let open = self.open.as_mut().ok_or_else(no_transaction)?;
                let position = open.savepoint(&name)?;
                open.savepoints.truncate(position + 1);
                open.transaction.rollback_to(&open.savepoints[position].1)?;
                Ok(Outcome::Done("ROLLBACK"))
            }
            Control::Release(name) => {
                let open = self.open.as_mut().ok_or_else(no_transaction)?;
                let position = open.savepoint(&name)?;
                let released = open.savepoints.drain(position..).next();
                if let Some((_, savepoint)) = released {
                    open.transaction.release(savepoint)?;
                }
                Ok(Outcome::Done("RELEASE"))
            }
        }
    }

    fn begin(&mut self, level: IsolationLevel, read_only: bool) -> Result<Outcome, SqlError> {
        if self.open.is_some() {
            return Err(SqlError::new(
                SqlState::ActiveSqlTransaction,
                "there is already a transaction in progress",
            ));
        }
        if level != IsolationLevel::SUPPORTED {
            return Err(SqlError::unsupported(format!("isolation level {level}"))
                .with_hint("REPEATABLE READ, which is snapshot isolation, is"));
        }
        self.open = Some(OpenTransaction {
            transaction: self.engine.store().begin(level)?,
            now: self.engine.clock().now(),
            read_only,
            savepoints: Vec::new(),
        });
        Ok(Outcome::Done("BEGIN"))
    }
}

impl OpenTransaction {
    fn check_writes(&self, prepared: &Prepared) -> Result<(), SqlError> {
        match self.read_only && !prepared.is_query() {
            true => Err(SqlError::new(
                SqlState::ReadOnlySqlTransaction,
                "cannot write in a read-only transaction",
            )),
            false => Ok(()),
        }
    }

    /// Position of the newest savepoint of a name.
    fn savepoint(&self, name: &str) -> Result<usize, SqlError> {
        let position = self.savepoints.iter().rposition(|(known, _)| known == name);
        position.ok_or_else(|| {
            SqlError::new(
                SqlState::InvalidSavepoint,
                format!("savepoint \"{name}\" does not exist"),
            )
            .with_near_name(crate::suggest::nearest(
                name,
                self.savepoints.iter().map(|(known, _)| known.as_str()),
            ))
        })
    }
}

impl SqlEngine {
    /// Runs a statement within a transaction of the caller, who commits it. Tables and keyspaces may so be changed by
    /// one transaction.
    ///
    /// # Errors
    /// Whatever is wrong with the statement or what it does. It then has changed nothing, and the transaction goes on.
    pub fn execute_in(
        &self,
        transaction: &mut Transaction,
        text: &str,
        parameters: &[Value],
    ) -> Result<Outcome, SqlError> {
        self.execute_prepared_in(transaction, &self.parsed(text)?, parameters)
    }

    /// As [`SqlEngine::execute_in`], for a statement that is prepared.
    ///
    /// # Errors
    /// As [`SqlEngine::execute_in`].
    pub fn execute_prepared_in(
        &self,
        transaction: &mut Transaction,
        prepared: &Prepared,
        parameters: &[Value],
    ) -> Result<Outcome, SqlError> {
        self.run(transaction, prepared, parameters, self.clock().now())
    }
}

fn no_transaction() -> SqlError {
    SqlError::new(
        SqlState::NoActiveSqlTransaction,
        "there is no transaction in progress",
    )
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("in_transaction", &self.in_transaction())
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}
