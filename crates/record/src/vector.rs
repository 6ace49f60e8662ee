//! Vectors of 32-bit floats, with the text form of pgvector: `[1,2.5,3]`.
//!
//! # Invariants
//! - I1. A vector has 1 to [`Dim::MAX`] elements.
//! - I2. Every element is finite: distances have an order.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use crate::data_type::{DataType, Dim};
use crate::double;
use crate::error::{ParseError, ParseErrorKind};

/// Decimal exponents from this on are printed as such: a 32-bit float has no more digits than these.
const EXPONENT_MAX: i32 = 6;

/// A vector of finite floats, shared.
#[derive(Clone)]
pub struct Vector(Arc<[f32]>);

/// Why floats are no vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidVector {
    /// Too few or too many elements.
    #[error("vector of {0} elements; the limit is 1 to {max}", max = Dim::MAX)]
    Dim(usize),
    /// An element that is NaN or infinite.
    #[error("vector element {0} is not finite")]
    NotFinite(usize),
}

impl Vector {
    /// Takes the elements.
    ///
    /// # Errors
    /// When there are none or more than [`Dim::MAX`], or one is NaN or infinite.
    pub fn new(elements: impl Into<Arc<[f32]>>) -> Result<Vector, InvalidVector> {
        let elements = elements.into();
        if Dim::of_len(elements.len()).is_none() {
            return Err(InvalidVector::Dim(elements.len()));
        }
        // Without an early end, so that many are checked at a time.
        if elements.iter().fold(true, |all, x| all & x.is_finite()) {
            return Ok(Vector(elements));
        }
        let idx = elements.iter().position(|x| !x.is_finite());
        Err(InvalidVector::NotFinite(idx.unwrap_or_default()))
    }

    /// Number of elements.
    ///
    /// # Panics
    /// Never: I1.
    #[must_use]
    pub fn dim(&self) -> Dim {
        Dim::of_len(self.0.len()).expect("a vector has as many elements as its type may (I1)")
    }

    /// The elements, shared.
    #[must_use]
    pub fn as_arc(&self) -> &Arc<[f32]> {
        &self.0
    }

    /// Reads `[1,2.5,3]`, of any length; `dim` only names the type in errors.
    pub(crate) fn parse(text: &str, dim: Dim) -> Result<Vector, ParseError> {
        let data_type = DataType::Vector(dim);
        let error = |position: usize, expected| {
            let kind = ParseErrorKind::Syntax(Cow::Borrowed(expected));
            ParseError::new(&data_type, text, position, kind)
        };
        let inner = text
            .trim()
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .ok_or_else(|| error(0, "expected [ and ] around the elements"))?;
        let mut elements = Vec::with_capacity(dim.as_usize());
        for element in inner.split(',') {
            let position = element.as_ptr().addr() - text.as_ptr().addr();
            let float: f32 = element
                .trim()
                .parse()
                .map_err(|_| error(position, "expected a number"))?;
            if !float.is_finite() {
                return Err(error(position, "expected a finite number"));
            }
            elements.push(float);
        }
        Vector::new(elements).map_err(|_| error(0, "expected fewer elements"))
    }
}

impl Deref for Vector {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl From<Vector> for Arc<[f32]> {
    fn from(vector: Vector) -> Arc<[f32]> {
        vector.0
    }
}

impl PartialEq for Vector {
    fn eq(&self, other: &Vector) -> bool {
        self.0 == other.0
    }
}

impl Eq for Vector {}

impl PartialOrd for Vector {
    fn partial_cmp(&self, other: &Vector) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Vector {
    /// Element by element; the shorter first where one begins the other.
    fn cmp(&self, other: &Vector) -> Ordering {
        let pairs = self.0.iter().zip(other.0.iter());
        pairs
            .map(|(left, right)| double::compare(f64::from(*left), f64::from(*right)))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl Hash for Vector {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.0.len());
        for element in self.0.iter() {
            double::ordered_bits(f64::from(*element)).hash(state);
        }
    }
}

impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, element) in self.0.iter().enumerate() {
            f.write_str(if idx == 0 { "[" } else { "," })?;
            let scientific = format!("{element:e}");
            double::print_shortest(&scientific, EXPONENT_MAX, f, |f| write!(f, "{element}"))?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests;
