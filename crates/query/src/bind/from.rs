//! FROM: tables, subqueries and joins.

use std::sync::Arc;

use sqlparser::ast::{
    self, Join, JoinConstraint, JoinOperator, Spanned, TableAlias, TableAliasColumnDef,
    TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Span;

use crate::bind::names::{self, Name, fold, refuse};
use crate::bind::scope::{Found, Scope, ScopeColumn, ScopeRelation};
use crate::bind::{Aggregation, Binder};
use crate::catalog::Table;
use crate::error::SqlError;
use crate::limits::MAX_TABLES;
use crate::logical::{ColumnId, Expr, ExprKind, JoinKind, Query, Relation, TableRelation};
use crate::operator::BinaryOp;
use crate::sql_state::SqlState;

impl<'a> Binder<'a> {
    /// Binds a FROM clause: its relation, and the scope of what reads it.
    pub(crate) fn bind_from(
        &mut self,
        from: &'a [TableWithJoins],
    ) -> Result<(Relation, Scope), SqlError> {
        let tables: usize = from.iter().map(|item| 1 + item.joins.len()).sum();
        if tables > MAX_TABLES {
            return Err(SqlError::new(
                SqlState::StatementTooComplex,
                format!("{tables} tables in FROM; the limit is {MAX_TABLES}"),
            ));
        }
        let mut items = from.iter();
        let Some(first) = items.next() else {
            return Ok((Relation::One, Scope::default()));
        };
        let (mut relation, mut scope) = self.bind_joins(first)?;
        for item in items {
            let (right, right_scope) = self.bind_joins(item)?;
            scope
                .join(right_scope)
                .map_err(|error| error.at(item.span()))?;
            relation = join(JoinKind::Inner, relation, right, Vec::new());
        }
        Ok((relation, scope))
    }

    fn bind_joins(&mut self, item: &'a TableWithJoins) -> Result<(Relation, Scope), SqlError> {
        let TableWithJoins { relation, joins } = item;
        let (mut relation, mut scope) = self.bind_factor(relation)?;
        for join in joins {
            (relation, scope) = self.bind_join(relation, scope, join)?;
        }
        Ok((relation, scope))
    }

    fn bind_join(
        &mut self,
        left: Relation,
        left_scope: Scope,
        syntax: &'a Join,
    ) -> Result<(Relation, Scope), SqlError> {
        let Join {
            relation,
            global,
            join_operator,
        } = syntax;
        refuse(*global, "GLOBAL JOIN", syntax.span())?;
        let (side, constraint) = join_side(join_operator, syntax.span())?;
        let (right, right_scope) = self.bind_factor(relation)?;
        let mut scope = left_scope.clone();
        scope
            .join(right_scope.clone())
            .map_err(|error| error.at(syntax.span()))?;
        let on = match constraint {
            None => Vec::new(),
            Some(JoinConstraint::On(condition)) => self.bind_on(condition, &scope)?,
            Some(JoinConstraint::Using(columns)) => {
                let columns = columns
                    .iter()
                    .map(using_column)
                    .collect::<Result<Vec<_>, _>>()?;
                self.bind_using(&columns, side, &left_scope, &right_scope, &mut scope)?
            }
            Some(JoinConstraint::Natural) => {
                let columns = shared_columns(&left_scope, &right_scope, syntax.span());
                self.bind_using(&columns, side, &left_scope, &right_scope, &mut scope)?
            }
            Some(JoinConstraint::None) => {
                return Err(SqlError::new(
                    SqlState::SyntaxError,
                    "syntax error: JOIN needs ON or USING",
                )
                .at(syntax.span()));
            }
        };
        let relation = match side {
            Side::Inner => join(JoinKind::Inner, left, right, on),
            Side::Left => join(JoinKind::Left, left, right, on),
            Side::Right => join(JoinKind::Left, right, left, on),
        };
        Ok((relation, scope))
    }

    /// The condition of ON, which sees the two sides and what is around the query.
    fn bind_on(&mut self, condition: &'a ast::Expr, scope: &Scope) -> Result<Vec<Expr>, SqlError> {
        let before = self.swap_scope(scope.clone());
        let aggregation = self.swap_aggregation(Aggregation::Refused("JOIN conditions"));
        let bound = self.bind_condition(condition, "JOIN/ON");
        self.swap_aggregation(aggregation);
        self.swap_scope(before);
        Ok(conjuncts(bound?))
    }

    fn bind_using(
        &mut self,
        columns: &[Name],
        side: Side,
        left: &Scope,
        right: &Scope,
        scope: &mut Scope,
    ) -> Result<Vec<Expr>, SqlError> {
        let mut on = Vec::with_capacity(columns.len());
        let mut merged = Vec::with_capacity(columns.len());
        for column in columns {
            let in_left = using_side(left, column, "left")?;
            let in_right = using_side(right, column, "right")?;
            merged.push(match side {
                Side::Inner | Side::Left => (column.text.clone(), in_left.clone()),
                Side::Right => (column.text.clone(), in_right.clone()),
            });
            hide(scope, &column.text);
            on.push(
                self.binary(BinaryOp::Eq, in_left, in_right)
                    .map_err(|error| error.at(column.span))?,
            );
        }
        merged.append(&mut scope.merged);
        scope.merged = merged;
        Ok(on)
    }

    fn bind_factor(&mut self, factor: &'a TableFactor) -> Result<(Relation, Scope), SqlError> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                let span = name.span();
                refuse(args.is_some(), "a function in FROM", span)?;
                refuse(!with_hints.is_empty(), "WITH hints", span)?;
                refuse(version.is_some(), "AS OF", span)?;
                refuse(*with_ordinality, "WITH ORDINALITY", span)?;
                refuse(!partitions.is_empty(), "PARTITION", span)?;
                refuse(json_path.is_some(), "a JSON path in FROM", span)?;
                refuse(sample.is_some(), "TABLESAMPLE", span)?;
                refuse(!index_hints.is_empty(), "an index hint", span)?;
                self.bind_table_factor(&names::object(name)?, alias.as_ref())
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                sample,
            } => {
                refuse(*lateral, "LATERAL", subquery.span())?;
                refuse(sample.is_some(), "TABLESAMPLE", subquery.span())?;
                let query = self.bind_query(subquery)?;
                self.query_item(query, "unnamed subquery", alias.as_ref())
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                refuse(alias.is_some(), "an alias of a join", factor.span())?;
                self.within_expr(|binder| binder.bind_joins(table_with_joins))
            }
            other => {
                Err(SqlError::unsupported(format!("{} in FROM", kind_of(other))).at(other.span()))
            }
        }
    }

    fn bind_table_factor(
        &mut self,
        name: &Name,
        alias: Option<&TableAlias>,
    ) -> Result<(Relation, Scope), SqlError> {
        if let Some((position, cte)) = self.find_cte(&name.text) {
            let query = self.bind_cte_use(position, cte)?;
            let (relation, mut scope) = self.query_item(query, &name.text, Some(&cte.alias))?;
            if let Some(alias) = alias {
                rename(&mut scope, alias)?;
            }
            return Ok((relation, scope));
        }
        let table = self.table(name)?;
        let (relation, mut scope) = self.table_item(table, name.text.clone())?;
        if let Some(alias) = alias {
            rename(&mut scope, alias)?;
        }
        Ok((with_alias(relation, &scope), scope))
    }

    /// A table as an item of FROM.
    pub(crate) fn table_item(
        &mut self,
        table: Arc<Table>,
        alias: String,
    ) -> Result<(Relation, Scope), SqlError> {
        let id = self.new_relation()?;
        self.primary_keys.insert(id, table.key_columns().to_vec());
        let columns = table.columns().iter().enumerate();
        let columns = columns
            .map(|(column, record)| ScopeColumn {
                name: record.name.clone(),
                id: ColumnId {
                    relation: id,
                    column,
                },
                data_type: record.data_type,
                is_merged: false,
            })
            .collect();
        let scope = Scope::of(ScopeRelation {
            alias: alias.clone(),
            columns,
        });
        Ok((Relation::Table(TableRelation { id, table, alias }), scope))
    }

    /// A query as an item of FROM.
    fn query_item(
        &mut self,
        query: Query,
        name: &str,
        alias: Option<&TableAlias>,
    ) -> Result<(Relation, Scope), SqlError> {
        let Query { root, columns } = query;
        let columns = columns
            .into_iter()
            .map(|column| ScopeColumn {
                name: column.name,
                id: column.id,
                data_type: column.data_type,
                is_merged: false,
            })
            .collect();
        let mut scope = Scope::of(ScopeRelation {
            alias: name.to_owned(),
            columns,
        });
        if let Some(alias) = alias {
            rename(&mut scope, alias)?;
        }
        Ok((root, scope))
    }
}

