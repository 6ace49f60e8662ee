//! The simulator as others use it: seeds, plans as text, campaigns. Its oracle and what it found are tested beside them.

mod found;
mod seeds;
mod victim;
