//! The pager as its users see it: one binary for all of its integration tests.

mod api;
mod crash;
mod damage;
mod faults;
mod golden;
mod model;
mod shelf;
mod threads;
