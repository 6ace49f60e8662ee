//! SQL for Drystone, in PostgreSQL's dialect, over the transactions of `drystone-mvcc`.
//!
//! - [`SqlEngine`]: SQL over a store; shared by all. [`Session`]: statements in turn, and the transaction between them.
//! - [`Prepared`]: a statement that is parsed and planned. [`Outcome`], [`Rows`], [`Row`]: what a statement gives.
//! - [`SqlError`]: what is wrong, with SQLSTATE, place and hint.
//!
//! What the dialect offers, and how it differs from PostgreSQL's, is in `docs/sql.md`; how tables are stored, in
//! `docs/format/catalog.md`.
//!
//! # How a statement runs
//! `parse.rs` makes a syntax tree of the text, `bind/` resolves names and types (`logical.rs`), `planner/` chooses keys,
//! indexes and joins (`plan.rs`), `exec/` pulls rows through operators, `dml/` and `ddl/` write. `operator.rs`, `cast.rs`,
//! `function.rs`, `aggregate.rs` and `like.rs` say what values become. A look-up by primary key takes the short way of
//! `exec/point.rs`. Plans are kept by their text and made anew when the catalog has changed.
//!
//! # Promises
//! - Q1. A statement takes effect as a whole or not at all, also within a transaction, which goes on after an error.
//! - Q2. A statement reads one state, that before it; rows, index entries and vectors it writes commit together.
//! - Q3. Syntax that is not offered is refused. Nothing is parsed and ignored.
//! - Q4. No text and no parameters make it panic, and limits bound what they may cost.
//!
//! ```
//! # use std::path::Path;
//! # use std::sync::Arc;
//! # use drystone_base::{Env, Lsn};
//! # use drystone_btree::{BTree, BTreeOptions};
//! # use drystone_mvcc::{Store, StoreOptions};
//! # use drystone_wal::{Log, LogOptions};
//! use drystone_query::{SqlEngine, SqlOptions};
//! use drystone_record::Value;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let env = Env::memory(7);
//! # let base = BTree::open(&env, Path::new("btree"), BTreeOptions::default())?;
//! # let log = Log::open(&env, Path::new("log"), LogOptions::default(), Lsn::ZERO)?;
//! # let store = Store::open(&env, StoreOptions::default(), log, Arc::new(base))?;
//! let engine = SqlEngine::open(store, &env, SqlOptions::default())?;
//! let mut session = engine.session();
//! session.execute("CREATE TABLE stones (id INTEGER PRIMARY KEY, kind TEXT)", &[])?;
//! session.execute("INSERT INTO stones VALUES (1, 'granite'), (2, 'slate')", &[])?;
//! for row in session.query("SELECT kind FROM stones WHERE id = $1", &[Value::Integer(2)])? {
//!     assert_eq!(row?.get::<String>("kind")?, "slate");
//! }
//! # Ok(())
//! # }
//! ```

mod aggregate;
mod bind;
mod cast;
mod catalog;
mod codecs;
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
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
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
pub use engine::{SqlEngine, SqlOptions};
pub use error::{Position, SqlError};
pub use prepared::Prepared;
pub use rows::{ColumnKey, FromValue, Outcome, ResultColumn, Row, Rows};
pub use script::{StatementEnd, first_statement};
pub use session::Session;
pub use sql_state::SqlState;
