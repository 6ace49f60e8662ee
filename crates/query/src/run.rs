//! Running a statement: on a committed state, or within a transaction.

use std::borrow::Cow;
use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_mvcc::{Transaction, View};
use drystone_record::{DataType, Timestamp, Value};

use crate::cast::{CastContext, cast};
use crate::ddl;
use crate::dml;
use crate::engine::SqlEngine;
use crate::error::SqlError;
use crate::exec::context::Context;
use crate::exec::operator::{Row, open};
use crate::exec::point;
use crate::exec::reader::Reader;
use crate::explain;
use crate::function::EvalContext;
use crate::plan::{Node, Plan, PlannedStatement, QueryPlan};
use crate::prepared::Prepared;
use crate::rows::{Outcome, Rows};
use crate::sql_state::SqlState;

impl SqlEngine {
    /// Runs a statement that only reads on a committed state. Its rows are computed as they are asked for.
    pub(crate) fn read(
        &self,
        view: View,
        prepared: &Prepared,
        parameters: &[Value],
    ) -> Result<Outcome, SqlError> {
        let reader = Reader::View(view);
        let plan = self.plan(prepared, &reader)?;
        let parameters = typed(parameters, &plan.parameters)?;
        match &plan.statement {
            PlannedStatement::Query(query) => {
                if let Some(point) = &query.point {
                    let row = point::run(point, &reader, &parameters)?;
                    return Ok(Outcome::Rows(Rows::single(Arc::clone(&query.columns), row)));
                }
                let columns = Arc::clone(&query.columns);
                let operator = open(&query.root);
                let cx = Context::new(
                    self,
                    reader,
                    parameters.into_owned().into(),
                    self.eval_context(),
                    plan.subplan_count,
                );
                Ok(Outcome::Rows(Rows::running(columns, plan, cx, operator)))
            }
            PlannedStatement::Explain { analyze, statement } => {
                let cx = Context::new(
                    self,
                    reader,
                    parameters.into_owned().into(),
                    self.eval_context(),
                    plan.subplan_count,
                );
                explain::run(statement, *analyze, &cx).map(Outcome::Rows)
            }
            _ => Err(SqlError::new(
                SqlState::ReadOnlySqlTransaction,
                "the statement writes, and there is no transaction",
            )),
        }
    }

    /// Runs a statement within a transaction: as a whole, or not at all.
    pub(crate) fn run(
        &self,
        transaction: &mut Transaction,
        prepared: &Prepared,
        parameters: &[Value],
        now: Timestamp,
    ) -> Result<Outcome, SqlError> {
        if prepared.is_query() {
            return self.run_statement(transaction, prepared, parameters, now);
        }
        let savepoint = transaction.savepoint();
        match self.run_statement(transaction, prepared, parameters, now) {
            Ok(outcome) => {
                transaction.release(savepoint)?;
                Ok(outcome)
            }
            Err(error) => {
                if !is_planted("query-failed-statement-kept") {
                    transaction.rollback_to(&savepoint)?;
                }
                transaction.release(savepoint)?;
                Err(error)
            }
        }
    }

    fn run_statement(
        &self,
        transaction: &mut Transaction,
        prepared: &Prepared,
        parameters: &[Value],
        now: Timestamp,
    ) -> Result<Outcome, SqlError> {
        let plan = self.plan(prepared, &Reader::Transaction(transaction))?;
        let parameters = typed(parameters, &plan.parameters)?;
        let execution = Execution {
            engine: self,
            parameters: parameters.into_owned().into(),
            functions: EvalContext {
                now,
                env: self.env().clone(),
            },
            plan: &plan,
        };
        execution.run(transaction)
    }

    fn plan(&self, prepared: &Prepared, reader: &Reader<'_>) -> Result<Arc<Plan>, SqlError> {
        let version = self.catalog_version(reader)?;
        match prepared.ready_plan(version) {
            Some(plan) => Ok(plan),
            None => prepared.plan(&self.catalog(reader)?, reader.view()),
        }
    }
}

/// One execution of a statement within a transaction.
pub(crate) struct Execution<'p> {
    pub(crate) engine: &'p SqlEngine,
    pub(crate) parameters: Arc<[Value]>,
    pub(crate) functions: EvalContext,
    pub(crate) plan: &'p Plan,
}

