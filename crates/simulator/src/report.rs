//! What runs did: coverage counted by kind.

use std::collections::BTreeMap;
use std::fmt;

/// How often each thing happened, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: BTreeMap<String, u64>,
}

impl Coverage {
    /// Counts one more.
    pub fn count(&mut self, name: &str) {
        self.add(name, 1);
    }

    /// Counts several more.
    pub fn add(&mut self, name: &str, more: u64) {
        match self.counts.get_mut(name) {
            Some(count) => *count += more,
            None => drop(self.counts.insert(name.to_owned(), more)),
        }
    }

    /// Adds what another counted.
    pub fn absorb(&mut self, other: &Coverage) {
        for (name, count) in &other.counts {
            self.add(name, *count);
        }
    }

    /// How often this happened.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// All names and counts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in &self.counts {
            writeln!(f, "  {count:>10}  {name}")?;
        }
        Ok(())
    }
}

/// What one run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Operations of the plan.
    pub steps: u64,
    /// A hash of everything that was seen: the same for every run of one plan.
    pub trace_hash: u64,
    /// What happened, and how often.
    pub coverage: Coverage,
}
