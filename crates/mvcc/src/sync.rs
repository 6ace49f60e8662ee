//! The atomics of this crate's lock-free parts, in one place so that a model checker can stand in for them.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU16, AtomicU64, Ordering};
