//! INSERT.

use std::sync::Arc;

use sqlparser::ast::{
    self, ConflictTarget, DoUpdate, OnConflictAction, OnInsert, SetExpr, Spanned,
    TableAliasWithoutColumns, TableObject,
};
use sqlparser::tokenizer::Span;

use crate::bind::names::{self, Name, fold, refuse};
use crate::bind::scope::{Scope, ScopeColumn, ScopeRelation};
use crate::bind::statement::{ConflictKey, ConflictUpdate, Insert, OnConflict, Returning};
use crate::bind::{Aggregation, Binder};
use crate::cast::CastContext;
use crate::catalog::{Catalog, IndexKind, Table};
use crate::error::SqlError;
use crate::logical::{ColumnId, Expr, OutputColumn, Query, Relation, RelationId};
use crate::sql_state::SqlState;
use crate::suggest;

/// The rows to insert, the columns they fill, and the defaults of the others.
struct Source {
    query: Query,
    targets: Vec<usize>,
    defaults: Vec<(usize, Expr)>,
}

impl<'a> Binder<'a> {
    pub(crate) fn bind_insert(&mut self, syntax: &'a ast::Insert) -> Result<Insert, SqlError> {
        let ast::Insert {
            insert_token,
            optimizer_hints,
            or,
            ignore,
            into: _, // INTO may be left out.
            table,
            table_alias,
            columns,
            overwrite,
            source,
            assignments,
            partitioned,
            after_columns,
            has_table_keyword,
            on,
            returning,
            output,
            replace_into,
            priority,
            insert_alias,
            settings,
            format_clause,
            multi_table_insert_type,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause,
        } = syntax;
        let span = insert_token.0.span;
        refuse(!optimizer_hints.is_empty(), "an optimizer hint", span)?;
        refuse(or.is_some(), "INSERT OR", span)?;
        refuse(*ignore, "INSERT IGNORE", span)?;
        refuse(*overwrite, "INSERT OVERWRITE", span)?;
        refuse(!assignments.is_empty(), "INSERT SET", span)?;
        refuse(partitioned.is_some(), "PARTITION", span)?;
        refuse(!after_columns.is_empty(), "columns after PARTITION", span)?;
        refuse(*has_table_keyword, "INSERT INTO TABLE", span)?;
        refuse(output.is_some(), "OUTPUT", span)?;
        refuse(*replace_into, "REPLACE INTO", span)?;
        refuse(priority.is_some(), "an INSERT priority", span)?;
        refuse(insert_alias.is_some(), "an alias after VALUES", span)?;
        refuse(settings.is_some(), "SETTINGS", span)?;
        refuse(format_clause.is_some(), "FORMAT", span)?;
        refuse(multi_table_insert_type.is_some(), "INSERT ALL", span)?;
        refuse(!multi_table_into_clauses.is_empty(), "INSERT ALL", span)?;
        refuse(!multi_table_when_clauses.is_empty(), "INSERT WHEN", span)?;
        refuse(multi_table_else_clause.is_some(), "INSERT ELSE", span)?;
        let name = match table {
            TableObject::TableName(name) => names::object(name)?,
            TableObject::TableFunction(_) | TableObject::TableQuery(_) => {
                return Err(SqlError::unsupported("INSERT INTO other than a table").at(span));
            }
        };
        let table = self.table(&name)?;
        let alias = match table_alias {
            Some(TableAliasWithoutColumns { explicit: _, alias }) => fold(alias).text,
            None => name.text,
        };
        let targets = target_columns(&table, columns)?;
        let source =
            self.bind_source(&table, targets, columns.is_empty(), source.as_deref(), span)?;
        let (relation, scope) = self.table_item(Arc::clone(&table), alias)?;
        let relation = relation_id(&relation)?;
        let on_conflict = match on {
            None => None,
            Some(OnInsert::DuplicateKeyUpdate(_)) => {
                return Err(SqlError::unsupported("ON DUPLICATE KEY UPDATE")
                    .at(span)
                    .with_hint("write ON CONFLICT (...) DO UPDATE SET ..."));
            }
            Some(OnInsert::OnConflict(conflict)) => {
                Some(self.bind_on_conflict(&table, &scope, conflict, span)?)
            }
            Some(_) => return Err(SqlError::unsupported("this ON clause").at(span)),
        };
        let returning = self.bind_returning(returning.as_deref(), scope)?;
        Ok(Insert {
            table,
            source: source.query,
            targets: source.targets,
            defaults: source.defaults,
            on_conflict,
            relation,
            returning,
        })
    }

