//! The integration tests of SQL: one binary.

mod basics;
mod support;
