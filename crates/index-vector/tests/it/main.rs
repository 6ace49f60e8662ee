//! The index in a whole store: log, memtables, B+tree, merges, crashes.

mod bench;
mod crash;
mod failures;
mod texts;
mod transactions;
