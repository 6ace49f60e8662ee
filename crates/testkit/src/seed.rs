//! Which seed a test runs with.

use drystone_base::{OsRandom, Random};

use crate::draw::mix;

/// Names the seed of a run: a number (decimal, or hexadecimal with `0x`), or `random` for a new one each time.
pub const SEED_VARIABLE: &str = "DRYSTONE_SEED";

/// The seed of a test: what [`SEED_VARIABLE`] says, or else one that depends on `name` alone.
///
/// # Panics
/// When the variable holds neither a number nor `random`.
#[must_use]
pub fn seed_of(name: &str) -> u64 {
    match std::env::var(SEED_VARIABLE) {
        Ok(text) => parse_seed(&text)
            .unwrap_or_else(|| panic!("{SEED_VARIABLE}={text} is neither a number nor `random`")),
        Err(_) => mix(0, &name.bytes().map(u64::from).collect::<Vec<_>>()),
    }
}

/// Reads a seed; `None` where the text is none.
pub(crate) fn parse_seed(text: &str) -> Option<u64> {
    if text == "random" {
        return Some(OsRandom.next_u64());
    }
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
