//! The kernels in plain Rust: sixteen running sums, which compilers turn into whatever vectors the target has.

use super::{Kernel, LANES};

pub(super) const KERNEL: Kernel = Kernel {
    name: "portable",
    squared_l2,
    squared_l2_four: |a, b| b.map(|b| squared_l2(a, b)),
    dot,
    dot_four: |a, b| b.map(|b| dot(a, b)),
};

fn squared_l2(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |sum, a, b| sum + (a - b) * (a - b))
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |sum, a, b| sum + a * b)
}

#[inline(always)]
fn sum(a: &[f32], b: &[f32], step: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let len = a.len().min(b.len());
    let (whole_a, rest_a) = a[..len].as_chunks::<LANES>();
    let (whole_b, rest_b) = b[..len].as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            sums[lane] = step(sums[lane], a[lane], b[lane]);
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(rest_a.iter().zip(rest_b)) {
        *sum = step(*sum, *a, *b);
    }
    halves(sums)
}

/// Adds the lanes up as a tree: the error grows with the logarithm of their number.
fn halves(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}
