//! The engine from outside: against a model, through the law suite, over crashes and damage.
#![allow(
    clippy::unwrap_used,
    reason = "a call that fails fails the test, also within its helpers"
)]

mod api;
mod compaction;
mod crash;
mod damage;
mod faults;
mod golden;
mod laws;
mod model;
mod staging;

use drystone_lsm::{Codec, LsmOptions};

/// So small that short histories make many blocks, SSTs and levels.
fn small() -> LsmOptions {
    LsmOptions {
        cache_bytes: 64 << 10,
        block_bytes: 256,
        sst_bytes: 4 << 10,
        level0_runs: 3,
        level0_runs_slow: 5,
        level_ratio: 2,
        codecs: vec![Codec::None],
        ..LsmOptions::default()
    }
}
