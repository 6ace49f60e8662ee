//! The integration tests of SQL: one binary.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod any_text;
mod basics;
mod compression;
mod concurrency;
mod counts;
mod ddl;
mod dml;
mod errors;
mod joins;
mod limits;
mod model;
mod plans;
mod prepared;
mod queries;
mod subqueries;
mod support;
mod transactions;
mod vectors;
