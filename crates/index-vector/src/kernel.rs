//! Sums over two vectors, as fast as this processor can: the squared Euclidean distance and the inner product.
//!
//! A [`Kernel`] is a table of functions, chosen once from what the processor offers. Whatever the table:
//!
//! # Invariants
//! - I1. Four at once gives each of the four the very bits that one at a time gives.
//! - I2. Zeros appended to both vectors do not change the result, not even its last bit (unless it is `-0.0`).
//!
//! So a stored vector, padded to whole cache lines, ranks exactly as its bare copy does.

mod line;
mod portable;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod simd;

pub(crate) use line::{LANES, Line, flatten, flatten_mut, prefetch};

type One = fn(&[f32], &[f32]) -> f32;
type Four = fn(&[f32], [&[f32]; 4]) -> [f32; 4];

/// The functions for one kind of processor.
#[derive(Clone, Copy)]
pub(crate) struct Kernel {
    /// For people: which one was chosen.
    pub(crate) name: &'static str,
    squared_l2: One,
    squared_l2_four: Four,
    dot: One,
    dot_four: Four,
}

impl Kernel {
    /// The fastest that this processor runs. Cheap: the standard library remembers what it found.
    pub(crate) fn detect() -> Kernel {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        if let Some(kernel) = simd::all().into_iter().flatten().next() {
            return kernel;
        }
        portable::KERNEL
    }

    /// Sum of squared differences. Of different lengths, the shorter counts.
    pub(crate) fn squared_l2(&self, a: &[f32], b: &[f32]) -> f32 {
        debug_assert_eq!(a.len(), b.len());
        (self.squared_l2)(a, b)
    }

    /// Four sums of squared differences from `a`.
    pub(crate) fn squared_l2_four(&self, a: &[f32], b: [&[f32]; 4]) -> [f32; 4] {
        (self.squared_l2_four)(a, b)
    }

    /// Sum of products. Of different lengths, the shorter counts.
    pub(crate) fn dot(&self, a: &[f32], b: &[f32]) -> f32 {
        debug_assert_eq!(a.len(), b.len());
        (self.dot)(a, b)
    }

    /// Four sums of products with `a`.
    pub(crate) fn dot_four(&self, a: &[f32], b: [&[f32]; 4]) -> [f32; 4] {
        (self.dot_four)(a, b)
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests;
