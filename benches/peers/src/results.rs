//! What all rounds found.

use std::fmt;

use crate::engines::Engine;
use crate::figures::RSS_PEAK;
use crate::measure::Measured;
use crate::statistics::median;
use crate::task::{LOAD, Place, Task};

/// What one process found, or how it failed.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) round: u64,
    pub(crate) engine: Engine,
    pub(crate) task: &'static str,
    pub(crate) found: Result<Measured, String>,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:", self.task, self.engine.name())?;
        match &self.found {
            Err(error) => write!(f, " FAILED: {error}"),
            Ok(measured) => {
                let mut figures = measured.outcome.figures.iter();
                figures.try_for_each(|(name, value)| write!(f, " {name} {value:.1}"))
            }
        }
    }
}

/// All samples, in the order in which they were taken.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// How many rounds there were.
    pub(crate) rounds: u64,
    samples: Vec<Sample>,
}

impl Results {
    /// One sample more.
    pub(crate) fn add(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// Whether a task needs rows that this engine failed to load in this round.
    pub(crate) fn lacks_rows(&self, round: u64, engine: Engine, task: &Task) -> bool {
        let is_failed_load = |sample: &Sample| {
            sample.round == round
                && sample.engine == engine
                && sample.task == LOAD.name
                && sample.found.is_err()
        };
        task.place == Place::Loaded && self.samples.iter().any(is_failed_load)
    }

    /// The values of a figure, one of each round in which the engine has it.
    pub(crate) fn values(&self, engine: Engine, figure: &str) -> Vec<(u64, f64)> {
        let mut values: Vec<(u64, f64)> = Vec::new();
        for (sample, measured) in self.of(engine) {
            for (_, value) in measured
                .outcome
                .figures
                .iter()
                .filter(|(name, _)| name == figure)
            {
                match values.last_mut() {
                    // Several processes of a round had it: the peak is that of the largest.
                    Some((round, most)) if *round == sample.round && figure == RSS_PEAK => {
                        *most = most.max(*value);
                    }
                    _ => values.push((sample.round, *value)),
                }
            }
        }
        values
    }

    /// The median of what each process of one task had.
    pub(crate) fn median_of_task(
        &self,
        engine: Engine,
        task: &str,
        of: impl Fn(&Measured) -> Option<f64>,
    ) -> Option<f64> {
        let samples = self.of(engine).filter(|(sample, _)| sample.task == task);
        let values: Vec<f64> = samples.filter_map(|(_, measured)| of(measured)).collect();
        median(&values)
    }

    /// What failed.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|sample| sample.found.is_err())
    }

    fn of(&self, engine: Engine) -> impl Iterator<Item = (&Sample, &Measured)> {
        let samples = self
            .samples
            .iter()
            .filter(move |sample| sample.engine == engine);
        samples.filter_map(|sample| Some((sample, sample.found.as_ref().ok()?)))
    }
}

/// The values alone.
pub(crate) fn without_rounds(values: &[(u64, f64)]) -> Vec<f64> {
    values.iter().map(|(_, value)| *value).collect()
}
