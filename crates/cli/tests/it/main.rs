//! The command, as a person at a terminal and a script use it.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run the real program on real files"
)]

mod command;
mod kill;
