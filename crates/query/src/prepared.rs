//! Prepared statements, and the cache of them by text.

use std::fmt;
use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::sync::{Mutex, RwLock};
use drystone_mvcc::View;
use drystone_record::DataType;
use hashbrown::HashMap;
use sqlparser::ast;

use crate::catalog::{Catalog, CatalogVersion};
use crate::error::SqlError;
use crate::parse::parse_statement;
use crate::plan::{Plan, PlannedStatement};
use crate::planner::plan_statement;
use crate::rows::ResultColumn;
use crate::sql_state::SqlState;

/// Longest text whose plan is kept.
const CACHED_TEXT_BYTES_MAX: usize = 16 << 10;

/// A statement that is parsed and, for the newest catalog it met, planned. Cheap to clone; good in any session of the
/// engine that made it.
#[derive(Clone)]
pub struct Prepared {
    inner: Arc<Inner>,
}

struct Inner {
    text: Box<str>,
    syntax: ast::Statement,
    /// The plan that was used last.
    plan: RwLock<Option<Arc<Plan>>>,
}

impl Prepared {
    fn parse(text: &str) -> Result<Prepared, SqlError> {
        let syntax = parse_statement(text).map_err(|error| error.located_in(text))?;
        let syntax = syntax.ok_or_else(|| {
            SqlError::new(SqlState::SyntaxError, "there is no statement in the text")
        })?;
        Ok(Prepared {
            inner: Arc::new(Inner {
                text: text.into(),
                syntax,
                plan: RwLock::new(None),
            }),
        })
    }

    /// The statement's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The types of its parameters, in order.
    #[must_use]
    pub fn parameters(&self) -> Vec<DataType> {
        let plan = self.inner.plan.read();
        plan.as_ref()
            .map_or_else(Vec::new, |plan| plan.parameters.clone())
    }

    /// The columns of its result; none for a statement that gives no rows.
    #[must_use]
    pub fn columns(&self) -> Arc<[ResultColumn]> {
        let plan = self.inner.plan.read();
        plan.as_ref()
            .map_or_else(|| Arc::from([]), |plan| plan.statement.columns())
    }

    pub(crate) fn syntax(&self) -> &ast::Statement {
        &self.inner.syntax
    }

    /// Whether it only reads.
    pub(crate) fn is_query(&self) -> bool {
        match &self.inner.syntax {
            ast::Statement::Query(_) => true,
            ast::Statement::Explain {
                analyze: false,
                options: None,
                ..
            } => true,
            ast::Statement::Explain { statement, .. } => {
                matches!(**statement, ast::Statement::Query(_))
            }
            _ => false,
        }
    }

    /// The plan that was made last, when it was made for this state of the catalog.
    #[inline]
    pub(crate) fn ready_plan(&self, version: CatalogVersion) -> Option<Arc<Plan>> {
        let plan = self.inner.plan.read();
        plan.as_ref()
            .filter(|plan| plan.catalog.version() == version || is_planted("query-plan-stale"))
            .map(Arc::clone)
    }

    /// The plan for a state of the catalog, made anew where need be.
    pub(crate) fn plan(&self, catalog: &Arc<Catalog>, view: &View) -> Result<Arc<Plan>, SqlError> {
        if let Some(plan) = self.ready_plan(catalog.version()) {
            return Ok(plan);
        }
        let plan = plan_statement(&self.inner.syntax, catalog, view)
            .map_err(|error| error.located_in(&self.inner.text))?;
        let plan = Arc::new(plan);
        *self.inner.plan.write() = Some(Arc::clone(&plan));
        Ok(plan)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(&self.inner.text).finish()
    }
}

impl PlannedStatement {
    /// The columns of what it gives.
    pub(crate) fn columns(&self) -> Arc<[ResultColumn]> {
        let returning = match self {
            PlannedStatement::Query(query) => return Arc::clone(&query.columns),
            PlannedStatement::Insert(insert) => &insert.returning,
            PlannedStatement::Update(update) => &update.returning,
            PlannedStatement::Delete(delete) => &delete.returning,
            PlannedStatement::Explain { .. } => return crate::explain::columns(),
            _ => &None,
        };
        match returning {
            Some(returning) => Arc::clone(&returning.columns),
            None => Arc::from([]),
        }
    }
}

/// Prepared statements by their text.
#[derive(Debug)]
pub(crate) struct PlanCache {
    entries: Mutex<HashMap<Box<str>, Prepared>>,
    max: usize,
}

impl PlanCache {
    pub(crate) fn new(max: usize) -> PlanCache {
        PlanCache {
            entries: Mutex::new(HashMap::new()),
            max,
        }
    }

    /// The statement of a text, parsed unless it is here.
    pub(crate) fn prepared(&self, text: &str) -> Result<Prepared, SqlError> {
        if let Some(known) = self.entries.lock().get(text) {
            return Ok(known.clone());
        }
        let prepared = Prepared::parse(text)?;
        if text.len() <= CACHED_TEXT_BYTES_MAX && self.max > 0 {
            let mut entries = self.entries.lock();
            // Texts with literals in them come once and never again: when there are too many, all go.
            if entries.len() >= self.max {
                entries.clear();
            }
            entries.insert(text.into(), prepared.clone());
        }
        Ok(prepared)
    }
}