/// Which side of a join keeps its rows that have no partner.
#[derive(Clone, Copy)]
enum Side {
    Inner,
    Left,
    Right,
}

fn join_side(
    operator: &JoinOperator,
    span: Span,
) -> Result<(Side, Option<&JoinConstraint>), SqlError> {
    let refused = match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => {
            return Ok((Side::Inner, Some(constraint)));
        }
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
            return Ok((Side::Left, Some(constraint)));
        }
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
            return Ok((Side::Right, Some(constraint)));
        }
        JoinOperator::CrossJoin(JoinConstraint::None) => return Ok((Side::Inner, None)),
        JoinOperator::CrossJoin(_) => "CROSS JOIN with a condition",
        JoinOperator::FullOuter(_) => "FULL JOIN",
        JoinOperator::Semi(_) | JoinOperator::LeftSemi(_) | JoinOperator::RightSemi(_) => {
            "SEMI JOIN"
        }
        JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) | JoinOperator::RightAnti(_) => {
            "ANTI JOIN"
        }
        JoinOperator::CrossApply | JoinOperator::OuterApply => "APPLY",
        JoinOperator::AsOf { .. } => "ASOF JOIN",
        JoinOperator::StraightJoin(_) => "STRAIGHT_JOIN",
        JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => {
            "ARRAY JOIN"
        }
    };
    Err(SqlError::unsupported(refused).at(span))
}

