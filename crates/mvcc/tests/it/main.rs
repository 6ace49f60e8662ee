//! Tests of the store as a whole, over the real log and B+tree.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod beside_stages;
mod conflicts;
mod crash;
mod damage;
mod faults;
mod hooked;
mod indexes;
mod isolation;
mod keyspaces;
mod large;
mod large_crash;
mod limits;
mod loads;
mod model;
mod recovery;
mod settling;
mod support;
mod threads;
mod value_readers;
mod writes;
