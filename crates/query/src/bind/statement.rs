//! Bound statements, and which syntax tree becomes which.

use std::sync::Arc;

use sqlparser::ast::{self, DescribeAlias, ObjectType, Spanned, UtilityOption};
use sqlparser::tokenizer::Span;

use crate::bind::Binder;
use crate::bind::ddl::{CreateIndex, CreateTable, DropObjects};
use crate::bind::names::{self, refuse};
use crate::bind::table_options::AlterTable;
use crate::catalog::Table;
use crate::error::SqlError;
use crate::logical::{Expr, OutputColumn, Query, Relation, RelationId};

/// A statement whose names and types are settled.
#[derive(Debug)]
pub(crate) enum Statement {
    Query(Query),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Truncate(Vec<Arc<Table>>),
    CreateTable(CreateTable),
    AlterTable(AlterTable),
    CreateIndex(CreateIndex),
    DropTables(DropObjects),
    DropIndexes(DropObjects),
    /// Run by the session, which looks at the syntax.
    Control,
    Explain {
        analyze: bool,
        statement: Box<Statement>,
    },
}

/// INSERT.
#[derive(Debug)]
pub(crate) struct Insert {
    pub(crate) table: Arc<Table>,
    /// A column for each of `targets`, of its type.
    pub(crate) source: Query,
    /// Positions of the table's columns that `source` fills.
    pub(crate) targets: Vec<usize>,
    /// The other columns that have a default.
    pub(crate) defaults: Vec<(usize, Expr)>,
    pub(crate) on_conflict: Option<OnConflict>,
    /// What the row is called in DO UPDATE and RETURNING.
    pub(crate) relation: RelationId,
    pub(crate) returning: Option<Returning>,
}

/// What INSERT does about a key that is there already.
#[derive(Debug)]
pub(crate) struct OnConflict {
    /// Only conflicts of this key; of any when `None`.
    pub(crate) target: Option<ConflictKey>,
    /// What to do; `None` leaves the row as it is.
    pub(crate) update: Option<ConflictUpdate>,
}

/// A key whose values may not repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConflictKey {
    PrimaryKey,
    /// Position in the table's indexes.
    Index(usize),
}

/// DO UPDATE.
#[derive(Debug)]
pub(crate) struct ConflictUpdate {
    /// The row that was to be inserted.
    pub(crate) excluded: RelationId,
    pub(crate) assignments: Vec<(usize, Expr)>,
    pub(crate) condition: Option<Expr>,
}

/// UPDATE.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) table: Arc<Table>,
    pub(crate) relation: RelationId,
    /// The rows to change, joined with those of FROM.
    pub(crate) source: Relation,
    pub(crate) assignments: Vec<(usize, Expr)>,
    pub(crate) returning: Option<Returning>,
}

/// DELETE.
#[derive(Debug)]
pub(crate) struct Delete {
    pub(crate) table: Arc<Table>,
    pub(crate) relation: RelationId,
    /// The rows to delete, joined with those of USING.
    pub(crate) source: Relation,
    pub(crate) returning: Option<Returning>,
}

/// RETURNING.
#[derive(Debug)]
pub(crate) struct Returning {
    pub(crate) exprs: Vec<Expr>,
    pub(crate) columns: Vec<OutputColumn>,
}