fn join(kind: JoinKind, left: Relation, right: Relation, on: Vec<Expr>) -> Relation {
    Relation::Join {
        kind,
        left: Box::new(left),
        right: Box::new(right),
        on,
    }
}

/// The parts of a condition that must all be true.
pub(crate) fn conjuncts(condition: Expr) -> Vec<Expr> {
    match condition.kind {
        ExprKind::And(all) => all.into_iter().flat_map(conjuncts).collect(),
        _ => vec![condition],
    }
}

fn using_column(name: &ast::ObjectName) -> Result<Name, SqlError> {
    let mut parts = names::parts(name)?;
    match (parts.pop(), parts.is_empty()) {
        (Some(column), true) => Ok(column),
        _ => Err(SqlError::new(
            SqlState::SyntaxError,
            "syntax error: USING takes names of columns",
        )
        .at(name.span())),
    }
}

fn shared_columns(left: &Scope, right: &Scope, span: Span) -> Vec<Name> {
    let right = right.expand();
    left.expand()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| right.iter().any(|(other, _)| other == name))
        .map(|text| Name { text, span })
        .collect()
}

fn using_side(scope: &Scope, column: &Name, side: &str) -> Result<Expr, SqlError> {
    match scope.find(column)? {
        Found::Column(expr) => Ok(expr),
        Found::Nothing => Err(SqlError::new(
            SqlState::UndefinedColumn,
            format!(
                "column \"{}\" specified in USING clause does not exist in {side} table",
                column.text
            ),
        )
        .at(column.span)),
    }
}

/// Leaves a column to be found by its merged name only.
fn hide(scope: &mut Scope, name: &str) {
    scope.merged.retain(|(merged, _)| merged != name);
    let columns = scope
        .relations
        .iter_mut()
        .flat_map(|item| &mut item.columns);
    for column in columns.filter(|column| column.name == name) {
        column.is_merged = true;
    }
}

/// Gives the only item of `scope` the names of `alias`.
fn rename(scope: &mut Scope, alias: &TableAlias) -> Result<(), SqlError> {
    let TableAlias {
        explicit: _,
        name,
        columns,
        at,
    } = alias;
    refuse(at.is_some(), "AT", name.span)?;
    let Some(item) = scope.relations.last_mut() else {
        return Ok(());
    };
    item.alias = fold(name).text;
    if columns.len() > item.columns.len() {
        return Err(SqlError::new(
            SqlState::InvalidColumnReference,
            format!(
                "table \"{}\" has {} columns available but {} columns specified",
                item.alias,
                item.columns.len(),
                columns.len()
            ),
        )
        .at(name.span));
    }
    for (column, TableAliasColumnDef { name, data_type }) in item.columns.iter_mut().zip(columns) {
        refuse(data_type.is_some(), "a type in a column alias", name.span)?;
        column.name = fold(name).text;
    }
    Ok(())
}

/// A table shown in plans by the name it has in the statement.
fn with_alias(relation: Relation, scope: &Scope) -> Relation {
    match (relation, scope.relations.last()) {
        (Relation::Table(table), Some(item)) => Relation::Table(TableRelation {
            alias: item.alias.clone(),
            ..table
        }),
        (relation, _) => relation,
    }
}

fn kind_of(factor: &TableFactor) -> &'static str {
    match factor {
        TableFactor::Table { .. } => "a table",
        TableFactor::Derived { .. } => "a subquery",
        TableFactor::TableFunction { .. } | TableFactor::Function { .. } => "a function",
        TableFactor::UNNEST { .. } => "UNNEST",
        TableFactor::JsonTable { .. } | TableFactor::OpenJsonTable { .. } => "JSON_TABLE",
        TableFactor::NestedJoin { .. } => "a join",
        TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => "PIVOT",
        TableFactor::MatchRecognize { .. } => "MATCH_RECOGNIZE",
        TableFactor::XmlTable { .. } => "XMLTABLE",
        TableFactor::SemanticView { .. } => "SEMANTIC_VIEW",
    }
}
