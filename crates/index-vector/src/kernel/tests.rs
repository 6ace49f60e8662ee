//! Every kernel that this processor runs, against sums in `f64`.

use super::*;

/// Longer than any kernel takes at once; where Miri interprets, than most.
const LEN_MAX: usize = if cfg!(miri) { 40 } else { 300 };
/// How far apart the places are that are tried one after the other.
const STEP: usize = if cfg!(miri) { 9 } else { 1 };

fn kernels() -> Vec<Kernel> {
    let mut kernels = vec![portable::KERNEL];
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    kernels.extend(simd::all().into_iter().flatten());
    kernels
}

/// Numbers in -1.0..1.0 that depend on nothing but the seed.
fn numbers(seed: u64, len: usize) -> Vec<f32> {
    use drystone_base::Random;
    let random = drystone_base::SeededRandom::new(seed);
    (0..len)
        .map(|_| (random.next_u64() >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
        .collect()
}

fn check_close(kernel: &Kernel, len: usize, found: f32, expected: f64, scale: f64) {
    let error = (f64::from(found) - expected).abs();
    assert!(
        error <= 1e-5 * scale + 1e-30,
        "{} at length {len}: {found}, expected {expected}",
        kernel.name
    );
}

#[test]
fn sums_agree_with_f64_at_all_lengths() {
    for kernel in kernels() {
        for len in 0..=LEN_MAX {
            let (a, b) = (numbers(len as u64, len), numbers(1_000 + len as u64, len));
            let pairs = || {
                a.iter()
                    .zip(&b)
                    .map(|(a, b)| (f64::from(*a), f64::from(*b)))
            };
            let l2: f64 = pairs().map(|(a, b)| (a - b) * (a - b)).sum();
            let dot: f64 = pairs().map(|(a, b)| a * b).sum();
            let scale: f64 = pairs().map(|(a, b)| (a * b).abs()).sum();
            check_close(&kernel, len, kernel.squared_l2(&a, &b), l2, l2);
            check_close(&kernel, len, kernel.dot(&a, &b), dot, scale);
        }
    }
}

#[test]
fn four_at_once_and_padded_give_the_same_bits() {
    for kernel in kernels() {
        for len in 1..=LEN_MAX {
            let a = numbers(1, len);
            let rows: Vec<_> = (2..6).map(|seed| numbers(seed, len)).collect();
            let four = std::array::from_fn(|i| rows[i].as_slice());
            let (l2, dot) = (kernel.squared_l2_four(&a, four), kernel.dot_four(&a, four));
            let pad = |v: &[f32]| [v, &vec![0.0; 64 - len % 64]].concat();
            for i in 0..4 {
                assert_eq!(l2[i].to_bits(), kernel.squared_l2(&a, &rows[i]).to_bits());
                assert_eq!(dot[i].to_bits(), kernel.dot(&a, &rows[i]).to_bits());
                let (a, b) = (pad(&a), pad(&rows[i]));
                assert_eq!(l2[i].to_bits(), kernel.squared_l2(&a, &b).to_bits());
                assert_eq!(dot[i].to_bits(), kernel.dot(&a, &b).to_bits());
            }
        }
    }
}

#[test]
fn special_values_behave_as_in_plain_arithmetic() {
    for kernel in kernels() {
        for len in [1, 7, 16, 33, 100] {
            for at in (0..len).step_by(STEP) {
                let mut a = vec![1.0; len];
                let b = vec![2.0; len];
                a[at] = f32::NAN;
                assert!(kernel.squared_l2(&a, &b).is_nan() && kernel.dot(&a, &b).is_nan());
                a[at] = f32::NEG_INFINITY;
                assert_eq!(kernel.squared_l2(&a, &b), f32::INFINITY);
                assert_eq!(kernel.dot(&a, &b), f32::NEG_INFINITY);
                a[at] = f32::MAX;
                assert_eq!(kernel.squared_l2(&a, &b), f32::INFINITY);
            }
        }
        assert_eq!(kernel.dot(&[], &[]), 0.0);
        assert_eq!(kernel.squared_l2(&[f32::MIN_POSITIVE / 2.0], &[0.0]), 0.0);
    }
}

#[test]
fn reads_stay_within_slices_of_unequal_length() {
    for kernel in kernels() {
        let (long, short) = (vec![1.0; 80], vec![1.0; 37]);
        let four = [long.as_slice(), &short, &long, &short];
        let sums = kernel.dot_four(&long, four);
        assert!(
            sums.iter().all(|sum| [37.0, 80.0].contains(sum)),
            "{sums:?}"
        );
        assert_eq!(kernel.dot_four(&short, [&long; 4]), [37.0; 4]);
    }
}

#[test]
fn lines_are_runs_of_numbers() {
    let mut lines = vec![Line::default(); 3];
    flatten_mut(&mut lines)[LANES] = 7.0;
    assert_eq!(flatten(&lines).len(), 3 * LANES);
    assert_eq!(flatten(&lines)[LANES], 7.0);
    assert_eq!(lines.as_ptr().addr() % 64, 0);
    prefetch(&lines);
    prefetch::<Line>(&[]);
}
