//! The medians, one JSON object a line.

use serde::Serialize;

use crate::comparison::Comparison;

#[derive(Serialize)]
struct Line<'a> {
    workload: &'a str,
    engine: &'a str,
    value: f64,
    unit: String,
    higher_is_better: bool,
}

/// A line for each figure and engine.
pub(crate) fn lines(comparisons: &[Comparison]) -> serde_json::Result<String> {
    let mut text = String::new();
    for comparison in comparisons {
        for reached in &comparison.reached {
            let line = Line {
                workload: comparison.figure.name,
                engine: reached.engine.name(),
                value: reached.median,
                unit: comparison.figure.unit.name(),
                higher_is_better: comparison.figure.unit.is_higher_better(),
            };
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
    }
    Ok(text)
}
