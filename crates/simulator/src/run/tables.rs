//! SQL: statements and queries, alone or in the task's transaction.

use drystone::{Error, Outcome, Row, Value};

use super::Run;
use super::judge::{Fate, Stop};
use super::observe::{Unseen, cells};
use super::transactions::{Inner, OpenTransaction};
use crate::failure::FailureKind;
use crate::operation::Durable;
use crate::oracle::{ModelTransaction, Said, Table};
use crate::statement::{Cells, IndexOn, Query, Statement, table_name};

/// Up to so many rows a search for the nearest must be exact; beyond, it may miss some.
const EXACT_ROWS_MAX: usize = 16;

impl Run<'_> {
    /// A statement, in the task's transaction where it has one.
    pub(super) fn sql(&mut self, task: u8, statement: &Statement) -> Result<(), Stop> {
        match self.task(task)?.transaction.take() {
            Some(mut open) => {
                let done = self.sql_inside(&mut open, statement);
                self.task(task)?.transaction = Some(open);
                done
            }
            None => self.sql_alone(statement),
        }
    }

    fn sql_inside(
        &mut self,
        open: &mut OpenTransaction,
        statement: &Statement,
    ) -> Result<(), Stop> {
        let mut trial = open.model.clone();
        let expected = trial.sql(statement, &mut self.oracle.lives);
        let (sql, parameters) = statement.sql();
        let result = match &mut open.inner {
            Inner::Transaction { transaction, .. } => transaction.execute(&sql, &parameters),
            Inner::Session { session, .. } => session
                .execute(&sql, &parameters)
                .map(affected)
                .map_err(Error::from),
        };
        match self.said(&sql, expected, result)? {
            Told::Done => {
                open.model = trial;
                Ok(())
            }
            Told::AsExpected => Ok(()),
            // Inside a transaction nothing is written, only read.
            Told::Failed(error) => self.read_failed(&sql, &error),
        }
    }

    fn sql_alone(&mut self, statement: &Statement) -> Result<(), Stop> {
        let mut model = ModelTransaction::begin(&self.oracle);
        let expected = model.sql(statement, &mut self.oracle.lives);
        let (sql, parameters) = statement.sql();
        let (result, durable) = match statement {
            Statement::BulkInsert(table, rows) => {
                let rows = rows.iter().map(|row| row.values().to_vec());
                let table = table_name(*table);
                let columns = ["id", "a", "b", "v"];
                (
                    self.db()?.bulk_insert(&table, &columns, rows),
                    Durable::Sync,
                )
            }
            _ => {
                let result = self.db()?.execute(&sql, &parameters);
                (result, self.plan.options.durability)
            }
        };
        match self.said(&sql, expected, result)? {
            Told::Done => {
                self.committed(&model, durable);
                if durable == Durable::Sync && matches!(statement, Statement::BulkInsert(..)) {
                    self.oracle.synced();
                }
                Ok(())
            }
            Told::AsExpected => Ok(()),
            Told::Failed(error) => self.statement_failed(statement, &sql, &error, &model),
        }
    }

    /// A bulk insert commits before it syncs: where only the sync fails, others see what was inserted.
    fn statement_failed(
        &mut self,
        statement: &Statement,
        sql: &str,
        error: &Error,
        model: &ModelTransaction,
    ) -> Result<(), Stop> {
        if !matches!(statement, Statement::BulkInsert(..)) {
            return self.commit_failed(sql, error, model);
        }
        if self.write_failed(sql, error)? == Fate::Unknown {
            match self.shows(model)? {
                true => self.committed(model, Durable::Async),
                false => self.oracle.may_have_committed(model),
            }
        }
        Ok(())
    }

    /// Whether the first row that a transaction wrote can be seen.
    fn shows(&mut self, model: &ModelTransaction) -> Result<bool, Stop> {
        if self.disk.is_off() {
            return Ok(false);
        }
        let before = self.oracle.newest().clone();
        for (number, table) in &model.state.tables {
            let old = before.tables.get(number);
            let added = table
                .rows
                .values()
                .find(|row| old.is_none_or(|old| old.rows.get(&row.id) != Some(*row)));
            let Some(added) = added else { continue };
            let (sql, parameters) = Query::Id(*number, added.id).sql();
            let rows = self.db()?.query(&sql, &parameters);
            return Ok(rows.is_ok_and(|rows| rows.count() > 0));
        }
        Ok(false)
    }

    /// Holds the answer to a statement against what it had to be.
    fn said(&self, sql: &str, expected: Said, result: Result<u64, Error>) -> Result<Told, Stop> {
        match (expected, result) {
            (Said::Affected(expected), Ok(found)) if expected == found => Ok(Told::Done),
            (Said::Affected(expected), Ok(found)) => Err(Stop::wrong(format!(
                "{sql}: changed {found} rows instead of {expected}"
            ))),
            (Said::Fails(state), Ok(_)) => Err(Stop::broken(
                FailureKind::MissingError,
                format!("{sql}: succeeded; expected SQLSTATE {state}"),
            )),
            (Said::Fails(state), Err(error)) if state_of(&error) == Some(state) => {
                Ok(Told::AsExpected)
            }
            (_, Err(error)) => Ok(Told::Failed(error)),
        }
    }

    /// A query, in the task's transaction where it has one.
    pub(super) fn query(&mut self, task: u8, query: &Query) -> Result<(), Stop> {
        let (sql, parameters) = query.sql();
        let newest = self.oracle.newest().tables.get(&query.table()).cloned();
        let db = self.db()?.clone();
        let (table, result) = match &mut self.task(task)?.transaction {
            None => (newest, rows(db.query(&sql, &parameters))),
            Some(open) => {
                let table = open.model.state.tables.get(&query.table()).cloned();
                let result = match &mut open.inner {
                    Inner::Transaction { transaction, .. } => {
                        rows(transaction.query(&sql, &parameters))
                    }
                    Inner::Session { session, .. } => {
                        rows(session.query(&sql, &parameters).map_err(Error::from))
                    }
                };
                (table, result)
            }
        };
        match (table, result) {
            (Some(table), Ok(rows)) => self.compare_rows(&sql, &table, query, &rows),
            (None, Ok(_)) => Err(Stop::broken(
                FailureKind::MissingError,
                format!("{sql}: there is no such table"),
            )),
            (None, Err(error)) if state_of(&error) == Some("42P01") => Ok(()),
            (_, Err(error)) => self.read_failed(&sql, &error),
        }
    }

    fn compare_rows(
        &mut self,
        sql: &str,
        table: &Table,
        query: &Query,
        rows: &[Row],
    ) -> Result<(), Stop> {
        self.note(rows.len() as u64);
        let expected = table.find(query);
        if let Query::Sum(..) = query {
            return check_sum(sql, &expected, rows);
        }
        let found = rows.iter().map(cells).collect::<Result<Vec<_>, Unseen>>()?;
        match query {
            Query::Nearest(_, point, limit) => {
                let is_exact =
                    expected.len() <= EXACT_ROWS_MAX || !table.indexes.contains_key(&IndexOn::V);
                check_nearest(&found, &expected, *point, usize::from(*limit), is_exact)
                    .map_err(|what| Stop::wrong(format!("{sql}, {point:?}: {what}")))
            }
            _ if found == expected => Ok(()),
            _ => Err(Stop::wrong(format!(
                "{sql}: found {found:?} instead of {expected:?}"
            ))),
        }
    }
}

