//! The testkit used as its users use it.

mod crash;
mod laws;
mod model;
mod plans;
