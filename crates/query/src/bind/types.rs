//! Type names.

use drystone_record::DataType;
use sqlparser::ast;
use sqlparser::tokenizer::Span;

use crate::error::SqlError;
use crate::sql_state::SqlState;

/// The type that a syntax tree names.
pub(crate) fn data_type(syntax: &ast::DataType, span: Span) -> Result<DataType, SqlError> {
    let name = syntax.to_string();
    name.parse()
        .map_err(|error: drystone_record::ParseDataTypeError| {
            let state = match error {
                drystone_record::ParseDataTypeError::Unsupported { .. } => {
                    SqlState::FeatureNotSupported
                }
                _ => SqlState::UndefinedObject,
            };
            SqlError::new(state, error.to_string()).at(span)
        })
}

/// What PostgreSQL calls a column that is a cast to this type.
pub(crate) fn short_name(syntax: &ast::DataType) -> String {
    match data_type(syntax, Span::empty()) {
        Ok(DataType::Boolean) => "bool".to_owned(),
        Ok(DataType::Integer) => "int4".to_owned(),
        Ok(DataType::BigInt) => "int8".to_owned(),
        Ok(DataType::Double) => "float8".to_owned(),
        Ok(DataType::Timestamp) => "timestamp".to_owned(),
        Ok(DataType::Vector(_)) => "vector".to_owned(),
        Ok(other) => other.to_string(),
        Err(_) => "?column?".to_owned(),
    }
}
