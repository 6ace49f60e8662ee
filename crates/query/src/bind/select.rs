//! SELECT: FROM, WHERE, GROUP BY, the select list, HAVING, DISTINCT, ORDER BY.

use sqlparser::ast::{
    self, Distinct, GroupByExpr, OrderByExpr, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, Spanned, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::Span;

use crate::bind::from::conjuncts;
use crate::bind::names::{self, fold, refuse};
use crate::bind::query::{Window, check_width, ordinal, sort_key, sorted};
use crate::bind::{Aggregation, Binder};
use crate::error::SqlError;
use crate::logical::{
    AggregateCall, ColumnId, Expr, ExprKind, OutputColumn, Query, Relation, RelationId, SortKey,
};
use crate::sql_state::SqlState;

/// One column of a select list.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) expr: Expr,
    pub(crate) span: Span,
}

impl<'a> Binder<'a> {
    /// Binds a SELECT in the current scope, which it replaces.
    pub(crate) fn bind_select(
        &mut self,
        select: &'a Select,
        keys: &'a [OrderByExpr],
        window: Window,
    ) -> Result<Query, SqlError> {
        let Clauses {
            distinct,
            projection,
            from,
            selection,
            group_by,
            having,
        } = clauses(select)?;
        let (mut relation, scope) = self.bind_from(from)?;
        self.swap_scope(scope);
        if let Some(condition) = selection {
            relation = self.bind_where(relation, condition)?;
        }
        let mut groups = self.bind_group_by(group_by, projection)?;
        let aggregate_id = self.new_relation()?;
        self.swap_aggregation(Aggregation::Collected {
            id: aggregate_id,
            calls: Vec::new(),
        });
        let mut items = self.bind_items(projection)?;
        let mut having = match having {
            Some(condition) => Some((self.bind_condition(condition, "HAVING")?, condition.span())),
            None => None,
        };
        let mut sort = self.bind_order_by(keys, &items)?;
        let calls = self.take_aggregates();
        if !calls.is_empty() || !groups.is_empty() || having.is_some() {
            let group_id = self.new_relation()?;
            for item in &mut items {
                self.over_groups(&mut item.expr, &mut groups, group_id, aggregate_id)
                    .map_err(|error| error.at(item.span))?;
            }
            if let Some((condition, span)) = &mut having {
                self.over_groups(condition, &mut groups, group_id, aggregate_id)
                    .map_err(|error| error.at(*span))?;
            }
            for (key, item) in sort.iter_mut().zip(keys) {
                self.over_groups(&mut key.expr, &mut groups, group_id, aggregate_id)
                    .map_err(|error| error.at(item.expr.span()))?;
            }
            relation = Relation::Aggregate {
                id: group_id,
                aggregate_id,
                input: Box::new(relation),
                groups,
                aggregates: calls,
            };
        }
        if let Some((condition, _)) = having {
            relation = filtered(relation, conjuncts(condition));
        }
        self.project(relation, items, sort, distinct, window)
    }

    fn bind_where(
        &mut self,
        relation: Relation,
        condition: &'a ast::Expr,
    ) -> Result<Relation, SqlError> {
        self.swap_aggregation(Aggregation::Refused("WHERE"));
        let condition = self.bind_condition(condition, "WHERE")?;
        Ok(filtered(relation, conjuncts(condition)))
    }

    /// The select list over `relation`, sorted and cut. Without DISTINCT it is computed last, for rows that stay.
    fn project(
        &mut self,
        relation: Relation,
        items: Vec<Item>,
        sort: Vec<SortKey>,
        distinct: bool,
        window: Window,
    ) -> Result<Query, SqlError> {
        let id = self.new_relation()?;
        let mut exprs = Vec::with_capacity(items.len());
        let mut columns = Vec::with_capacity(items.len());
        for (column, mut item) in items.into_iter().enumerate() {
            let is_untyped = item.expr.data_type.is_none();
            let data_type = self.settle(&mut item.expr)?;
            columns.push(OutputColumn {
                is_untyped,
                ..OutputColumn::new(item.name, data_type, id, column)
            });
            exprs.push(item.expr);
        }
        let root = match distinct {
            false => project(id, window.apply(sorted(relation, sort)), exprs),
            true => {
                let sort = over_select_list(sort, &exprs, &columns)?;
                let input = Box::new(project(id, relation, exprs));
                window.apply(sorted(Relation::Distinct { input }, sort))
            }
        };
        Ok(Query { root, columns })
    }