    /// The rows to insert, the columns they fill, and the defaults of the others.
    fn bind_source(
        &mut self,
        table: &Table,
        mut targets: Vec<usize>,
        all_columns: bool,
        source: Option<&'a ast::Query>,
        span: Span,
    ) -> Result<Source, SqlError> {
        let source = match source {
            None => {
                targets.clear();
                self.no_columns()
            }
            Some(query) => {
                let width = source_width(query);
                if let Some(width) = width
                    && all_columns
                    && width < targets.len()
                {
                    targets.truncate(width);
                }
                match plain_values(query) {
                    Some(values) => self.bind_insert_values(table, &targets, values)?,
                    None => {
                        let bound = self.bind_query(query)?;
                        self.check_insert_width(bound.columns.len(), &targets, span)?;
                        if all_columns {
                            targets.truncate(bound.columns.len());
                        }
                        self.assign_columns(table, &targets, bound)
                            .map_err(|error| error.at(query.span()))?
                    }
                }
            }
        };
        let mut defaults = Vec::new();
        for column in 0..table.columns().len() {
            if !targets.contains(&column)
                && let Some(default) = default_of(self.catalog, table, column)?
            {
                defaults.push((column, default));
            }
        }
        Ok(Source {
            query: source,
            targets,
            defaults,
        })
    }

    /// `DEFAULT VALUES`: one row without columns.
    fn no_columns(&mut self) -> Query {
        Query {
            root: Relation::One,
            columns: Vec::new(),
        }
    }

    fn check_insert_width(
        &self,
        found: usize,
        targets: &[usize],
        span: Span,
    ) -> Result<(), SqlError> {
        let message = match found.cmp(&targets.len()) {
            std::cmp::Ordering::Greater => "INSERT has more expressions than target columns",
            _ => return Ok(()),
        };
        Err(SqlError::new(SqlState::SyntaxError, message).at(span))
    }

    /// VALUES whose cells become values of the columns one by one; DEFAULT stands for a column's default.
    fn bind_insert_values(
        &mut self,
        table: &Table,
        targets: &[usize],
        values: &'a ast::Values,
    ) -> Result<Query, SqlError> {
        let ast::Values {
            explicit_row,
            value_keyword,
            rows,
        } = values;
        refuse(*explicit_row, "ROW in VALUES", values.span())?;
        refuse(*value_keyword, "VALUE instead of VALUES", values.span())?;
        let mut bound = Vec::with_capacity(rows.len());
        for row in rows {
            let message = match row.content.len().cmp(&targets.len()) {
                std::cmp::Ordering::Less => "INSERT has more target columns than expressions",
                std::cmp::Ordering::Greater => "INSERT has more expressions than target columns",
                std::cmp::Ordering::Equal => {
                    bound.push(self.bind_insert_row(table, targets, &row.content)?);
                    continue;
                }
            };
            let span = row
                .content
                .last()
                .map_or_else(|| values.span(), Spanned::span);
            return Err(SqlError::new(SqlState::SyntaxError, message).at(span));
        }
        let id = self.new_relation()?;
        let columns = output_columns(table, targets, id);
        Ok(Query {
            root: Relation::Values { id, rows: bound },
            columns,
        })
    }

    fn bind_insert_row(
        &mut self,
        table: &Table,
        targets: &[usize],
        cells: &'a [ast::Expr],
    ) -> Result<Vec<Expr>, SqlError> {
        let mut row = Vec::with_capacity(cells.len());
        for (&column, cell) in targets.iter().zip(cells) {
            row.push(self.bind_assigned(table, column, cell)?);
        }
        Ok(row)
    }

    /// A value for a column: an expression, or DEFAULT.
    pub(crate) fn bind_assigned(
        &mut self,
        table: &Table,
        column: usize,
        cell: &'a ast::Expr,
    ) -> Result<Expr, SqlError> {
        let record = &table.columns()[column];
        if is_default(cell) {
            let mut nothing = crate::bind::literal::null();
            nothing.data_type = Some(record.data_type);
            return Ok(default_of(self.catalog, table, column)?.unwrap_or(nothing));
        }
        let expr = self.bind_expr(cell)?;
        self.assign(expr, table, column)
            .map_err(|error| error.at(cell.span()))
    }

    /// `expr` as a value of a column.
    fn assign(&mut self, expr: Expr, table: &Table, column: usize) -> Result<Expr, SqlError> {
        let record = &table.columns()[column];
        let source = expr.data_type;
        self.coerce_in(expr, record.data_type, CastContext::Assignment)
            .map_err(|error| match (error.state(), source) {
                (SqlState::DatatypeMismatch, Some(source)) => SqlError::new(
                    SqlState::DatatypeMismatch,
                    format!(
                        "column \"{}\" is of type {} but expression is of type {source}",
                        record.name, record.data_type
                    ),
                )
                .with_hint("you will need to rewrite or cast the expression"),
                _ => error,
            })
    }

