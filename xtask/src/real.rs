//! Runs on real file systems: what `powercut`, `kill` and `full-disk` share.
//!
//! `drystone-victim`, a program of `crates/simulator`, writes and checks; these commands start, stop and kill it, and
//! see to the file systems it works on.

pub(crate) mod folder;
pub(crate) mod mount;
pub(crate) mod stop;
pub(crate) mod tally;
pub(crate) mod victim;
