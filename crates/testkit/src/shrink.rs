//! Delta debugging: a failure made small, by dropping parts of what led to it and then making the parts smaller.
//!
//! Generic: the parts are operations, faults, rows, numbers; `fails` runs them and says whether it still fails. The
//! result is 1-minimal when tries suffice: it fails, and dropping any one part, or taking any one smaller value that
//! was offered, makes it pass.
//!
//! # Source
//! Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (TSE 2002). We differ: only complements
//! are tried, from halves down to single parts, going on where the last part was dropped instead of from the start.

/// How often a run is tried unless [`Shrink::tries_max`] says otherwise.
const TRIES_MAX: u64 = 10_000;

/// Makes failing lists smaller, within a number of tries.
///
/// ```
/// use drystone_testkit::{Shrink, smaller_numbers};
///
/// // Fails when 7 is there, and something above 20.
/// let fails = |numbers: &[u64]| numbers.contains(&7) && numbers.iter().any(|number| *number > 20);
/// let mut shrink = Shrink::new();
/// let found: Vec<u64> = (1..50).collect();
/// let small = shrink.items_and_values(&found, |number| smaller_numbers(*number), fails);
/// assert_eq!(small, [7, 21]);
/// println!("after {} tries", shrink.tries());
/// ```
#[derive(Clone, Debug)]
pub struct Shrink {
    tries_max: u64,
    tries: u64,
}

impl Default for Shrink {
    fn default() -> Self {
        Shrink::new()
    }
}

impl Shrink {
    /// With ten thousand tries.
    #[must_use]
    pub fn new() -> Shrink {
        Shrink {
            tries_max: TRIES_MAX,
            tries: 0,
        }
    }

    /// Runs `fails` at most `count` times in all, then gives what it has.
    #[must_use]
    pub fn tries_max(mut self, count: u64) -> Shrink {
        self.tries_max = count;
        self
    }

    /// How often `fails` was run so far.
    #[must_use]
    pub fn tries(&self) -> u64 {
        self.tries
    }

    /// The fewest of `items` found that still fail, in their order. `items` must fail; that is not tried again.
    pub fn items<T: Clone>(&mut self, items: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
        let mut kept = items.to_vec();
        let mut size = kept.len().div_ceil(2);
        while size > 0 {
            let dropped = self.drop_parts(&mut kept, size, &mut fails);
            if size == 1 && !dropped {
                break;
            }
            size = (size / 2).max(1).min(kept.len());
        }
        kept
    }

    /// `items`, each as small as it can be while they still fail. `smaller` offers values in place of one, the most
    /// daring first; it must come to an end: no chain of offers leads back.
    pub fn values<T: Clone>(
        &mut self,
        items: &[T],
        smaller: impl Fn(&T) -> Vec<T>,
        mut fails: impl FnMut(&[T]) -> bool,
    ) -> Vec<T> {
        let mut kept = items.to_vec();
        for idx in 0..kept.len() {
            let mut offers = smaller(&kept[idx]);
            while self.replace(&mut kept, idx, offers, &mut fails) {
                offers = smaller(&kept[idx]);
            }
        }
        kept
    }

    /// [`Shrink::items`] and [`Shrink::values`] in turn, until neither finds anything smaller.
    pub fn items_and_values<T: Clone + PartialEq>(
        &mut self,
        items: &[T],
        smaller: impl Fn(&T) -> Vec<T>,
        mut fails: impl FnMut(&[T]) -> bool,
    ) -> Vec<T> {
        let mut kept = items.to_vec();
        loop {
            let fewer = self.items(&kept, &mut fails);
            let next = self.values(&fewer, &smaller, &mut fails);
            if next == kept {
                return kept;
            }
            kept = next;
        }
    }

    /// Drops every run of `size` items that can go; whether any could.
    fn drop_parts<T: Clone>(
        &mut self,
        kept: &mut Vec<T>,
        size: usize,
        fails: &mut impl FnMut(&[T]) -> bool,
    ) -> bool {
        let before = kept.len();
        let mut start = 0;
        while start < kept.len() {
            let end = kept.len().min(start + size);
            let without: Vec<T> = [&kept[..start], &kept[end..]].concat();
            if self.fails(&without, fails) {
                *kept = without;
            } else {
                start = end;
            }
        }
        kept.len() < before
    }

    /// Puts the first of `offers` that still fails in place of one item; whether there is one.
    fn replace<T: Clone>(
        &mut self,
        kept: &mut [T],
        idx: usize,
        offers: Vec<T>,
        fails: &mut impl FnMut(&[T]) -> bool,
    ) -> bool {
        for offer in offers {
            let before = std::mem::replace(&mut kept[idx], offer);
            if self.fails(kept, fails) {
                return true;
            }
            kept[idx] = before;
        }
        false
    }

    /// Out of tries, nothing is smaller any more.
    fn fails<T>(&mut self, items: &[T], fails: &mut impl FnMut(&[T]) -> bool) -> bool {
        if self.tries == self.tries_max {
            return false;
        }
        self.tries += 1;
        fails(items)
    }
}

/// Numbers to try in place of `number`, the smallest first: 0, then ever nearer to it.
#[must_use]
pub fn smaller_numbers(number: u64) -> Vec<u64> {
    let mut gap = number;
    std::iter::from_fn(|| {
        let offer = (gap > 0).then(|| number - gap);
        gap /= 2;
        offer
    })
    .collect()
}

#[cfg(test)]
mod tests;