    fn bind_group_by(
        &mut self,
        group_by: &'a [ast::Expr],
        projection: &'a [SelectItem],
    ) -> Result<Vec<Expr>, SqlError> {
        self.swap_aggregation(Aggregation::Refused("GROUP BY"));
        let mut groups = Vec::with_capacity(group_by.len());
        for item in group_by {
            let mut bound = self.bind_group(item, projection)?;
            self.settle(&mut bound)?;
            if !groups.contains(&bound) {
                groups.push(bound);
            }
        }
        Ok(groups)
    }

    /// One GROUP BY item: a position in the select list, a column, an alias, or an expression.
    fn bind_group(
        &mut self,
        item: &'a ast::Expr,
        projection: &'a [SelectItem],
    ) -> Result<Expr, SqlError> {
        if let ast::Expr::Value(value) = item
            && let Some(position) = ordinal(value, projection.len(), "GROUP BY")?
        {
            return match &projection[position] {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    self.bind_expr(expr)
                }
                other => Err(SqlError::unsupported("GROUP BY position of a *").at(other.span())),
            };
        }
        match self.bind_expr(item) {
            Err(error) if error.state() == SqlState::UndefinedColumn => {
                match aliased(item, projection) {
                    Some(expr) => self.bind_expr(expr),
                    None => Err(error),
                }
            }
            bound => bound,
        }
    }

    /// Binds a select list, in RETURNING too.
    pub(crate) fn bind_items(
        &mut self,
        projection: &'a [SelectItem],
    ) -> Result<Vec<Item>, SqlError> {
        let mut items = Vec::with_capacity(projection.len());
        for item in projection {
            self.bind_item(item, &mut items)?;
        }
        check_width(items.len())?;
        Ok(items)
    }

    fn bind_item(&mut self, item: &'a SelectItem, items: &mut Vec<Item>) -> Result<(), SqlError> {
        match item {
            SelectItem::UnnamedExpr(expr) => items.push(Item {
                name: default_name(expr),
                expr: self.bind_expr(expr)?,
                span: expr.span(),
            }),
            SelectItem::ExprWithAlias { expr, alias } => items.push(Item {
                name: fold(alias).text,
                expr: self.bind_expr(expr)?,
                span: expr.span(),
            }),
            SelectItem::ExprWithAliases { expr, aliases: _ } => {
                return Err(SqlError::unsupported("more than one alias").at(expr.span()));
            }
            SelectItem::Wildcard(options) => {
                let span = plain_wildcard(options)?;
                let columns = self.scope().expand();
                if self.scope().relations.is_empty() {
                    return Err(SqlError::new(
                        SqlState::SyntaxError,
                        "SELECT * with no tables specified is not valid",
                    )
                    .at(span));
                }
                items.extend(
                    columns
                        .into_iter()
                        .map(|(name, expr)| Item { name, expr, span }),
                );
            }
            SelectItem::QualifiedWildcard(kind, options) => {
                plain_wildcard(options)?;
                self.bind_qualified_wildcard(kind, items)?;
            }
        }
        Ok(())
    }

    fn bind_qualified_wildcard(
        &mut self,
        kind: &SelectItemQualifiedWildcardKind,
        items: &mut Vec<Item>,
    ) -> Result<(), SqlError> {
        let name = match kind {
            SelectItemQualifiedWildcardKind::ObjectName(name) => names::object(name)?,
            SelectItemQualifiedWildcardKind::Expr(expr) => {
                return Err(SqlError::unsupported("* of an expression").at(expr.span()));
            }
        };
        let Some(relation) = self.scope().relation(&name.text) else {
            return Err(self.not_found(Some(&name), &name));
        };
        items.extend(relation.columns.iter().map(|column| Item {
            name: column.name.clone(),
            expr: column.expr(),
            span: name.span,
        }));
        Ok(())
    }

    /// ORDER BY of a SELECT: a position or alias of the select list, or any expression over its input.
    fn bind_order_by(
        &mut self,
        keys: &'a [OrderByExpr],
        items: &[Item],
    ) -> Result<Vec<SortKey>, SqlError> {
        let mut sort = Vec::with_capacity(keys.len());
        for key in keys {
            let mut expr = match named_item(&key.expr, items)? {
                Some(item) => item.expr.clone(),
                None => self.bind_expr(&key.expr)?,
            };
            self.settle(&mut expr)?;
            sort.push(sort_key(key, expr)?);
        }
        Ok(sort)
    }

    fn take_aggregates(&mut self) -> Vec<AggregateCall> {
        match self.swap_aggregation(Aggregation::default()) {
            Aggregation::Collected { calls, .. } => calls,
            Aggregation::Refused(_) => Vec::new(),
        }
    }

    /// Rewrites an expression over the input of a GROUP BY to one over its groups and aggregates.
    fn over_groups(
        &mut self,
        expr: &mut Expr,
        groups: &mut Vec<Expr>,
        group_id: RelationId,
        aggregate_id: RelationId,
    ) -> Result<(), SqlError> {
        let group = |column| {
            ExprKind::Column(ColumnId {
                relation: group_id,
                column,
            })
        };
        if let Some(column) = groups.iter().position(|known| known == expr) {
            expr.kind = group(column);
            return Ok(());
        }
        if let ExprKind::Column(id) = expr.kind {
            if id.relation == aggregate_id {
                return Ok(());
            }
            if !self.is_settled_by(id, groups) {
                return Err(SqlError::new(
                    SqlState::GroupingError,
                    format!(
                        "column \"{}\" must appear in the GROUP BY clause or be used in an aggregate function",
                        self.column_name(id)
                    ),
                ));
            }
            groups.push(expr.clone());
            expr.kind = group(groups.len() - 1);
            return Ok(());
        }
        for part in expr.parts_mut() {
            self.over_groups(part, groups, group_id, aggregate_id)?;
        }
        Ok(())
    }

    /// Whether grouping by a table's whole primary key gives this column one value a group.
    fn is_settled_by(&self, id: ColumnId, groups: &[Expr]) -> bool {
        let Some(key) = self.primary_keys.get(&id.relation) else {
            return false;
        };
        !key.is_empty()
            && key.iter().all(|&column| {
                let key_column = ExprKind::Column(ColumnId {
                    relation: id.relation,
                    column,
                });
                groups.iter().any(|group| group.kind == key_column)
            })
    }
}

