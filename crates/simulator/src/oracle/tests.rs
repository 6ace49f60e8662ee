//! Unit tests of the oracle.
