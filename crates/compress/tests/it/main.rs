//! Compression as its users see it: one binary for all of its integration tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test may fail the test"
)]

mod api;
mod codecs;
mod damage;
#[cfg(feature = "zstd")]
mod dictionary;
mod golden;
mod round_trip;
