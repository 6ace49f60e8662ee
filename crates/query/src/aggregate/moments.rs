//! Variances and standard deviations, in one pass.
//!
//! Youngs and Cramer, "Some results relevant to choice of sum and sum-of-product algorithms" (1971), as PostgreSQL has it:
//! no cancellation, so that values far from zero and close together keep their digits.

use crate::eval_error::EvalError;

/// Which measure of spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Spread {
    pub(super) of: Of,
    pub(super) root: Root,
}

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Of {
    /// All there are.
    Population,
    /// Some of them: a sample, which has no spread below two values.
    Sample,
}

/// Whether the root is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Root {
    /// No: the variance.
    Variance,
    /// Yes: the standard deviation.
    Deviation,
}

/// Count, sum, and sum of the squares of the distances from the mean.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    /// Takes one more value.
    pub(super) fn add(&mut self, value: f64) -> Result<(), EvalError> {
        let finite_before = self.sum.is_finite() && value.is_finite();
        self.count += 1.0;
        self.sum += value;
        if self.count > 1.0 {
            let distance = value * self.count - self.sum;
            self.squares += distance * distance / (self.count * (self.count - 1.0));
        } else if !value.is_finite() {
            self.squares = f64::NAN;
        }
        match finite_before && (self.sum.is_infinite() || self.squares.is_infinite()) {
            true => Err(EvalError::Overflow),
            false => Ok(()),
        }
    }

    /// The spread; `None` of too few values.
    pub(super) fn spread(&self, spread: Spread) -> Option<f64> {
        let degrees = match spread.of {
            Of::Population => self.count,
            Of::Sample => self.count - 1.0,
        };
        let variance = self.squares / degrees;
        (degrees > 0.0).then(|| match spread.root {
            Root::Variance => variance,
            Root::Deviation => variance.sqrt(),
        })
    }
}