    /// `query` with its columns as values of the target columns.
    fn assign_columns(
        &mut self,
        table: &Table,
        targets: &[usize],
        query: Query,
    ) -> Result<Query, SqlError> {
        if query.columns.len() < targets.len() {
            return Err(SqlError::new(
                SqlState::SyntaxError,
                "INSERT has more target columns than expressions",
            ));
        }
        let id = self.new_relation()?;
        let mut exprs = Vec::with_capacity(targets.len());
        for (output, &column) in query.columns.iter().zip(targets) {
            let value = Expr::column(output.id, output.data_type);
            exprs.push(self.assign(value, table, column)?);
        }
        Ok(Query {
            root: Relation::Project {
                id,
                input: Box::new(query.root),
                exprs,
            },
            columns: output_columns(table, targets, id),
        })
    }

    fn bind_on_conflict(
        &mut self,
        table: &Arc<Table>,
        scope: &Scope,
        conflict: &'a ast::OnConflict,
        span: Span,
    ) -> Result<OnConflict, SqlError> {
        let ast::OnConflict {
            conflict_target,
            action,
        } = conflict;
        let target = match conflict_target {
            None => None,
            Some(ConflictTarget::Columns(columns)) => Some(conflict_key(table, columns, span)?),
            Some(ConflictTarget::OnConstraint(name)) => {
                Some(constraint_key(table, &names::object(name)?)?)
            }
        };
        let update = match action {
            OnConflictAction::DoNothing => None,
            OnConflictAction::DoUpdate(update) => {
                if target.is_none() {
                    return Err(SqlError::new(
                        SqlState::SyntaxError,
                        "ON CONFLICT DO UPDATE requires inference specification or constraint name",
                    )
                    .at(span)
                    .with_hint("for example, ON CONFLICT (column_name)"));
                }
                Some(self.bind_conflict_update(table, scope, update)?)
            }
        };
        Ok(OnConflict { target, update })
    }

    fn bind_conflict_update(
        &mut self,
        table: &Arc<Table>,
        scope: &Scope,
        update: &'a DoUpdate,
    ) -> Result<ConflictUpdate, SqlError> {
        let DoUpdate {
            assignments,
            selection,
        } = update;
        let excluded = self.new_relation()?;
        let mut both = scope.clone();
        both.join(Scope::of(excluded_relation(table, excluded)))?;
        for column in both
            .relations
            .iter_mut()
            .skip(1)
            .flat_map(|item| &mut item.columns)
        {
            column.is_merged = true;
        }
        let before = self.swap_scope(both);
        self.swap_aggregation(Aggregation::Refused("ON CONFLICT"));
        let assignments = self.bind_assignments(table, assignments);
        let condition = selection
            .as_ref()
            .map(|condition| self.bind_condition(condition, "WHERE"))
            .transpose();
        self.swap_scope(before);
        Ok(ConflictUpdate {
            excluded,
            assignments: assignments?,
            condition: condition?,
        })
    }

    /// RETURNING over `scope`.
    pub(crate) fn bind_returning(
        &mut self,
        returning: Option<&'a [ast::SelectItem]>,
        scope: Scope,
    ) -> Result<Option<Returning>, SqlError> {
        let Some(returning) = returning else {
            return Ok(None);
        };
        self.swap_scope(scope);
        self.swap_aggregation(Aggregation::Refused("RETURNING"));
        let id = self.new_relation()?;
        let mut exprs = Vec::new();
        let mut columns = Vec::new();
        for (column, mut item) in self.bind_items(returning)?.into_iter().enumerate() {
            let data_type = self.settle(&mut item.expr)?;
            columns.push(OutputColumn::new(item.name, data_type, id, column));
            exprs.push(item.expr);
        }
        Ok(Some(Returning { exprs, columns }))
    }
}

pub(crate) fn relation_id(relation: &Relation) -> Result<RelationId, SqlError> {
    match relation {
        Relation::Table(table) => Ok(table.id),
        _ => Err(SqlError::new(
            SqlState::WrongObjectType,
            "only tables can be written to",
        )),
    }
}

