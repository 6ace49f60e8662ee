//! Medians, spreads and latencies.

use std::time::Duration;

/// The median; of an even number of figures, the mean of the two in the middle. `None` of no figures.
pub(crate) fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// Half of what lies between the least and the most, as a share of the median. `None` of no figures.
pub(crate) fn spread(figures: &[f64]) -> Option<f64> {
    let middle = median(figures)?;
    let least = figures.iter().copied().min_by(f64::total_cmp)?;
    let most = figures.iter().copied().max_by(f64::total_cmp)?;
    Some((most - least) / 2.0 / middle.abs().max(f64::MIN_POSITIVE))
}

/// A share of a hundred.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Percent(pub(crate) usize);

/// How long each of many steps took.
#[derive(Default)]
pub(crate) struct Latencies {
    /// In nanoseconds; what is longer than four seconds counts as that.
    nanos: Vec<u32>,
}

impl Latencies {
    /// One step more.
    pub(crate) fn add(&mut self, latency: Duration) {
        let nanos = u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX);
        self.nanos.push(nanos);
    }

    /// Those of another thread.
    pub(crate) fn append(&mut self, mut other: Latencies) {
        self.nanos.append(&mut other.nanos);
    }

    /// So many steps of a hundred took this long at most, in microseconds. 0 where there are none.
    pub(crate) fn micros(&mut self, Percent(percent): Percent) -> f64 {
        let idx = (self.nanos.len() * percent / 100).min(self.nanos.len().saturating_sub(1));
        if self.nanos.is_empty() {
            return 0.0;
        }
        f64::from(*self.nanos.select_nth_unstable(idx).1) / 1e3
    }
}

#[cfg(test)]
mod tests;