impl<'a> Binder<'a> {
    /// Binds a statement.
    pub(crate) fn bind_statement(
        &mut self,
        syntax: &'a ast::Statement,
    ) -> Result<Statement, SqlError> {
        if crate::control::of_syntax(syntax)?.is_some() {
            return Ok(Statement::Control);
        }
        match syntax {
            ast::Statement::Query(query) => self.bind_query_statement(query),
            ast::Statement::Insert(insert) => {
                Ok(Statement::Insert(Box::new(self.bind_insert(insert)?)))
            }
            ast::Statement::Update(update) => {
                Ok(Statement::Update(Box::new(self.bind_update(update)?)))
            }
            ast::Statement::Delete(delete) => {
                Ok(Statement::Delete(Box::new(self.bind_delete(delete)?)))
            }
            ast::Statement::Truncate(truncate) => self.bind_truncate(truncate),
            ast::Statement::CreateTable(create) => {
                Ok(Statement::CreateTable(self.bind_create_table(create)?))
            }
            ast::Statement::AlterTable(alter) => {
                Ok(Statement::AlterTable(self.bind_alter_table(alter)?))
            }
            ast::Statement::CreateIndex(create) => {
                Ok(Statement::CreateIndex(self.bind_create_index(create)?))
            }
            ast::Statement::Drop {
                object_type,
                if_exists,
                names,
                cascade,
                restrict: _, // The default.
                purge,
                temporary,
                table,
            } => {
                let span = names.first().map_or_else(Span::empty, Spanned::span);
                refuse(*cascade, "CASCADE", span)?;
                refuse(*purge, "PURGE", span)?;
                refuse(*temporary, "DROP TEMPORARY", span)?;
                refuse(table.is_some(), "DROP INDEX ... ON", span)?;
                let objects = DropObjects {
                    names: names.iter().map(names::object).collect::<Result<_, _>>()?,
                    if_exists: *if_exists,
                };
                match object_type {
                    ObjectType::Table => Ok(Statement::DropTables(objects)),
                    ObjectType::Index => Ok(Statement::DropIndexes(objects)),
                    other => Err(SqlError::unsupported(format!("DROP {other}")).at(span)),
                }
            }
            ast::Statement::Explain {
                describe_alias,
                analyze,
                verbose,
                query_plan,
                estimate,
                statement,
                format,
                options,
            } => {
                let span = statement.span();
                refuse(*describe_alias != DescribeAlias::Explain, "DESCRIBE", span)?;
                refuse(*verbose, "EXPLAIN VERBOSE", span)?;
                refuse(*query_plan, "EXPLAIN QUERY PLAN", span)?;
                refuse(*estimate, "EXPLAIN ESTIMATE", span)?;
                refuse(format.is_some(), "EXPLAIN FORMAT", span)?;
                let analyze = explain_options(options.as_deref(), *analyze)?;
                let statement =
                    Box::new(self.within_query(|binder| binder.bind_statement(statement))?);
                match *statement {
                    Statement::Query(_)
                    | Statement::Insert(_)
                    | Statement::Update(_)
                    | Statement::Delete(_) => Ok(Statement::Explain { analyze, statement }),
                    _ => Err(SqlError::unsupported("EXPLAIN of this statement").at(span)),
                }
            }
            other => Err(
                SqlError::unsupported(format!("the statement {}", first_words(other)))
                    .at(other.span()),
            ),
        }
    }

    fn bind_query_statement(&mut self, query: &'a ast::Query) -> Result<Statement, SqlError> {
        match &*query.body {
            ast::SetExpr::Insert(_)
            | ast::SetExpr::Update(_)
            | ast::SetExpr::Delete(_)
            | ast::SetExpr::Merge(_) => {
                Err(SqlError::unsupported("WITH before a statement that writes").at(query.span()))
            }
            _ => self.bind_query(query).map(Statement::Query),
        }
    }
}

/// `EXPLAIN (ANALYZE, ...)`.
fn explain_options(options: Option<&[UtilityOption]>, mut analyze: bool) -> Result<bool, SqlError> {
    for UtilityOption { name, arg } in options.unwrap_or_default() {
        let name = names::fold(name);
        match (name.text.as_str(), arg) {
            ("analyze", None) => analyze = true,
            _ => {
                return Err(
                    SqlError::unsupported(format!("EXPLAIN option {}", name.text)).at(name.span),
                );
            }
        }
    }
    Ok(analyze)
}

/// How a statement starts, for messages.
fn first_words(statement: &ast::Statement) -> String {
    let text = statement.to_string();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    words.join(" ")
}
