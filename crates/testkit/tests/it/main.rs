//! The testkit used as its users use it.

mod laws;
