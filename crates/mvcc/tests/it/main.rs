//! Tests of the store as a whole, over the real log and B+tree.

mod conflicts;
mod crash;
mod damage;
mod faults;
mod indexes;
mod isolation;
mod keyspaces;
mod model;
mod recovery;
mod support;
mod threads;
