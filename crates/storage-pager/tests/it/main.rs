//! The pager as its users see it: one binary for all of its integration tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test may fail the test"
)]

mod api;
mod compression;
mod crash;
mod damage;
mod faults;
mod golden;
mod mapped;
mod model;
mod read_ahead;
mod shelf;
mod threads;
mod verify;
