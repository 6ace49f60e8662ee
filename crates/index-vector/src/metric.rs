//! The distances between two vectors that an index can be ordered by.
//!
//! Definitions follow pgvector: `<->` is the Euclidean distance, `<=>` is one minus the cosine of the angle, `<#>` is the
//! negative inner product. Smaller is nearer in all three.
//!
//! The cosine of a vector of length zero does not exist: its distance to anything is NaN, and NaN sorts after every
//! number, so that such a vector is farther than all others.
//!
//! Inside an index a *rank* stands for a distance: cheaper, and in the same order (see [`Scorer`]).

use crate::error::VectorError;
use crate::kernel::{Kernel, LANES, Line, flatten_mut};

/// What "near" means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Euclidean distance, pgvector's `<->`.
    L2,
    /// One minus the cosine of the angle, pgvector's `<=>`. In `0.0..=2.0`, or NaN where a vector is all zeros.
    Cosine,
    /// Negative inner product, pgvector's `<#>`.
    InnerProduct,
}

impl Metric {
    /// The distance between `a` and `b`, which have the same length.
    ///
    /// Summed in `f32`, in an order that depends on the processor: the last bits may differ between machines.
    ///
    /// # Errors
    /// [`VectorError::Dimensions`] when the lengths differ.
    ///
    /// ```
    /// use drystone_index_vector::Metric;
    ///
    /// # fn main() -> Result<(), drystone_index_vector::VectorError> {
    /// assert_eq!(Metric::L2.distance(&[0.0, 3.0], &[4.0, 0.0])?, 5.0);
    /// assert_eq!(Metric::Cosine.distance(&[0.0, 3.0], &[4.0, 0.0])?, 1.0);
    /// assert_eq!(Metric::InnerProduct.distance(&[1.0, 3.0], &[4.0, 2.0])?, -10.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn distance(self, a: &[f32], b: &[f32]) -> Result<f32, VectorError> {
        same_dimensions(a.len(), b.len())?;
        let kernel = Kernel::detect();
        Ok(match self {
            Metric::L2 => kernel.squared_l2(a, b).sqrt(),
            Metric::InnerProduct => -kernel.dot(a, b),
            Metric::Cosine => cosine_distance(kernel, a, b),
        })
    }
}

fn cosine_distance(kernel: Kernel, a: &[f32], b: &[f32]) -> f32 {
    let norms = kernel.dot(a, a).sqrt() * kernel.dot(b, b).sqrt();
    if norms.is_normal() {
        return 1.0 - (kernel.dot(a, b) / norms).clamp(-1.0, 1.0);
    }
    // Squares left the range of f32, or there is no angle at all: scaled copies tell.
    let (Some(a), Some(b)) = (normalized(kernel, a), normalized(kernel, b)) else {
        return f32::NAN;
    };
    1.0 - kernel.dot(&a, &b).clamp(-1.0, 1.0)
}

fn normalized(kernel: Kernel, vector: &[f32]) -> Option<Vec<f32>> {
    let mut copy = vector.to_vec();
    normalize(kernel, &mut copy).then_some(copy)
}

/// Scales `vector` to length one. When it has no direction (all zeros, or something in it is not finite), fills it with
/// NaN and returns `false`.
pub(crate) fn normalize(kernel: Kernel, vector: &mut [f32]) -> bool {
    let largest = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    if largest == 0.0 || vector.iter().any(|x| !x.is_finite()) {
        vector.fill(f32::NAN);
        return false;
    }
    if !SQUARES_ARE_SAFE.contains(&largest) {
        vector.iter_mut().for_each(|x| *x /= largest);
    }
    let norm = kernel.dot(vector, vector).sqrt();
    vector.iter_mut().for_each(|x| *x /= norm);
    true
}

/// Components whose squares, up to 65,536 of them added, neither overflow nor vanish in `f32`.
const SQUARES_ARE_SAFE: std::ops::Range<f32> = 1e-12..1e12;

/// Fails when a vector does not have the length that is needed.
pub(crate) fn same_dimensions(expected: usize, found: usize) -> Result<(), VectorError> {
    if expected == found {
        return Ok(());
    }
    Err(VectorError::Dimensions { expected, found })
}

/// Ranks vectors of one length by a metric, once they are prepared by [`Scorer::prepare`].
///
/// A rank orders as the distance does: the squared distance for L2, the negative inner product for the others (of
/// vectors scaled to length one, for the cosine).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scorer {
    pub(crate) metric: Metric,
    pub(crate) dim: usize,
    kernel: Kernel,
}

impl Scorer {
    pub(crate) fn new(metric: Metric, dim: usize) -> Scorer {
        Scorer {
            metric,
            dim,
            kernel: Kernel::detect(),
        }
    }

    /// Lines that one vector takes.
    pub(crate) fn lines(&self) -> usize {
        self.dim.div_ceil(LANES).max(1)
    }

    /// A vector ready to be stored or searched for: for the cosine scaled to length one, and padded to whole lines.
    pub(crate) fn prepare(&self, vector: impl IntoIterator<Item = f32>) -> Vec<Line> {
        let mut lines = self.pad(vector);
        self.make_ready(&mut lines);
        lines
    }

    /// As [`Scorer::prepare`], into lines that are used again.
    pub(crate) fn prepare_into(
        &self,
        vector: impl IntoIterator<Item = f32>,
        lines: &mut Vec<Line>,
    ) {
        lines.clear();
        lines.resize(self.lines(), Line::default());
        self.copy_into(vector, lines);
        self.make_ready(lines);
    }

    /// Lays out a vector that is prepared already.
    pub(crate) fn pad(&self, vector: impl IntoIterator<Item = f32>) -> Vec<Line> {
        let mut lines = vec![Line::default(); self.lines()];
        self.copy_into(vector, &mut lines);
        lines
    }

    fn copy_into(&self, vector: impl IntoIterator<Item = f32>, lines: &mut [Line]) {
        let places = flatten_mut(lines)[..self.dim].iter_mut();
        for (place, component) in places.zip(vector) {
            *place = component;
        }
    }

    fn make_ready(&self, lines: &mut [Line]) {
        if self.metric == Metric::Cosine {
            normalize(self.kernel, &mut flatten_mut(lines)[..self.dim]);
        }
    }

    /// The rank of one prepared vector as seen from another.
    pub(crate) fn rank(&self, from: &[f32], to: &[f32]) -> f32 {
        match self.metric {
            Metric::L2 => self.kernel.squared_l2(from, to),
            Metric::Cosine | Metric::InnerProduct => -self.kernel.dot(from, to),
        }
    }

    /// Four ranks at once, each with the very bits that [`Scorer::rank`] gives.
    pub(crate) fn rank_four(&self, from: &[f32], to: [&[f32]; 4]) -> [f32; 4] {
        match self.metric {
            Metric::L2 => self.kernel.squared_l2_four(from, to),
            Metric::Cosine | Metric::InnerProduct => self.kernel.dot_four(from, to).map(|dot| -dot),
        }
    }

    /// The distance that a rank stands for.
    pub(crate) fn distance(&self, rank: f32) -> f32 {
        match self.metric {
            Metric::L2 => rank.sqrt(),
            Metric::Cosine => (1.0 + rank).clamp(0.0, 2.0),
            Metric::InnerProduct => rank,
        }
    }
}

#[cfg(test)]
mod tests;
