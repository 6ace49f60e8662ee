//! What became of the records: counts, the first differences, and why records were skipped.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Differences that are printed; the rest is only counted.
const DIFFERENCES_MAX: usize = 10;

/// What became of one record.
pub(crate) enum Verdict {
    Passed,
    Failed(Difference),
    /// Needs what is not offered, or contradicts PostgreSQL; with the reason.
    Skipped(String),
}

/// A record, what it expects, and what was found.
pub(crate) struct Difference {
    pub(crate) line: usize,
    pub(crate) sql: String,
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// Of one file.
#[derive(Default)]
pub(crate) struct Tally {
    passed: usize,
    differences: Vec<Difference>,
    skipped: BTreeMap<String, usize>,
}

impl Tally {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(difference) => self.differences.push(difference),
            Verdict::Skipped(reason) => *self.skipped.entry(reason).or_default() += 1,
        }
    }
}

/// Of all files.
#[derive(Default)]
pub(crate) struct Report {
    passed: usize,
    failed: usize,
    skipped: BTreeMap<String, usize>,
}

impl Report {
    /// Adds and prints what became of one file.
    pub(crate) fn add(&mut self, path: &Path, tally: Tally, took: Duration) {
        let path = path.display();
        for difference in &tally.differences {
            self.failed += 1;
            if self.failed <= DIFFERENCES_MAX {
                print_difference(&path.to_string(), difference);
            }
        }
        let skipped = tally.skipped.values().sum();
        let counts = counts(tally.passed, tally.differences.len(), skipped);
        println!("{path}: {counts} in {:.1} s", took.as_secs_f64());
        self.passed += tally.passed;
        for (reason, count) in tally.skipped {
            *self.skipped.entry(reason).or_default() += count;
        }
    }

    /// Prints the reasons of what was skipped, the most frequent first, and the sums.
    pub(crate) fn finish(&self) {
        let mut reasons: Vec<_> = self.skipped.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in reasons {
            println!("skipped {count:>6}: {reason}");
        }
        println!(
            "{}",
            counts(self.passed, self.failed, self.skipped.values().sum())
        );
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed
    }
}

fn counts(passed: usize, failed: usize, skipped: usize) -> String {
    let mut text = format!("{passed} passed, {failed} failed");
    if skipped > 0 {
        text.push_str(&format!(", {skipped} skipped"));
    }
    text
}

fn print_difference(path: &str, difference: &Difference) {
    println!("{path}:{}: {}", difference.line, difference.sql);
    println!("  expected: {}", difference.expected);
    println!("  found:    {}", difference.found);
}
