//! What each target does with bytes.

pub mod archive;
pub mod cast;
pub mod catalog;
pub mod command;
pub mod compress;
mod damage;
pub mod database;
#[cfg(feature = "sqlite")]
pub mod differential;
pub mod expression;
pub mod import;
pub mod json;
pub mod like;
pub mod log;
pub mod operations;
pub mod pager;
pub mod record;
pub mod sql;
pub mod text;
pub mod tree;
pub mod vectors;

use crate::target::Target;

/// Targets that need SQLite.
#[cfg(feature = "sqlite")]
pub fn with_sqlite() -> Option<Target> {
    Some(Target {
        name: "sql_differential",
        run: differential::run,
        binary: "libfuzzer",
        seeds: crate::seeds::none,
        len_max: 512,
        words: &[],
    })
}

/// Targets that need SQLite: none are built in.
#[cfg(not(feature = "sqlite"))]
pub fn with_sqlite() -> Option<Target> {
    None
}