/// Positions of the columns in an INSERT's list; all of them when it has none.
fn target_columns(table: &Table, columns: &[ast::ObjectName]) -> Result<Vec<usize>, SqlError> {
    if columns.is_empty() {
        return Ok((0..table.columns().len()).collect());
    }
    let mut targets = Vec::with_capacity(columns.len());
    for column in columns {
        let mut parts = names::parts(column)?;
        let (Some(name), true) = (parts.pop(), parts.is_empty()) else {
            return Err(SqlError::unsupported("a part of a column").at(column.span()));
        };
        let position = find_column(table, &name)?;
        if targets.contains(&position) {
            return Err(SqlError::new(
                SqlState::DuplicateColumn,
                format!("column \"{}\" specified more than once", name.text),
            )
            .at(name.span));
        }
        targets.push(position);
    }
    Ok(targets)
}

/// Position of a column that is written to.
pub(crate) fn find_column(table: &Table, name: &Name) -> Result<usize, SqlError> {
    table.column_idx(&name.text).ok_or_else(|| {
        SqlError::new(
            SqlState::UndefinedColumn,
            format!(
                "column \"{}\" of relation \"{}\" does not exist",
                name.text,
                table.name()
            ),
        )
        .at(name.span)
        .with_near_name(suggest::nearest(
            &name.text,
            table.columns().iter().map(|column| column.name.as_str()),
        ))
    })
}

/// The VALUES that an INSERT consists of, without ORDER BY and the like.
fn plain_values(query: &ast::Query) -> Option<&ast::Values> {
    let ast::Query {
        with: None,
        body,
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks,
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators,
    } = query
    else {
        return None;
    };
    match &**body {
        SetExpr::Values(values) if locks.is_empty() && pipe_operators.is_empty() => Some(values),
        _ => None,
    }
}

/// How many columns the first row of VALUES has.
fn source_width(query: &ast::Query) -> Option<usize> {
    plain_values(query)?
        .rows
        .first()
        .map(|row| row.content.len())
}

fn is_default(cell: &ast::Expr) -> bool {
    matches!(cell, ast::Expr::Identifier(ident)
        if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

/// The default of a column, bound; `None` when it has none.
pub(crate) fn default_of(
    catalog: &Catalog,
    table: &Table,
    column: usize,
) -> Result<Option<Expr>, SqlError> {
    let record = &table.columns()[column];
    match &record.default {
        None => Ok(None),
        Some(text) => crate::bind::ddl::bind_default(catalog, text, record.data_type).map(Some),
    }
}

fn output_columns(table: &Table, targets: &[usize], id: RelationId) -> Vec<OutputColumn> {
    let targets = targets.iter().enumerate();
    targets
        .map(|(column, &target)| {
            let record = &table.columns()[target];
            OutputColumn::new(record.name.clone(), record.data_type, id, column)
        })
        .collect()
}

fn excluded_relation(table: &Table, id: RelationId) -> ScopeRelation {
    let columns = table.columns().iter().enumerate();
    ScopeRelation {
        alias: "excluded".to_owned(),
        columns: columns
            .map(|(column, record)| ScopeColumn {
                name: record.name.clone(),
                id: ColumnId {
                    relation: id,
                    column,
                },
                data_type: record.data_type,
                is_merged: false,
            })
            .collect(),
    }
}

/// The key on exactly these columns, in any order.
fn conflict_key(
    table: &Table,
    columns: &[ast::Ident],
    span: Span,
) -> Result<ConflictKey, SqlError> {
    let mut wanted = Vec::with_capacity(columns.len());
    for column in columns {
        wanted.push(find_column(table, &fold(column))?);
    }
    wanted.sort_unstable();
    let is_wanted = |columns: &[usize]| {
        let mut columns = columns.to_vec();
        columns.sort_unstable();
        columns == wanted
    };
    if is_wanted(table.key_columns()) {
        return Ok(ConflictKey::PrimaryKey);
    }
    let unique = table.indexes().iter().position(|index| {
        index.kind == IndexKind::BTree { unique: true } && is_wanted(&index.columns)
    });
    unique.map(ConflictKey::Index).ok_or_else(|| {
        SqlError::new(
            SqlState::InvalidColumnReference,
            "there is no unique or exclusion constraint matching the ON CONFLICT specification",
        )
        .at(columns.first().map_or(span, |column| column.span))
    })
}

fn constraint_key(table: &Table, name: &Name) -> Result<ConflictKey, SqlError> {
    if table.primary_key_name() == Some(&name.text) {
        return Ok(ConflictKey::PrimaryKey);
    }
    let unique = table
        .indexes()
        .iter()
        .position(|index| index.is_constraint && index.name == name.text);
    unique.map(ConflictKey::Index).ok_or_else(|| {
        SqlError::new(
            SqlState::UndefinedObject,
            format!(
                "constraint \"{}\" for table \"{}\" does not exist",
                name.text,
                table.name()
            ),
        )
        .at(name.span)
    })
}
