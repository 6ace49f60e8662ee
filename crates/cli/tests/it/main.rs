//! The command, as a person at a terminal and a script use it.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests run the real program on real files, and end when something fails"
)]

mod command;
mod kill;
