//! The facade as applications use it: its interface, its model, crashes, damage and bad input.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests work on real files and threads too, and what fails in them fails the test"
)]

mod api;
mod bad_input;
mod commits;
mod crash;
mod damage;
mod engines;
mod keyspace_options;
mod lifetimes;
mod log;
mod model;
mod plans;
mod space;
#[cfg(feature = "sql")]
mod sql;
#[cfg(feature = "sql")]
mod stress;
#[cfg(feature = "sql")]
mod verify;
mod workload;
