//! Queries as a whole: WITH, the body, ORDER BY, LIMIT; set operations and VALUES.

use drystone_record::DataType;
use sqlparser::ast::{
    self, Cte, Fetch, LimitClause, Offset, OrderBy, OrderByExpr, OrderByKind, OrderByOptions,
    SetExpr, SetOperator, SetQuantifier, Spanned, With,
};
use sqlparser::tokenizer::Span;

use crate::bind::coerce::common_type;
use crate::bind::names::{fold, refuse};
use crate::bind::scope::Scope;
use crate::bind::{Aggregation, Binder, Frame};
use crate::cast::CastContext;
use crate::error::SqlError;
use crate::limits::MAX_COLUMNS;
use crate::logical::{Expr, OutputColumn, Query, Relation, SetOp, SortKey};
use crate::sql_state::SqlState;
use crate::suggest;

/// LIMIT and OFFSET.
#[derive(Default)]
pub(crate) struct Window {
    pub(crate) limit: Option<Expr>,
    pub(crate) offset: Option<Expr>,
}

impl Window {
    /// `input`, cut.
    pub(crate) fn apply(self, input: Relation) -> Relation {
        match (self.limit, self.offset) {
            (None, None) => input,
            (limit, offset) => Relation::Limit {
                input: Box::new(input),
                limit,
                offset,
            },
        }
    }
}

impl<'a> Binder<'a> {
    /// Binds a query in the current frame, in a scope of its own.
    pub(crate) fn bind_query(&mut self, query: &'a ast::Query) -> Result<Query, SqlError> {
        self.within_query(|binder| {
            let scope = binder.swap_scope(Scope::default());
            let aggregation = binder.swap_aggregation(Aggregation::default());
            let ctes = binder.ctes.len();
            let bound = binder.bind_query_in_scope(query);
            binder.ctes.truncate(ctes);
            binder.swap_aggregation(aggregation);
            binder.swap_scope(scope);
            bound
        })
    }

    /// Binds a query that is evaluated on its own; returns it with what it uses of the query around.
    pub(crate) fn bind_subquery(
        &mut self,
        query: &'a ast::Query,
    ) -> Result<(Query, Vec<Expr>), SqlError> {
        self.frames.push(Frame::default());
        let bound = self.bind_query(query);
        let frame = self.frames.pop().unwrap_or_default();
        Ok((bound?, frame.outer))
    }

    fn bind_query_in_scope(&mut self, query: &'a ast::Query) -> Result<Query, SqlError> {
        let ast::Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        let span = || query.span();
        refuse(!locks.is_empty(), "FOR UPDATE and FOR SHARE", span())?;
        refuse(for_clause.is_some(), "FOR XML, JSON or BROWSE", span())?;
        refuse(settings.is_some(), "SETTINGS", span())?;
        refuse(format_clause.is_some(), "FORMAT", span())?;
        refuse(!pipe_operators.is_empty(), "a pipe operator", span())?;
        if let Some(with) = with {
            self.define_ctes(with)?;
        }
        let keys = order_keys(order_by.as_ref())?;
        let window = self.bind_window(limit_clause.as_ref(), fetch.as_ref())?;
        match &**body {
            SetExpr::Select(select) => self.bind_select(select, keys, window),
            body => {
                let query = self.bind_set_expr(body)?;
                self.order_and_limit(query, keys, window)
            }
        }
    }

    fn define_ctes(&mut self, with: &'a With) -> Result<(), SqlError> {
        let With {
            with_token,
            recursive,
            cte_tables,
        } = with;
        refuse(*recursive, "WITH RECURSIVE", with_token.0.span)?;
        for cte in cte_tables {
            self.bind_cte(cte)?;
            self.ctes.push(cte);
        }
        Ok(())
    }

    /// Binds the query of a common table expression. It is bound anew for each use.
    pub(crate) fn bind_cte(&mut self, cte: &'a Cte) -> Result<Query, SqlError> {
        let Cte {
            alias,
            query,
            from,
            materialized: _, // Says how to run it, not what it means.
            closing_paren_token: _,
        } = cte;
        refuse(from.is_some(), "FROM after WITH", alias.name.span)?;
        self.bind_query(query)
    }

    /// The definition that a table name stands for, and its position.
    pub(crate) fn find_cte(&self, name: &str) -> Option<(usize, &'a Cte)> {
        let mut innermost_first = self.ctes.iter().enumerate().rev();
        innermost_first
            .find(|(_, cte)| fold(&cte.alias.name).text == name)
            .map(|(position, cte)| (position, *cte))
    }

