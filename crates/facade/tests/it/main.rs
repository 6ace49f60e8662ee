//! The facade as applications use it: its interface, its model, crashes, damage and bad input.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests work on real files and threads too"
)]

mod api;
mod bad_input;
mod crash;
mod damage;
mod model;
#[cfg(feature = "sql")]
mod sql;
mod workload;
