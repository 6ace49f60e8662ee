//! SQL for Drystone, in PostgreSQL's dialect.

mod aggregate;
mod bind;
mod cast;
mod catalog;
mod control;
mod ddl;
mod describe;
mod dml;
mod engine;
mod error;
mod eval_error;
mod exec;
mod explain;
mod function;
mod like;
pub mod limits;
mod logical;
mod operator;
mod parse;
mod plan;
mod planner;
mod prepared;
#[cfg(feature = "serde")]
mod row_into;
mod rows;
mod run;
mod script;
mod session;
mod sql_state;
mod stack;
mod suggest;
mod vectors;
mod verify;

pub use catalog::record::Metric;
pub use describe::{ColumnInfo, TableInfo, quote_identifier};
pub use dml::bulk::BulkOptions;
pub use engine::{SqlEngine, SqlOptions};
pub use error::{Position, SqlError};
pub use prepared::Prepared;
pub use rows::{ColumnKey, FromValue, Outcome, ResultColumn, Row, Rows};
pub use script::first_statement;
pub use session::Session;
pub use sql_state::SqlState;