    /// Binds the `position`th definition; those after it are out of sight.
    pub(crate) fn bind_cte_use(
        &mut self,
        position: usize,
        cte: &'a Cte,
    ) -> Result<Query, SqlError> {
        let later = self.ctes.split_off(position);
        let bound = self.within_query(|binder| binder.bind_cte(cte));
        self.ctes.extend(later);
        bound
    }

    pub(crate) fn bind_set_expr(&mut self, body: &'a SetExpr) -> Result<Query, SqlError> {
        match body {
            SetExpr::Select(select) => {
                let scope = self.swap_scope(Scope::default());
                let bound = self.bind_select(select, &[], Window::default());
                self.swap_scope(scope);
                bound
            }
            SetExpr::Query(query) => self.bind_query(query),
            SetExpr::Values(values) => self.bind_values(values),
            SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => self
                .within_expr(|binder| binder.bind_set_operation(*op, *set_quantifier, left, right)),
            SetExpr::Table(table) => self.bind_table_command(table),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(
                    SqlError::unsupported("a statement that writes, within a query,")
                        .at(body.span()),
                )
            }
        }
    }

    /// `TABLE name`.
    fn bind_table_command(&mut self, table: &'a ast::Table) -> Result<Query, SqlError> {
        let ast::Table {
            table_name,
            schema_name,
        } = table;
        refuse(schema_name.is_some(), "a schema in TABLE", Span::empty())?;
        let name = crate::bind::names::Name {
            text: table_name.clone().unwrap_or_default().to_lowercase(),
            span: Span::empty(),
        };
        let table = self.table(&name)?;
        let (relation, scope) = self.table_item(table, name.text)?;
        let columns = scope
            .columns()
            .map(|column| OutputColumn {
                name: column.name.clone(),
                data_type: column.data_type,
                id: column.id,
                is_untyped: false,
            })
            .collect();
        Ok(Query {
            root: relation,
            columns,
        })
    }

    fn bind_set_operation(
        &mut self,
        op: SetOperator,
        quantifier: SetQuantifier,
        left: &'a SetExpr,
        right: &'a SetExpr,
    ) -> Result<Query, SqlError> {
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::Distinct | SetQuantifier::None => false,
            SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => {
                return Err(SqlError::unsupported("BY NAME").at(right.span()));
            }
        };
        let (op, name) = match op {
            SetOperator::Union => (SetOp::Union, "UNION"),
            SetOperator::Intersect => (SetOp::Intersect, "INTERSECT"),
            SetOperator::Except => (SetOp::Except, "EXCEPT"),
            SetOperator::Minus => {
                return Err(SqlError::unsupported("MINUS").with_hint("write EXCEPT"));
            }
        };
        let span = right.span();
        let left = self.bind_set_expr(left)?;
        let right = self.bind_set_expr(right)?;
        self.set_operation(op, all, left, right, name)
            .map_err(|error| error.at(span))
    }

    fn set_operation(
        &mut self,
        op: SetOp,
        all: bool,
        left: Query,
        right: Query,
        name: &str,
    ) -> Result<Query, SqlError> {
        if left.columns.len() != right.columns.len() {
            return Err(SqlError::new(
                SqlState::SyntaxError,
                format!("each {name} query must have the same number of columns"),
            ));
        }
        let types = common_types(&left, &right, name)?;
        let left = self.cast_columns(left, &types)?;
        let right = self.cast_columns(right, &types)?;
        let id = self.new_relation()?;
        let columns = left
            .columns
            .iter()
            .zip(types)
            .enumerate()
            .map(|(column, (output, data_type))| {
                OutputColumn::new(output.name.clone(), data_type, id, column)
            })
            .collect();
        Ok(Query {
            root: Relation::SetOperation {
                id,
                op,
                all,
                left: Box::new(left),
                right: Box::new(right),
            },
            columns,
        })
    }

    /// `query` with its columns cast to `types`, and no others.
    pub(crate) fn cast_columns(
        &mut self,
        query: Query,
        types: &[DataType],
    ) -> Result<Query, SqlError> {
        let id = self.new_relation()?;
        let mut exprs = Vec::with_capacity(types.len());
        let mut columns = Vec::with_capacity(types.len());
        for (idx, (output, &data_type)) in query.columns.into_iter().zip(types).enumerate() {
            let column = Expr::column(output.id, output.data_type);
            let context = match output.is_untyped {
                true => CastContext::Explicit,
                false => CastContext::Implicit,
            };
            exprs.push(self.coerce_in(column, data_type, context)?);
            columns.push(OutputColumn::new(output.name, data_type, id, idx));
        }
        Ok(Query {
            root: Relation::Project {
                id,
                input: Box::new(query.root),
                exprs,
            },
            columns,
        })
    }

    fn bind_values(&mut self, values: &'a ast::Values) -> Result<Query, SqlError> {
        let ast::Values {
            explicit_row,
            value_keyword,
            rows,
        } = values;
        refuse(*explicit_row, "ROW in VALUES", values.span())?;
        refuse(*value_keyword, "VALUE instead of VALUES", values.span())?;
        let mut bound = Vec::with_capacity(rows.len());
        for row in rows {
            let row: Result<Vec<Expr>, SqlError> = row
                .content
                .iter()
                .map(|expr| self.bind_expr(expr))
                .collect();
            bound.push(row?);
        }
        self.values_query(bound)
            .map_err(|error| error.at(values.span()))
    }

    /// A query of rows, with one type for each column.
    fn values_query(&mut self, mut rows: Vec<Vec<Expr>>) -> Result<Query, SqlError> {
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(SqlError::new(
                SqlState::SyntaxError,
                "VALUES lists must all be the same length",
            ));
        }
        let id = self.new_relation()?;
        let mut columns = Vec::with_capacity(width);
        for column in 0..width {
            let mut cells: Vec<&mut Expr> = rows.iter_mut().map(|row| &mut row[column]).collect();
            let data_type = self.unify(&mut cells, "VALUES")?;
            let name = format!("column{}", column + 1);
            columns.push(OutputColumn::new(name, data_type, id, column));
        }
        Ok(Query {
            root: Relation::Values { id, rows },
            columns,
        })
    }

    /// ORDER BY and LIMIT of a set operation or VALUES: only output columns may be named.
    fn order_and_limit(
        &mut self,
        query: Query,
        keys: &'a [OrderByExpr],
        window: Window,
    ) -> Result<Query, SqlError> {
        let mut sort = Vec::with_capacity(keys.len());
        for key in keys {
            let column = output_column(&key.expr, &query.columns)?.ok_or_else(|| {
                SqlError::unsupported("ORDER BY of a set operation by other than its columns")
                    .at(key.expr.span())
            })?;
            let expr = Expr::column(column.id, column.data_type);
            sort.push(sort_key(key, expr)?);
        }
        Ok(Query {
            root: window.apply(sorted(query.root, sort)),
            columns: query.columns,
        })
    }

    fn bind_window(
        &mut self,
        limit_clause: Option<&'a LimitClause>,
        fetch: Option<&'a Fetch>,
    ) -> Result<Window, SqlError> {
        let (limit, offset) = match limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset {
                limit,
                offset,
                limit_by,
            }) => {
                if let Some(by) = limit_by.first() {
                    return Err(SqlError::unsupported("LIMIT BY").at(by.span()));
                }
                let offset = offset.as_ref().map(|Offset { value, rows: _ }| value);
                (limit.as_ref(), offset)
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit: _ }) => {
                return Err(SqlError::unsupported("LIMIT offset, count")
                    .at(offset.span())
                    .with_hint("write LIMIT count OFFSET offset"));
            }
        };
        let limit = match fetch {
            Some(fetch) => Some(fetch_count(fetch)?),
            None => limit.map(Some),
        };
        Ok(Window {
            limit: match limit {
                Some(Some(limit)) => Some(self.bind_count(limit, "LIMIT")?),
                Some(None) => Some(Expr::new(
                    crate::logical::ExprKind::Constant(drystone_record::Value::BigInt(1)),
                    DataType::BigInt,
                )),
                None => None,
            },
            offset: match offset {
                Some(offset) => Some(self.bind_count(offset, "OFFSET")?),
                None => None,
            },
        })
    }

    /// A count in LIMIT or OFFSET, which sees no columns of this query.
    fn bind_count(&mut self, expr: &'a ast::Expr, clause: &str) -> Result<Expr, SqlError> {
        let bound = self.bind_expr(expr)?;
        if !bound.columns().is_empty() {
            return Err(SqlError::new(
                SqlState::InvalidColumnReference,
                format!("argument of {clause} must not contain variables"),
            )
            .at(expr.span()));
        }
        self.coerce(bound, DataType::BigInt)
            .map_err(|error| error.at(expr.span()))
    }
}

