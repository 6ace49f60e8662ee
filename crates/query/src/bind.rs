//! The binder: syntax trees to bound statements.
//!
//! Every struct of the parser is taken apart field by field, without `..`: what is not handled is refused by name, and
//! a field that a later version of the parser adds does not compile until somebody has decided about it. Nothing is
//! parsed and ignored.
//!
//! - [`names`], [`scope`]: what names stand for.
//! - [`query`], [`select`], [`from`]: queries.
//! - [`expr`], [`literal`], [`call`], [`coerce`]: expressions and their types.
//! - [`insert`], [`update`], [`ddl`]: statements.

pub(crate) mod call;
pub(crate) mod coerce;
pub(crate) mod ddl;
pub(crate) mod expr;
pub(crate) mod from;
pub(crate) mod insert;
pub(crate) mod literal;
pub(crate) mod names;
pub(crate) mod query;
pub(crate) mod scope;
pub(crate) mod select;
pub(crate) mod statement;
pub(crate) mod table_options;
pub(crate) mod types;
pub(crate) mod update;

use std::collections::BTreeMap;
use std::sync::Arc;

use drystone_record::DataType;
use sqlparser::ast::Cte;

use crate::bind::names::Name;
use crate::bind::scope::{Found, Scope};
use crate::catalog::{Catalog, Table};
use crate::error::SqlError;
use crate::limits::{MAX_EXPRESSION_DEPTH, MAX_PARAMETERS, MAX_QUERY_DEPTH};
use crate::logical::{AggregateCall, ColumnId, Expr, ExprKind, RelationId};
use crate::sql_state::SqlState;
use crate::suggest;

/// Most items of FROM in one statement, those of views and common table expressions counted at each use.
const MAX_RELATIONS: u32 = 4_096;

/// Binds one statement.
pub(crate) struct Binder<'a> {
    pub(crate) catalog: &'a Catalog,
    /// Types of `$1`, `$2`, ...; `None` until something settles them.
    pub(crate) parameters: Vec<Option<DataType>>,
    /// The query being bound is last, those around it before.
    frames: Vec<Frame>,
    /// Common table expressions in sight, the innermost last.
    ctes: Vec<&'a Cte>,
    /// Positions of the primary key's columns, of the tables in sight.
    primary_keys: BTreeMap<RelationId, Vec<usize>>,
    relation_count: u32,
    query_depth: u32,
    expr_depth: u32,
}

/// A query that is evaluated on its own: the statement, or a subquery within an expression.
#[derive(Default)]
struct Frame {
    scope: Scope,
    /// What it uses of the frame around, as expressions of that one.
    outer: Vec<Expr>,
    aggregation: Aggregation,
}

