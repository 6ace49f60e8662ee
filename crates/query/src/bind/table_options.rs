//! `WITH (...)` behind CREATE TABLE, and `SET (...)` in ALTER TABLE: how a table is stored.

use drystone_compress::Codec;
use sqlparser::ast::{self, CreateTableOptions, Expr as Syntax, Spanned, SqlOption};
use sqlparser::tokenizer::Span;

use crate::bind::Binder;
use crate::bind::names::{self, Name, fold, refuse};
use crate::error::SqlError;
use crate::sql_state::SqlState;
use crate::suggest;

/// What a table is told of how to store its rows and indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableOptions {
    /// `None` leaves it as it is, or as the database says.
    pub(crate) compression: Option<Codec>,
}

/// ALTER TABLE ... SET (...).
#[derive(Debug)]
pub(crate) struct AlterTable {
    pub(crate) name: Name,
    pub(crate) if_exists: bool,
    pub(crate) options: TableOptions,
}

const NAMES: [&str; 1] = ["compression"];

impl TableOptions {
    /// Those of a CREATE TABLE; `span` is where it is.
    pub(crate) fn of_create(
        options: &CreateTableOptions,
        span: Span,
    ) -> Result<TableOptions, SqlError> {
        match options {
            CreateTableOptions::None => Ok(TableOptions::default()),
            CreateTableOptions::With(options) => TableOptions::of(options, span),
            _ => Err(SqlError::unsupported("a table option outside WITH (...)").at(span)),
        }
    }

    fn of(options: &[SqlOption], span: Span) -> Result<TableOptions, SqlError> {
        let mut found = TableOptions::default();
        for option in options {
            let SqlOption::KeyValue { key, value } = option else {
                return Err(SqlError::unsupported("this table option").at(span));
            };
            let name = fold(key);
            match name.text.as_str() {
                "compression" if found.compression.is_some() => {
                    return Err(SqlError::new(
                        SqlState::SyntaxError,
                        "parameter \"compression\" specified more than once",
                    )
                    .at(name.span));
                }
                "compression" => found.compression = Some(codec(value)?),
                other => {
                    return Err(SqlError::new(
                        SqlState::InvalidParameterValue,
                        format!("unrecognized parameter \"{other}\""),
                    )
                    .at(name.span)
                    .with_near_name(suggest::nearest(other, NAMES)));
                }
            }
        }
        Ok(found)
    }
}

/// A codec by its name, and whether this build has it.
fn codec(value: &Syntax) -> Result<Codec, SqlError> {
    let text = match value {
        Syntax::Value(ast::ValueWithSpan {
            value: ast::Value::SingleQuotedString(text),
            span: _,
        }) => text.clone(),
        Syntax::Identifier(ident) => fold(ident).text,
        other => other.to_string(),
    };
    let codec: Codec = text.parse().map_err(|_| {
        SqlError::new(
            SqlState::InvalidParameterValue,
            format!("compression \"{text}\" is not known"),
        )
        .at(value.span())
        .with_hint(
            "use 'none', 'lz4', 'snappy', 'zstd', 'zstd:LEVEL' (1 to 22), 'gzip' or 'gzip:LEVEL' (1 to 9)",
        )
    })?;
    codec.check().map_err(|why| {
        SqlError::new(SqlState::FeatureNotSupported, why.to_string()).at(value.span())
    })?;
    Ok(codec)
}

impl<'a> Binder<'a> {
    pub(crate) fn bind_alter_table(
        &mut self,
        syntax: &'a ast::AlterTable,
    ) -> Result<AlterTable, SqlError> {
        let ast::AlterTable {
            name,
            if_exists,
            only,
            operations,
            location,
            on_cluster,
            table_type,
            end_token: _,
        } = syntax;
        let span = name.span();
        refuse(*only, "ONLY", span)?;
        refuse(location.is_some(), "LOCATION", span)?;
        refuse(on_cluster.is_some(), "ON CLUSTER", span)?;
        refuse(table_type.is_some(), "this kind of table", span)?;
        let [ast::AlterTableOperation::SetOptionsParens { options }] = operations.as_slice() else {
            return Err(SqlError::unsupported("this ALTER TABLE")
                .at(span)
                .with_hint("SET (compression = ...) is"));
        };
        Ok(AlterTable {
            name: names::object(name)?,
            if_exists: *if_exists,
            options: TableOptions::of(options, span)?,
        })
    }
}