/// The clauses of a SELECT that are offered.
struct Clauses<'a> {
    distinct: bool,
    projection: &'a [SelectItem],
    from: &'a [ast::TableWithJoins],
    selection: Option<&'a ast::Expr>,
    group_by: &'a [ast::Expr],
    having: Option<&'a ast::Expr>,
}

fn clauses(select: &Select) -> Result<Clauses<'_>, SqlError> {
    let Select {
        select_token,
        optimizer_hints,
        distinct,
        select_modifiers,
        top,
        top_before_distinct: _, // Says where TOP stood.
        projection,
        exclude,
        into,
        from,
        lateral_views,
        prewhere,
        selection,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having,
        named_window,
        qualify,
        window_before_qualify: _, // Says where WINDOW stood.
        value_table_mode,
        flavor,
    } = select;
    let span = select_token.0.span;
    refuse(!optimizer_hints.is_empty(), "an optimizer hint", span)?;
    refuse(select_modifiers.is_some(), "a SELECT modifier", span)?;
    refuse(top.is_some(), "TOP", span)?;
    refuse(exclude.is_some(), "EXCLUDE", span)?;
    refuse(into.is_some(), "SELECT INTO", span)?;
    refuse(!lateral_views.is_empty(), "LATERAL VIEW", span)?;
    refuse(prewhere.is_some(), "PREWHERE", span)?;
    refuse(!connect_by.is_empty(), "CONNECT BY", span)?;
    refuse(!cluster_by.is_empty(), "CLUSTER BY", span)?;
    refuse(!distribute_by.is_empty(), "DISTRIBUTE BY", span)?;
    refuse(!sort_by.is_empty(), "SORT BY", span)?;
    refuse(!named_window.is_empty(), "WINDOW", span)?;
    refuse(qualify.is_some(), "QUALIFY", span)?;
    refuse(value_table_mode.is_some(), "SELECT AS", span)?;
    refuse(
        *flavor != SelectFlavor::Standard,
        "FROM before SELECT",
        span,
    )?;
    Ok(Clauses {
        distinct: match distinct {
            None | Some(Distinct::All) => false,
            Some(Distinct::Distinct) => true,
            Some(Distinct::On(_)) => return Err(SqlError::unsupported("DISTINCT ON").at(span)),
        },
        projection,
        from,
        selection: selection.as_ref(),
        group_by: group_exprs(group_by, span)?,
        having: having.as_ref(),
    })
}

fn group_exprs(group_by: &GroupByExpr, span: Span) -> Result<&[ast::Expr], SqlError> {
    match group_by {
        GroupByExpr::All(_) => Err(SqlError::unsupported("GROUP BY ALL").at(span)),
        GroupByExpr::Expressions(exprs, modifiers) => {
            refuse(!modifiers.is_empty(), "WITH ROLLUP, CUBE or TOTALS", span)?;
            Ok(exprs)
        }
    }
}