/// Whether aggregates may be called, and those that were.
enum Aggregation {
    /// Not here; names the clause.
    Refused(&'static str),
    Collected {
        id: RelationId,
        calls: Vec<AggregateCall>,
    },
}

impl Default for Aggregation {
    fn default() -> Aggregation {
        Aggregation::Refused("this place")
    }
}

impl<'a> Binder<'a> {
    pub(crate) fn new(catalog: &'a Catalog) -> Binder<'a> {
        Binder {
            catalog,
            parameters: Vec::new(),
            frames: vec![Frame::default()],
            ctes: Vec::new(),
            primary_keys: BTreeMap::new(),
            relation_count: 0,
            query_depth: 0,
            expr_depth: 0,
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames
            .last_mut()
            .expect("the frame of the statement is never popped")
    }

    pub(crate) fn scope(&self) -> &Scope {
        let frame = self.frames.last();
        &frame
            .expect("the frame of the statement is never popped")
            .scope
    }

    /// Replaces the scope of the current query; returns the one before.
    pub(crate) fn swap_scope(&mut self, scope: Scope) -> Scope {
        std::mem::replace(&mut self.frame().scope, scope)
    }

    fn swap_aggregation(&mut self, aggregation: Aggregation) -> Aggregation {
        std::mem::replace(&mut self.frame().aggregation, aggregation)
    }

    /// A number for a new relation.
    pub(crate) fn new_relation(&mut self) -> Result<RelationId, SqlError> {
        self.relation_count += 1;
        if self.relation_count > MAX_RELATIONS {
            return Err(SqlError::new(
                SqlState::StatementTooComplex,
                "statement uses too many tables",
            ));
        }
        Ok(RelationId(self.relation_count))
    }

    /// Runs `bind` one query deeper.
    fn within_query<T>(
        &mut self,
        bind: impl FnOnce(&mut Self) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.query_depth += 1;
        if self.query_depth > MAX_QUERY_DEPTH {
            return Err(too_deep("queries"));
        }
        let bound = bind(self);
        self.query_depth -= 1;
        bound
    }

    /// Runs `bind` one level of expression deeper, on a stack that has room for it.
    fn within_expr<T>(
        &mut self,
        bind: impl FnOnce(&mut Self) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.expr_depth += 1;
        if self.expr_depth > MAX_EXPRESSION_DEPTH {
            return Err(too_deep("expressions"));
        }
        let bound = crate::stack::with_room(|| bind(self));
        self.expr_depth -= 1;
        bound
    }

    /// The table of a name.
    pub(crate) fn table(&self, name: &Name) -> Result<Arc<Table>, SqlError> {
        self.catalog.table(&name.text).cloned().ok_or_else(|| {
            SqlError::new(
                SqlState::UndefinedTable,
                format!("relation \"{}\" does not exist", name.text),
            )
            .at(name.span)
            .with_near_name(suggest::nearest(&name.text, self.catalog.table_names()))
        })
    }

    /// The column that a name stands for, in this query or one around it.
    fn resolve(&mut self, table: Option<&Name>, column: &Name) -> Result<Expr, SqlError> {
        let innermost = self.frames.len() - 1;
        for depth in (0..=innermost).rev() {
            let scope = &self.frames[depth].scope;
            let found = match table {
                Some(table) => scope.find_qualified(table, column)?,
                None => scope.find(column)?,
            };
            if let Found::Column(expr) = found {
                return Ok(self.carry_inwards(expr, depth));
            }
        }
        Err(self.not_found(table, column))
    }

    /// An expression of frame `depth` as one of the innermost frame.
    fn carry_inwards(&mut self, expr: Expr, depth: usize) -> Expr {
        self.frames[depth + 1..]
            .iter_mut()
            .fold(expr, |expr, frame| {
                let data_type = expr.data_type;
                let position = match frame.outer.iter().position(|known| *known == expr) {
                    Some(position) => position,
                    None => {
                        frame.outer.push(expr);
                        frame.outer.len() - 1
                    }
                };
                Expr {
                    kind: ExprKind::Outer(position),
                    data_type,
                }
            })
    }

    fn not_found(&self, table: Option<&Name>, column: &Name) -> SqlError {
        let scopes = || self.frames.iter().rev().map(|frame| &frame.scope);
        match table {
            Some(table) => SqlError::new(
                SqlState::UndefinedTable,
                format!("missing FROM-clause entry for table \"{}\"", table.text),
            )
            .at(table.span)
            .with_near_name(suggest::nearest(
                &table.text,
                scopes().flat_map(|scope| scope.relations.iter().map(|item| item.alias.as_str())),
            )),
            None => SqlError::new(
                SqlState::UndefinedColumn,
                format!("column \"{}\" does not exist", column.text),
            )
            .at(column.span)
            .with_near_name(suggest::nearest(
                &column.text,
                scopes().flat_map(|scope| scope.columns().map(|column| column.name.as_str())),
            )),
        }
    }

    /// Position of parameter `$n`; `text` is what follows the `$`.
    fn parameter(&mut self, text: &str) -> Result<usize, SqlError> {
        let number: Option<usize> = text.strip_prefix('$').and_then(|n| n.parse().ok());
        match number {
            Some(number) if (1..=MAX_PARAMETERS).contains(&number) => {
                if self.parameters.len() < number {
                    self.parameters.resize(number, None);
                }
                Ok(number - 1)
            }
            _ => Err(SqlError::new(
                SqlState::UndefinedParameter,
                format!("there is no parameter {text}"),
            )
            .with_hint(format!("parameters are $1 to ${MAX_PARAMETERS}"))),
        }
    }

    /// Name of a column for messages.
    pub(crate) fn column_name(&self, id: ColumnId) -> String {
        let mut scopes = self.frames.iter().rev();
        scopes
            .find_map(|frame| frame.scope.name_of(id))
            .unwrap_or_else(|| "?".to_owned())
    }
}

fn too_deep(what: &str) -> SqlError {
    SqlError::new(
        SqlState::StatementTooComplex,
        format!("{what} are nested too deeply"),
    )
}
