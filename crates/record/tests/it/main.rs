//! What the crate promises of its formats, seen from outside.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod golden;
mod keys;
mod rows;
mod strategy;
mod text;
