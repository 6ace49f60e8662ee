//! What becomes of the results: a table for people, lines for programs, a chart.

pub(crate) mod chart;
pub(crate) mod json;
pub(crate) mod markdown;
