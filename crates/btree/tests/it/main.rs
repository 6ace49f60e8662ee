//! The tree from outside: against a model, through the law suite, over crashes, damage and full disks.
#![allow(
    clippy::unwrap_used,
    reason = "a call that fails fails the test, also within its helpers"
)]

mod api;
mod compact;
mod compact_damage;
mod compression;
mod crash;
mod damage;
mod example;
mod golden;
mod laws;
mod limits;
mod long_values;
mod model;
mod positions;
mod write_transactions;
