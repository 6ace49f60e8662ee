//! Filter: tells for most keys that are not in a partition that they are not. One cache line a question, or two.
//!
//! A split block Bloom filter: blocks of 32 bytes, eight words of 32 bits, one bit in each word for a key. The hash is
//! XXH3-64 of the full key; its upper half chooses the block, its lower half, times eight odd numbers, the bits.
//!
//! # Source
//! Putze, Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters" (2009); the layout and the numbers are those
//! of Apache Parquet's specification. We differ: another hash.

use drystone_base::Malformed;
use xxhash_rust::xxh3::xxh3_64;

const BLOCK_BYTES: usize = 32;

const SALTS: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// What filters know a full key by.
pub(crate) fn hash(full_key: &[u8]) -> u64 {
    xxh3_64(full_key)
}

/// The filter of keys with these hashes. Empty where there are none, and for no bits.
pub(crate) fn build(hashes: &[u64], bits_per_key: u8) -> Vec<u8> {
    let bits = hashes.len() * usize::from(bits_per_key);
    let mut filter = vec![0; bits.div_ceil(BLOCK_BYTES * 8) * BLOCK_BYTES];
    let (blocks, _) = filter.as_chunks_mut::<BLOCK_BYTES>();
    for hash in hashes {
        if let Some(block) = blocks.get_mut(block_of(*hash, bits.div_ceil(BLOCK_BYTES * 8))) {
            let (words, _) = block.as_chunks_mut::<4>();
            for (word, bit) in words.iter_mut().zip(bits_of(*hash)) {
                *word = (u32::from_le_bytes(*word) | bit).to_le_bytes();
            }
        }
    }
    filter
}

/// Whether the key of this hash may be among those the filter was built of.
pub(crate) fn may_hold(filter: &[u8], hash: u64) -> bool {
    let (blocks, _) = filter.as_chunks::<BLOCK_BYTES>();
    let Some(block) = blocks.get(block_of(hash, blocks.len())) else {
        return true;
    };
    let (words, _) = block.as_chunks::<4>();
    let mut words = words.iter().zip(bits_of(hash));
    words.all(|(word, bit)| u32::from_le_bytes(*word) & bit != 0)
}

/// A filter has whole blocks.
pub(crate) fn check(filter: &[u8]) -> Result<(), Malformed> {
    if filter.len().is_multiple_of(BLOCK_BYTES) {
        return Ok(());
    }
    let found = filter.len().to_string();
    Err(Malformed::new(
        "length of a filter",
        "a multiple of 32",
        found,
    ))
}

fn block_of(hash: u64, blocks: usize) -> usize {
    let scaled = ((hash >> 32) * blocks as u64) >> 32;
    usize::try_from(scaled).unwrap_or(usize::MAX)
}

fn bits_of(hash: u64) -> [u32; 8] {
    let [b0, b1, b2, b3, ..] = hash.to_le_bytes();
    let low = u32::from_le_bytes([b0, b1, b2, b3]);
    SALTS.map(|salt| 1 << (low.wrapping_mul(salt) >> 27))
}

#[cfg(test)]
mod tests;
