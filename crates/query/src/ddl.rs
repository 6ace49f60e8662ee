//! Statements that change the catalog. They are part of their transaction like any other.
//!
//! - [`table`]: CREATE, DROP and TRUNCATE TABLE. [`index`](mod@index): CREATE and DROP INDEX.

pub(crate) mod index;
pub(crate) mod table;

use crate::bind::names::Name;
use crate::catalog::Catalog;
use crate::error::SqlError;
use crate::sql_state::SqlState;

/// Fails when a name for a new table or index is taken.
fn check_free(catalog: &Catalog, name: &Name) -> Result<(), SqlError> {
    match catalog.is_taken(&name.text) {
        true => Err(SqlError::new(
            SqlState::DuplicateTable,
            format!("relation \"{}\" already exists", name.text),
        )
        .at(name.span)),
        false => Ok(()),
    }
}

/// A name made of parts that is not taken: with a number after it where need be.
fn free_name(catalog: &Catalog, taken: &[String], parts: &[&str]) -> String {
    let base = parts.join("_");
    let is_free = |name: &String| !catalog.is_taken(name) && !taken.contains(name);
    let numbered = (1..).map(|number| format!("{base}{number}"));
    std::iter::once(base.clone())
        .chain(numbered)
        .find(is_free)
        .unwrap_or(base)
}