fn plain_wildcard(options: &WildcardAdditionalOptions) -> Result<Span, SqlError> {
    let WildcardAdditionalOptions {
        wildcard_token,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    let span = wildcard_token.0.span;
    refuse(opt_ilike.is_some(), "* ILIKE", span)?;
    refuse(opt_exclude.is_some(), "* EXCLUDE", span)?;
    refuse(opt_except.is_some(), "* EXCEPT", span)?;
    refuse(opt_replace.is_some(), "* REPLACE", span)?;
    refuse(opt_rename.is_some(), "* RENAME", span)?;
    refuse(opt_alias.is_some(), "an alias of *", span)?;
    Ok(span)
}

pub(crate) fn filtered(input: Relation, conjuncts: Vec<Expr>) -> Relation {
    Relation::Filter {
        input: Box::new(input),
        conjuncts,
    }
}

fn project(id: RelationId, input: Relation, exprs: Vec<Expr>) -> Relation {
    Relation::Project {
        id,
        input: Box::new(input),
        exprs,
    }
}

/// The expression of the select list that an identifier is an alias of.
fn aliased<'a>(item: &ast::Expr, projection: &'a [SelectItem]) -> Option<&'a ast::Expr> {
    let ast::Expr::Identifier(ident) = item else {
        return None;
    };
    let name = fold(ident).text;
    projection.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if fold(alias).text == name => Some(expr),
        _ => None,
    })
}

/// The item of the select list that an ORDER BY expression names by position or by output name.
fn named_item<'i>(key: &ast::Expr, items: &'i [Item]) -> Result<Option<&'i Item>, SqlError> {
    match key {
        ast::Expr::Value(value) => {
            Ok(ordinal(value, items.len(), "ORDER BY")?.map(|position| &items[position]))
        }
        ast::Expr::Identifier(ident) => {
            let name = fold(ident);
            let mut named = items.iter().filter(|item| item.name == name.text);
            let Some(first) = named.next() else {
                return Ok(None);
            };
            if named.any(|other| other.expr != first.expr) {
                return Err(SqlError::new(
                    SqlState::AmbiguousColumn,
                    format!("ORDER BY \"{}\" is ambiguous", name.text),
                )
                .at(name.span));
            }
            Ok(Some(first))
        }
        _ => Ok(None),
    }
}

/// Sort keys over a DISTINCT select list: each must be one of its expressions.
fn over_select_list(
    sort: Vec<SortKey>,
    exprs: &[Expr],
    columns: &[OutputColumn],
) -> Result<Vec<SortKey>, SqlError> {
    sort.into_iter()
        .map(|key| {
            let position = exprs.iter().position(|expr| *expr == key.expr);
            let column = position.map(|position| &columns[position]).ok_or_else(|| {
                SqlError::new(
                    SqlState::InvalidColumnReference,
                    "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                )
            })?;
            Ok(SortKey {
                expr: Expr::column(column.id, column.data_type),
                ..key
            })
        })
        .collect()
}

/// What PostgreSQL calls a column without an alias.
fn default_name(expr: &ast::Expr) -> String {
    match expr {
        ast::Expr::Identifier(ident) => fold(ident).text,
        ast::Expr::CompoundIdentifier(parts) => {
            parts.last().map_or_else(unnamed, |part| fold(part).text)
        }
        ast::Expr::Nested(expr) => default_name(expr),
        ast::Expr::Function(function) => {
            names::object(&function.name).map_or_else(|_| unnamed(), |name| name.text)
        }
        ast::Expr::Cast {
            expr, data_type, ..
        } => match default_name(expr) {
            name if name == unnamed() => crate::bind::types::short_name(data_type),
            name => name,
        },
        ast::Expr::Case { .. } => "case".to_owned(),
        ast::Expr::Exists { .. } => "exists".to_owned(),
        ast::Expr::Ceil { .. } => "ceil".to_owned(),
        ast::Expr::Floor { .. } => "floor".to_owned(),
        ast::Expr::Substring { .. } => "substring".to_owned(),
        ast::Expr::Trim { .. } => "btrim".to_owned(),
        ast::Expr::Position { .. } => "position".to_owned(),
        ast::Expr::Extract { .. } => "extract".to_owned(),
        ast::Expr::Value(ast::ValueWithSpan {
            value: ast::Value::Boolean(_),
            ..
        }) => "bool".to_owned(),
        ast::Expr::Subquery(query) => match &*query.body {
            ast::SetExpr::Select(select) => match select.projection.as_slice() {
                [SelectItem::UnnamedExpr(expr)] => default_name(expr),
                [SelectItem::ExprWithAlias { alias, .. }] => fold(alias).text,
                _ => unnamed(),
            },
            _ => unnamed(),
        },
        _ => unnamed(),
    }
}

fn unnamed() -> String {
    "?column?".to_owned()
}
