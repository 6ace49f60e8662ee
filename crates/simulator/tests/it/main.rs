//! The simulator as others use it: seeds, plans as text, campaigns; and the program for real file systems.
#![expect(clippy::unwrap_used, reason = "what fails in them fails the test")]

mod found;
mod seeds;
mod victim;
