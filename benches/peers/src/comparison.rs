//! Drystone beside the best rival, by figure.

use crate::engines::Engine;
use crate::figures::Figure;
use crate::results::{Results, without_rounds};
use crate::statistics::{median, spread};

/// What all engines reached in one figure.
pub(crate) struct Comparison {
    pub(crate) figure: Figure,
    /// Those that have it, in the order of the plan.
    pub(crate) reached: Vec<Reached>,
    /// Drystone's share of the best rival, where both have the figure.
    pub(crate) ratio: Option<Ratio>,
}

/// What one engine reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) engine: Engine,
    /// Over all rounds.
    pub(crate) median: f64,
    /// As a share of the median.
    pub(crate) spread: f64,
}

/// Drystone's value divided by a rival's: the median over the rounds, since both were measured close to each other there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) rival: Engine,
    pub(crate) value: f64,
}

/// Compares in each figure that anybody has.
pub(crate) fn compare(
    results: &Results,
    engines: &[Engine],
    figures: &[Figure],
) -> Vec<Comparison> {
    let rivals: Vec<Engine> = engines
        .iter()
        .copied()
        .filter(|one| one.is_rival())
        .collect();
    let all = figures.iter().map(|figure| Comparison {
        figure: *figure,
        reached: engines
            .iter()
            .filter_map(|engine| reached(results, *engine, *figure))
            .collect(),
        ratio: best_rival(results, *figure, &rivals)
            .and_then(|rival| ratio_of(results, *figure, Engine::Drystone, rival)),
    });
    all.filter(|comparison| !comparison.reached.is_empty())
        .collect()
}

impl Comparison {
    /// What this engine reached.
    pub(crate) fn of(&self, engine: Engine) -> Option<Reached> {
        self.reached
            .iter()
            .copied()
            .find(|reached| reached.engine == engine)
    }
}

fn reached(results: &Results, engine: Engine, figure: Figure) -> Option<Reached> {
    let values = without_rounds(&results.values(engine, figure.name));
    Some(Reached {
        engine,
        median: median(&values)?,
        spread: spread(&values)?,
    })
}

/// The one of these that reached most, or least, where less is better. `None` where none has the figure.
pub(crate) fn best_rival(results: &Results, figure: Figure, of: &[Engine]) -> Option<Engine> {
    let reached = of
        .iter()
        .filter_map(|engine| reached(results, *engine, figure));
    let by_median = |left: &Reached, right: &Reached| left.median.total_cmp(&right.median);
    let best = match figure.unit.is_higher_better() {
        true => reached.max_by(by_median),
        false => reached.min_by(by_median),
    }?;
    Some(best.engine)
}

/// The value of one of Drystone's kinds, divided by this rival's.
pub(crate) fn ratio_of(
    results: &Results,
    figure: Figure,
    of: Engine,
    rival: Engine,
) -> Option<Ratio> {
    let ours = results.values(of, figure.name);
    let theirs = results.values(rival, figure.name);
    let value = quotient(&ours, &theirs)?;
    Some(Ratio { rival, value })
}

/// The median of ours divided by theirs, over the rounds that have both.
pub(crate) fn quotient(ours: &[(u64, f64)], theirs: &[(u64, f64)]) -> Option<f64> {
    let quotients: Vec<f64> = ours
        .iter()
        .filter_map(|(round, value)| Some(value / in_round(theirs, *round)?))
        .collect();
    median(&quotients)
}

fn in_round(values: &[(u64, f64)], round: u64) -> Option<f64> {
    let found = values.iter().find(|(of, _)| *of == round);
    found.map(|(_, value)| *value)
}

#[cfg(test)]
mod tests;