/// `FETCH FIRST n ROWS ONLY`; `None` for FETCH FIRST ROW ONLY.
fn fetch_count(fetch: &Fetch) -> Result<Option<&ast::Expr>, SqlError> {
    let Fetch {
        with_ties,
        percent,
        quantity,
    } = fetch;
    refuse(*with_ties, "FETCH WITH TIES", Span::empty())?;
    refuse(*percent, "FETCH PERCENT", Span::empty())?;
    Ok(quantity.as_ref())
}

fn order_keys(order_by: Option<&OrderBy>) -> Result<&[OrderByExpr], SqlError> {
    let Some(OrderBy { kind, interpolate }) = order_by else {
        return Ok(&[]);
    };
    refuse(interpolate.is_some(), "INTERPOLATE", Span::empty())?;
    match kind {
        OrderByKind::Expressions(keys) => Ok(keys),
        OrderByKind::All(_) => Err(SqlError::unsupported("ORDER BY ALL")),
    }
}

/// The sort key of an ORDER BY item whose expression is bound.
pub(crate) fn sort_key(item: &OrderByExpr, expr: Expr) -> Result<SortKey, SqlError> {
    let OrderByExpr {
        expr: syntax,
        options: OrderByOptions { asc, nulls_first },
        with_fill,
    } = item;
    refuse(with_fill.is_some(), "WITH FILL", syntax.span())?;
    if let Some(data_type) = expr.data_type
        && !data_type.is_key()
    {
        return Err(SqlError::new(
            SqlState::UndefinedFunction,
            format!("could not identify an ordering operator for type {data_type}"),
        )
        .at(syntax.span()));
    }
    let descending = *asc == Some(false);
    Ok(SortKey {
        expr,
        descending,
        nulls_first: nulls_first.unwrap_or(descending),
    })
}

