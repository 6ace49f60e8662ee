//! UPDATE, DELETE and TRUNCATE.

use std::sync::Arc;

use sqlparser::ast::{
    self, Assignment, AssignmentTarget, FromTable, Spanned, TableWithJoins, TruncateTableTarget,
    UpdateTableFromKind,
};
use sqlparser::tokenizer::Span;

use crate::bind::from::conjuncts;
use crate::bind::insert::{find_column, relation_id};
use crate::bind::names::{self, refuse};
use crate::bind::scope::Scope;
use crate::bind::select::filtered;
use crate::bind::statement::{Delete, Statement, Update};
use crate::bind::{Aggregation, Binder};
use crate::catalog::Table;
use crate::error::SqlError;
use crate::logical::{Expr, JoinKind, Relation, RelationId};
use crate::sql_state::SqlState;

/// The table that a statement writes to, and the rows it is about.
struct Target {
    table: Arc<Table>,
    relation: RelationId,
    source: Relation,
    scope: Scope,
}

impl<'a> Binder<'a> {
    pub(crate) fn bind_update(&mut self, syntax: &'a ast::Update) -> Result<Update, SqlError> {
        let ast::Update {
            update_token,
            optimizer_hints,
            table,
            assignments,
            from,
            selection,
            returning,
            output,
            or,
            order_by,
            limit,
        } = syntax;
        let span = update_token.0.span;
        refuse(!optimizer_hints.is_empty(), "an optimizer hint", span)?;
        refuse(output.is_some(), "OUTPUT", span)?;
        refuse(or.is_some(), "UPDATE OR", span)?;
        refuse(!order_by.is_empty(), "ORDER BY in UPDATE", span)?;
        refuse(limit.is_some(), "LIMIT in UPDATE", span)?;
        let others = match from {
            None => &[][..],
            Some(UpdateTableFromKind::AfterSet(tables)) => tables.as_slice(),
            Some(UpdateTableFromKind::BeforeSet(_)) => {
                return Err(SqlError::unsupported("FROM before SET").at(span));
            }
        };
        let target = self.bind_target(table, others, selection.as_ref())?;
        self.swap_scope(target.scope.clone());
        self.swap_aggregation(Aggregation::Refused("UPDATE"));
        let assignments = self.bind_assignments(&target.table, assignments)?;
        let returning = self.bind_returning(returning.as_deref(), target.scope)?;
        Ok(Update {
            table: target.table,
            relation: target.relation,
            source: target.source,
            assignments,
            returning,
        })
    }

    pub(crate) fn bind_delete(&mut self, syntax: &'a ast::Delete) -> Result<Delete, SqlError> {
        let ast::Delete {
            delete_token,
            optimizer_hints,
            tables,
            from,
            using,
            selection,
            returning,
            output,
            order_by,
            limit,
        } = syntax;
        let span = delete_token.0.span;
        refuse(!optimizer_hints.is_empty(), "an optimizer hint", span)?;
        refuse(!tables.is_empty(), "DELETE of several tables", span)?;
        refuse(output.is_some(), "OUTPUT", span)?;
        refuse(!order_by.is_empty(), "ORDER BY in DELETE", span)?;
        refuse(limit.is_some(), "LIMIT in DELETE", span)?;
        let table = match from {
            FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables) => {
                match tables.as_slice() {
                    [table] => table,
                    _ => return Err(SqlError::unsupported("DELETE of several tables").at(span)),
                }
            }
        };
        let others = using.as_deref().unwrap_or_default();
        let target = self.bind_target(table, others, selection.as_ref())?;
        let returning = self.bind_returning(returning.as_deref(), target.scope)?;
        Ok(Delete {
            table: target.table,
            relation: target.relation,
            source: target.source,
            returning,
        })
    }

    fn bind_target(
        &mut self,
        table: &'a TableWithJoins,
        others: &'a [TableWithJoins],
        selection: Option<&'a ast::Expr>,
    ) -> Result<Target, SqlError> {
        refuse(
            !table.joins.is_empty(),
            "a join as the table to write to",
            table.span(),
        )?;
        let (relation, mut scope) = self.bind_from(std::slice::from_ref(table))?;
        let id = relation_id(&relation).map_err(|error| error.at(table.span()))?;
        let Relation::Table(target) = &relation else {
            return Err(SqlError::unsupported("writing to other than a table").at(table.span()));
        };
        let target = Arc::clone(&target.table);
        let mut source = relation;
        if !others.is_empty() {
            let (right, right_scope) = self.bind_from(others)?;
            scope.join(right_scope)?;
            source = Relation::Join {
                kind: JoinKind::Inner,
                left: Box::new(source),
                right: Box::new(right),
                on: Vec::new(),
            };
        }
        self.swap_scope(scope.clone());
        self.swap_aggregation(Aggregation::Refused("WHERE"));
        if let Some(condition) = selection {
            let condition = self.bind_condition(condition, "WHERE")?;
            source = filtered(source, conjuncts(condition));
        }
        Ok(Target {
            table: target,
            relation: id,
            source,
            scope,
        })
    }

    /// `SET column = value, ...`.
    pub(crate) fn bind_assignments(
        &mut self,
        table: &Table,
        assignments: &'a [Assignment],
    ) -> Result<Vec<(usize, Expr)>, SqlError> {
        let mut bound: Vec<(usize, Expr)> = Vec::with_capacity(assignments.len());
        for Assignment { target, value } in assignments {
            let name =
                match target {
                    AssignmentTarget::ColumnName(name) => {
                        let mut parts = names::parts(name)?;
                        match (parts.pop(), parts.len()) {
                            (Some(column), 0) => column,
                            _ => {
                                return Err(SqlError::unsupported("a qualified column in SET")
                                    .at(name.span()));
                            }
                        }
                    }
                    AssignmentTarget::Tuple(_) => {
                        return Err(SqlError::unsupported("SET of several columns at once")
                            .at(value.span()));
                    }
                };
            let column = find_column(table, &name)?;
            if bound.iter().any(|(known, _)| *known == column) {
                return Err(SqlError::new(
                    SqlState::SyntaxError,
                    format!("multiple assignments to same column \"{}\"", name.text),
                )
                .at(name.span));
            }
            bound.push((column, self.bind_assigned(table, column, value)?));
        }
        Ok(bound)
    }

    pub(crate) fn bind_truncate(&mut self, syntax: &ast::Truncate) -> Result<Statement, SqlError> {
        let ast::Truncate {
            table_names,
            partitions,
            table: _, // TABLE may be left out.
            if_exists,
            identity,
            cascade,
            on_cluster,
        } = syntax;
        let nowhere = Span::empty();
        refuse(partitions.is_some(), "PARTITION", nowhere)?;
        refuse(*if_exists, "TRUNCATE IF EXISTS", nowhere)?;
        refuse(identity.is_some(), "RESTART or CONTINUE IDENTITY", nowhere)?;
        refuse(cascade.is_some(), "CASCADE or RESTRICT", nowhere)?;
        refuse(on_cluster.is_some(), "ON CLUSTER", nowhere)?;
        let mut tables = Vec::with_capacity(table_names.len());
        for TruncateTableTarget {
            name,
            only: _, // Tables have no descendants.
            has_asterisk: _,
        } in table_names
        {
            tables.push(self.table(&names::object(name)?)?);
        }
        Ok(Statement::Truncate(tables))
    }
}