impl Execution<'_> {
    /// A context that sees the transaction as it is now.
    pub(crate) fn context<'t>(&self, transaction: &'t Transaction) -> Context<'t> {
        Context::new(
            self.engine,
            Reader::Transaction(transaction),
            Arc::clone(&self.parameters),
            self.functions.clone(),
            self.plan.subplan_count,
        )
    }

    fn run(&self, transaction: &mut Transaction) -> Result<Outcome, SqlError> {
        match &self.plan.statement {
            PlannedStatement::Query(query) => self.query(query, transaction).map(Outcome::Rows),
            PlannedStatement::Insert(insert) => dml::insert::run(self, insert, transaction),
            PlannedStatement::Update(update) => dml::update::run(self, update, transaction),
            PlannedStatement::Delete(delete) => dml::delete::run(self, delete, transaction),
            PlannedStatement::Truncate(tables) => {
                ddl::table::truncate(self.engine, tables, transaction)
            }
            PlannedStatement::CreateTable(create) => ddl::table::create(self, create, transaction),
            PlannedStatement::AlterTable(alter) => ddl::table::alter(self, alter, transaction),
            PlannedStatement::DropTables(objects) => ddl::table::drop(self, objects, transaction),
            PlannedStatement::CreateIndex(create) => ddl::index::create(self, create, transaction),
            PlannedStatement::DropIndexes(objects) => ddl::index::drop(self, objects, transaction),
            PlannedStatement::Explain { analyze, statement } => {
                if *analyze && !matches!(**statement, PlannedStatement::Query(_)) {
                    return Err(SqlError::unsupported(
                        "EXPLAIN ANALYZE of a statement that writes",
                    ));
                }
                explain::run(statement, *analyze, &self.context(transaction)).map(Outcome::Rows)
            }
            PlannedStatement::Control => Err(SqlError::new(
                SqlState::ActiveSqlTransaction,
                "a statement that begins or ends transactions cannot run within one that others hold",
            )),
        }
    }

    /// Rows of a query within a transaction, collected: the transaction may write on while they are read.
    fn query(&self, query: &QueryPlan, transaction: &Transaction) -> Result<Rows, SqlError> {
        let columns = Arc::clone(&query.columns);
        if let Some(point) = &query.point {
            let reader = Reader::Transaction(transaction);
            let row = point::run(point, &reader, &self.parameters)?;
            return Ok(Rows::single(columns, row));
        }
        let cx = self.context(transaction);
        Ok(Rows::buffered(columns, collect(&query.root, &cx)?))
    }
}

/// All rows of a node.
pub(crate) fn collect(node: &Node, cx: &Context<'_>) -> Result<Vec<Row>, SqlError> {
    let mut operator = open(node);
    let mut rows = Vec::new();
    let mut row = Row::new();
    while operator.next(cx.env(), &mut row)? {
        cx.memory.take_row(&row)?;
        rows.push(std::mem::take(&mut row));
    }
    Ok(rows)
}

/// Parameters as values of the types that a plan asks for.
fn typed<'v>(values: &'v [Value], types: &[DataType]) -> Result<Cow<'v, [Value]>, SqlError> {
    if values.len() != types.len() {
        return Err(SqlError::new(
            SqlState::UndefinedParameter,
            format!(
                "the statement takes {} parameters, and {} were given",
                types.len(),
                values.len()
            ),
        ));
    }
    let fits = |(value, data_type): (&Value, &DataType)| {
        value.data_type().is_none_or(|found| found == *data_type)
    };
    if values.iter().zip(types).all(fits) {
        return Ok(Cow::Borrowed(values));
    }
    let pairs = values.iter().zip(types).enumerate();
    let cast = pairs.map(|(position, (value, data_type))| {
        parameter(value, data_type).map_err(|error| {
            SqlError::new(
                error.state(),
                format!("parameter ${}: {}", position + 1, error.message()),
            )
        })
    });
    Ok(Cow::Owned(cast.collect::<Result<_, _>>()?))
}

/// A parameter as a value of `target`: as if assigned to a column, or read from text.
fn parameter(value: &Value, target: &DataType) -> Result<Value, SqlError> {
    let context = match value {
        Value::Text(_) => CastContext::Explicit,
        _ => CastContext::Assignment,
    };
    Ok(cast(value, target, context)?)
}
