//! The executor: pulls rows through operators, one for each node of a plan.
//!
//! - [`reader`], [`context`], [`memory`], [`deadline`]: what a running statement reads from, and its budget.
//! - [`eval`], [`subplan`]: expressions.
//! - [`operator`]: the interface; [`scan`], [`key_span`], [`vector_scan`], [`join`], [`hash_join`], [`aggregate`], [`count`],
//!   [`sort`], [`simple`], [`set_operation`]: its implementations.
//! - [`point`]: the short way for look-ups by primary key.

pub(crate) mod aggregate;
pub(crate) mod context;
pub(crate) mod count;
pub(crate) mod deadline;
pub(crate) mod eval;
pub(crate) mod hash_join;
pub(crate) mod join;
pub(crate) mod key_span;
pub(crate) mod memory;
pub(crate) mod operator;
pub(crate) mod point;
pub(crate) mod reader;
pub(crate) mod scan;
pub(crate) mod set_operation;
pub(crate) mod simple;
pub(crate) mod sort;
pub(crate) mod subplan;
pub(crate) mod vector_scan;