/// `input`, sorted.
pub(crate) fn sorted(input: Relation, keys: Vec<SortKey>) -> Relation {
    match keys.is_empty() {
        true => input,
        false => Relation::Sort {
            input: Box::new(input),
            keys,
        },
    }
}

/// The output column that an ORDER BY item names by number or by name; `None` when it is another expression.
pub(crate) fn output_column<'c>(
    item: &ast::Expr,
    columns: &'c [OutputColumn],
) -> Result<Option<&'c OutputColumn>, SqlError> {
    match item {
        ast::Expr::Value(value) => match ordinal(value, columns.len(), "ORDER BY")? {
            Some(position) => Ok(Some(&columns[position])),
            None => Ok(None),
        },
        ast::Expr::Identifier(ident) => {
            let name = fold(ident);
            let found = columns.iter().find(|column| column.name == name.text);
            found.map(Some).ok_or_else(|| {
                SqlError::new(
                    SqlState::UndefinedColumn,
                    format!("column \"{}\" does not exist", name.text),
                )
                .at(name.span)
                .with_near_name(suggest::nearest(
                    &name.text,
                    columns.iter().map(|column| column.name.as_str()),
                ))
            })
        }
        _ => Ok(None),
    }
}

/// The position, from 0, that a number in ORDER BY or GROUP BY means.
pub(crate) fn ordinal(
    value: &ast::ValueWithSpan,
    count: usize,
    clause: &str,
) -> Result<Option<usize>, SqlError> {
    let ast::Value::Number(text, _) = &value.value else {
        return Ok(None);
    };
    match text.parse::<usize>() {
        Ok(number) if (1..=count).contains(&number) => Ok(Some(number - 1)),
        _ => Err(SqlError::new(
            SqlState::InvalidColumnReference,
            format!("{clause} position {text} is not in select list"),
        )
        .at(value.span)),
    }
}

fn common_types(left: &Query, right: &Query, name: &str) -> Result<Vec<DataType>, SqlError> {
    let pairs = left.columns.iter().zip(&right.columns);
    pairs
        .map(|(left, right)| {
            let common = match (left.is_untyped, right.is_untyped) {
                (true, false) => Some(right.data_type),
                (false, true) => Some(left.data_type),
                _ => common_type(left.data_type, right.data_type),
            };
            common.ok_or_else(|| {
                SqlError::new(
                    SqlState::DatatypeMismatch,
                    format!(
                        "{name} types {} and {} cannot be matched",
                        left.data_type, right.data_type
                    ),
                )
            })
        })
        .collect()
}

/// Fails when a result would have too many columns.
pub(crate) fn check_width(columns: usize) -> Result<(), SqlError> {
    match columns > MAX_COLUMNS {
        true => Err(SqlError::new(
            SqlState::TooManyColumns,
            format!("{columns} columns; the limit is {MAX_COLUMNS}"),
        )),
        false => Ok(()),
    }
}
