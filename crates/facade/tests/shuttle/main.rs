//! Models: small concurrent programs over the real code, run under many orders of their steps.
//!
//! Built with `--cfg shuttle`, where every latch, atomic and thread of the core belongs to a scheduler that decides who
//! goes on: `cargo xtask shuttle` (`docs/TESTING.md`). What each model demands holds in every order.
#![cfg(shuttle)]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod canary;
mod commits;
mod database;
mod keyspaces;
mod log;
mod merges;
mod pages;
mod reads;
mod runner;
mod support;
mod tree;
mod vectors;
