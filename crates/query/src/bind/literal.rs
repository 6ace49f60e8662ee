//! Literals.

use drystone_record::{DataType, Value};
use sqlparser::ast;

use crate::bind::Binder;
use crate::error::SqlError;
use crate::logical::{Expr, ExprKind};
use crate::sql_state::SqlState;

impl Binder<'_> {
    /// Binds a literal or parameter.
    pub(crate) fn bind_value(&mut self, syntax: &ast::ValueWithSpan) -> Result<Expr, SqlError> {
        let ast::ValueWithSpan { value, span } = syntax;
        match value {
            ast::Value::Number(text, is_long) => {
                crate::bind::names::refuse(*is_long, "a number with suffix L", *span)?;
                number(text).map_err(|error| error.at(*span))
            }
            ast::Value::SingleQuotedString(text)
            | ast::Value::EscapedStringLiteral(text)
            | ast::Value::UnicodeStringLiteral(text)
            | ast::Value::NationalStringLiteral(text) => Ok(untyped_text(text)),
            ast::Value::DollarQuotedString(ast::DollarQuotedString { value, tag: _ }) => {
                Ok(untyped_text(value))
            }
            ast::Value::Boolean(value) => {
                Ok(Expr::boolean(ExprKind::Constant(Value::from(*value))))
            }
            ast::Value::Null => Ok(null()),
            ast::Value::Placeholder(text) => {
                let position = self.parameter(text).map_err(|error| error.at(*span))?;
                Ok(Expr {
                    kind: ExprKind::Parameter(position),
                    data_type: self.parameters[position],
                })
            }
            other => Err(SqlError::unsupported(format!("the literal {other}")).at(*span)),
        }
    }
}

/// NULL, of no type yet.
pub(crate) fn null() -> Expr {
    Expr {
        kind: ExprKind::Constant(Value::Null),
        data_type: None,
    }
}

/// Text whose type follows from where it stands.
fn untyped_text(text: &str) -> Expr {
    Expr {
        kind: ExprKind::Constant(Value::from(text)),
        data_type: None,
    }
}

/// A number: INTEGER where it fits, else BIGINT, else DOUBLE PRECISION.
pub(crate) fn number(text: &str) -> Result<Expr, SqlError> {
    let text = text.replace('_', "");
    let value = match (text.parse::<i32>(), text.parse::<i64>()) {
        (Ok(value), _) => Value::Integer(value),
        (_, Ok(value)) => Value::BigInt(value),
        _ => double(&text)?,
    };
    let data_type = value.data_type();
    Ok(Expr {
        kind: ExprKind::Constant(value),
        data_type,
    })
}

fn double(text: &str) -> Result<Value, SqlError> {
    Value::parse(&DataType::Double, text)
        .map_err(|error| SqlError::new(SqlState::NumericValueOutOfRange, error.to_string()))
}
