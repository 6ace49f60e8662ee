//! The rows: the same for every engine, made from a seed, and known by their numbers, so that nothing has to be kept.
//!
//! # Invariants
//! - I1. Keys ascend with the number of their row, so that loads in order and expected ranges need no sorting.
//! - I2. The first eight bytes of a value are [`DataSet::tag`], whatever its version: a read can be checked in a few
//!   nanoseconds.
//! - I3. Half of a value is random, half is text: compression has something to find, and not too much. Of those that are
//!   made for sizes, all but the tag is text ([`DataSet::of_text`]).

use std::ops::Range;
use std::sync::OnceLock;

use crate::draw::{Draw, mix, part_of};

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 24;
/// Bytes of a value.
pub(crate) const VALUE_BYTES: usize = 150;
/// Bytes of a row.
pub(crate) const ROW_BYTES: u64 = (KEY_BYTES + VALUE_BYTES) as u64;

/// A row's key.
pub(crate) type Key = [u8; KEY_BYTES];
/// A row's value.
pub(crate) type Value = [u8; VALUE_BYTES];

const RANDOM_BYTES: usize = VALUE_BYTES / 2;
const TAG_BYTES: usize = 8;
/// Values take their text from here. So large that a page seldom holds the same piece twice.
const POOL_BYTES: usize = 1 << 20;

const WORDS: &str = "the of and to in is that for it as was with be by on not he his but at are this have from or had an \
    they which one you were all her she there would their we him been has when who will no more if out so what up \
    said its about than into them can only other time new some could these two may first then do any like my now over \
    such our man me even most made after also well did many before must years through back much where your way \
    stone wall arch mortar quarry ledger invoice customer address street balance account paid open closed shipped";

/// Rows `0..rows`, as a seed makes them.
pub(crate) struct DataSet {
    rows: u64,
    seed: u64,
    /// Distance between the heads of neighbouring keys, on average.
    stride: u64,
    /// With how many bytes a value begins that are not text.
    random_bytes: usize,
    text: Vec<u8>,
    /// See [`DataSet::tags_of_all`].
    tags_of_all: OnceLock<u64>,
}

impl DataSet {
    /// `rows` rows, at least one.
    pub(crate) fn new(rows: u64, seed: u64) -> DataSet {
        DataSet::beginning_with(RANDOM_BYTES, rows, seed)
    }

    /// The same with values that are text but for their tags.
    pub(crate) fn of_text(rows: u64, seed: u64) -> DataSet {
        DataSet::beginning_with(TAG_BYTES, rows, seed)
    }

    fn beginning_with(random_bytes: usize, rows: u64, seed: u64) -> DataSet {
        DataSet {
            rows,
            seed,
            stride: u64::MAX / rows,
            random_bytes,
            text: text_pool(seed),
            tags_of_all: OnceLock::new(),
        }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of all keys and values.
    pub(crate) fn bytes(&self) -> u64 {
        self.rows * ROW_BYTES
    }

    /// The key of row `number`: a head that ascends, but by distances that look random, and 16 random bytes.
    pub(crate) fn key(&self, number: u64) -> Key {
        let random = mix(self.seed ^ number);
        let head = number * self.stride + part_of(self.stride, random);
        let mut key = [0; KEY_BYTES];
        key[..8].copy_from_slice(&head.to_be_bytes());
        key[8..16].copy_from_slice(&mix(random).to_be_bytes());
        key[16..].copy_from_slice(&mix(random ^ 1).to_be_bytes());
        key
    }

    /// The value of row `number`, in one of its versions.
    pub(crate) fn value(&self, number: u64, version: u64) -> Value {
        let tag = self.tag(number);
        let mut draw = Draw::new(tag ^ mix(version));
        let mut value = [0; VALUE_BYTES];
        let (random, text) = value.split_at_mut(self.random_bytes);
        let (start, random) = random.split_at_mut(TAG_BYTES);
        start.copy_from_slice(&tag.to_le_bytes());
        for chunk in random.chunks_mut(8) {
            let word = draw.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        let start = draw.index_below(POOL_BYTES - text.len());
        text.copy_from_slice(&self.text[start..start + text.len()]);
        value
    }

    /// What the first eight bytes of row `number`'s value are in all versions, as a little-endian number.
    pub(crate) fn tag(&self, number: u64) -> u64 {
        mix(self.seed.rotate_left(32) ^ number)
    }

    /// The tags of some rows, combined in a way that does not care for order.
    pub(crate) fn tags(&self, rows: Range<u64>) -> u64 {
        rows.fold(0, |tags, number| tags ^ self.tag(number))
    }

    /// The tags of all rows, computed once: scans are timed with their check.
    pub(crate) fn tags_of_all(&self) -> u64 {
        *self.tags_of_all.get_or_init(|| self.tags(0..self.rows))
    }

    /// The row at `place` of the random order: every row has one place.
    pub(crate) fn shuffled(&self, place: u64) -> u64 {
        let mut number = self.permute(place);
        // What leaves the range is permuted on until it is back: the permutation of the larger range is a cycle.
        while number >= self.rows {
            number = self.permute(number);
        }
        number
    }

    /// A permutation of the numbers of an even count of bits, at least as many as there are rows: a Feistel network.
    fn permute(&self, number: u64) -> u64 {
        let half_bits = (64 - (self.rows - 1).leading_zeros()).div_ceil(2).max(1);
        let mask = (1 << half_bits) - 1;
        let (mut left, mut right) = (number >> half_bits, number & mask);
        for round in 0..4 {
            let mixed = mix(self.seed ^ (round << 56) ^ right) & mask;
            (left, right) = (right, left ^ mixed);
        }
        (left << half_bits) | right
    }
}

/// The tag of a value that was read; 0, which no row has, for one that is too short.
pub(crate) fn tag_of(value: &[u8]) -> u64 {
    value
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn text_pool(seed: u64) -> Vec<u8> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut draw = Draw::new(seed);
    let mut text = Vec::with_capacity(POOL_BYTES + 16);
    while text.len() < POOL_BYTES {
        // The smaller of two: some words are common, as in a language.
        let idx = draw
            .index_below(words.len())
            .min(draw.index_below(words.len()));
        text.extend_from_slice(words[idx].as_bytes());
        text.push(b' ');
    }
    text
}

#[cfg(test)]
mod tests;
