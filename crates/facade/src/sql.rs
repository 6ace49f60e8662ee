//! SQL on a database: sessions, statements of their own, and many rows at once.

pub use drystone_query::{
    ColumnInfo, ColumnKey, FromValue, Outcome, Position, Prepared, ResultColumn, Row, Rows,
    Session, SqlError, SqlState, StatementEnd, TableInfo, first_statement, quote_identifier,
};
pub use drystone_record::{DataType, Dim, Json, Text, Timestamp, Value, Vector};

use crate::database::Database;
use crate::error::{Error, Result};

impl Database {
    /// A session: it has at most one transaction of its own (`BEGIN` to `COMMIT`), and keeps no other state but its
    /// durability. Make as many as there are threads or clients; they are cheap.
    #[must_use]
    pub fn session(&self) -> Session {
        let mut session = self.sql().session();
        session.set_durability(self.options().durability);
        session
    }

    /// Runs one statement by itself, with values for `$1`, `$2`, ..., and returns how many rows it changed. It is durable
    /// as the database's options say when this returns; conflicts are retried.
    ///
    /// `BEGIN` and the like belong into a [`Session`], and here are an error.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) with the place in the text for what is wrong with the statement
    /// or its data; otherwise as [`Transaction::commit`](crate::Transaction::commit). Nothing of it remains.
    pub fn execute(&self, sql: &str, parameters: &[Value]) -> Result<u64> {
        Ok(affected(self.session().execute(sql, parameters)?))
    }

    /// Runs one query by itself, with values for `$1`, `$2`, .... Rows are computed as they are asked for, from the
    /// state of the database when the query began.
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub fn query(&self, sql: &str, parameters: &[Value]) -> Result<Rows> {
        Ok(self.session().query(sql, parameters)?)
    }

    /// Prepares a statement, for this database's sessions and for [`Database::query_prepared`]. It stays good when
    /// tables change: it is planned again where needed.
    ///
    /// # Errors
    /// Syntax errors, unknown names, types that do not fit, with the place in the text.
    pub fn prepare(&self, sql: &str) -> Result<Prepared> {
        Ok(self.sql().prepare(sql)?)
    }

    /// As [`Database::query`], for a statement that is prepared.
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub fn query_prepared(&self, prepared: &Prepared, parameters: &[Value]) -> Result<Rows> {
        Ok(self
            .session()
            .execute_prepared(prepared, parameters)?
            .into_rows())
    }

    /// As [`Database::execute`], for a statement that is prepared.
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub fn execute_prepared(&self, prepared: &Prepared, parameters: &[Value]) -> Result<u64> {
        Ok(affected(
            self.session().execute_prepared(prepared, parameters)?,
        ))
    }

    /// The tables of the newest committed state, by name.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn tables(&self) -> Result<Vec<TableInfo>> {
        Ok(self.sql().tables()?)
    }

    /// Inserts many rows, each with the values of `columns` in that order, as one commit: all of them, or none where
    /// anything fails. Text is read as a value of its column's type. Returns how many rows were inserted; they are on stable
    /// media then, also where the database's options promise less.
    ///
    /// It is the fastest way into a table, and takes
    /// [`Options::transaction_bytes`](crate::Options::transaction_bytes) of memory whatever the number of rows: they are
    /// sorted by way of files, as by a [`BulkLoad`](crate::BulkLoad). A table with a vector index is the exception: its
    /// rows are one transaction, of 1 GiB at most.
    ///
    /// # Errors
    /// Unknown names, values that do not fit, duplicate keys; [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) where the
    /// table's definition was changed meanwhile. Nothing was inserted.
    pub fn bulk_insert(
        &self,
        table: &str,
        columns: &[&str],
        rows: impl IntoIterator<Item = Vec<Value>>,
    ) -> Result<u64> {
        self.try_bulk_insert(table, columns, rows.into_iter().map(Ok::<_, Error>))
    }

    /// As [`Database::bulk_insert`], for rows that may fail, as those of a file may: the first error ends it, and nothing
    /// was inserted.
    ///
    /// # Errors
    /// That of a row; those of [`Database::bulk_insert`].
    pub fn try_bulk_insert<E: From<Error>>(
        &self,
        table: &str,
        columns: &[&str],
        rows: impl IntoIterator<Item = std::result::Result<Vec<Value>, E>>,
    ) -> std::result::Result<u64, E> {
        let rows = rows.into_iter().map(|row| row.map_err(RowError));
        let memory_bytes = self.options().transaction_bytes;
        let inserted = self.sql().bulk_insert(table, columns, rows, memory_bytes);
        inserted.map_err(|RowError(error)| error)
    }
}

/// What stops an insert of many rows: an error of the caller's kind, into which those of SQL are made.
struct RowError<E>(E);

impl<E: From<Error>> From<SqlError> for RowError<E> {
    fn from(error: SqlError) -> RowError<E> {
        RowError(Error::from(error).into())
    }
}

/// How many rows an outcome changed; none where it is a query or a command.
pub(crate) fn affected(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Affected(count) => count,
        Outcome::Rows(_) | Outcome::Done(_) => 0,
    }
}