/// How a statement ended.
enum Told {
    /// It did what it had to.
    Done,
    /// It failed as it had to.
    AsExpected,
    /// It failed otherwise.
    Failed(Error),
}

fn affected(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Affected(count) => count,
        Outcome::Rows(_) | Outcome::Done(_) => 0,
    }
}

fn rows(rows: Result<drystone::Rows, Error>) -> Result<Vec<Row>, Error> {
    Ok(rows?.collect::<Result<_, _>>()?)
}

fn state_of(error: &Error) -> Option<&'static str> {
    error.as_sql().map(|error| error.state().code())
}

fn check_sum(sql: &str, expected: &[Cells], rows: &[Row]) -> Result<(), Stop> {
    let count = i64::try_from(expected.len()).unwrap_or(i64::MAX);
    let sum: i64 = expected.iter().map(|row| row.a).sum();
    let expected = [Value::BigInt(count), Value::BigInt(sum)];
    match rows {
        [row] if row.values() == expected => Ok(()),
        _ => Err(Stop::wrong(format!(
            "{sql}: found {rows:?} instead of {expected:?}"
        ))),
    }
}

/// The nearest rows: rows of the table, none twice, as many as there must be, in order; all the nearest, or none that is
/// nearer than the nearest there is.
fn check_nearest(
    found: &[Cells],
    rows: &[Cells],
    point: (i8, i8),
    limit: usize,
    is_exact: bool,
) -> Result<(), String> {
    if let Some(stray) = found.iter().find(|row| !rows.contains(row)) {
        return Err(format!("{stray:?} is no row of the table"));
    }
    let mut ids: Vec<i16> = found.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < found.len() || found.len() != limit.min(rows.len()) {
        return Err(format!("found {found:?} of {} rows", rows.len()));
    }
    let far = |rows: &[Cells]| -> Vec<i32> { rows.iter().map(|row| row.distance(point)).collect() };
    let (found_far, mut all_far) = (far(found), far(rows));
    all_far.sort_unstable();
    all_far.truncate(limit);
    if !found_far.is_sorted() || (is_exact && found_far != all_far) {
        return Err(format!("at distances {found_far:?} instead of {all_far:?}"));
    }
    Ok(())
}
