//! Free list: the blocks that a state does not use, in one page that its superblock names.
//!
//! ```text
//! offset  size  field
//!      0     8  run_count    how many runs follow
//!      8     8  block_count  how many blocks they have together
//!     16     -  runs         per run two varints: blocks between the end of the run before (first: block 4) and its
//!                            start, >= 1 except in the first; then how many blocks it has, >= 1
//!      -     -  padding      zeros up to the end of the page's last block
//! ```
//!
//! Little-endian; varints as `drystone_base::varint`. Spec: `docs/format/pager.md`, version 1.
//!
//! Runs that touch are one run, so each set of blocks has one encoding. The list's own blocks are not in it.

use drystone_base::varint;

use crate::block::Extent;
use crate::error::Malformed;
use crate::extent_set::ExtentSet;
use crate::superblock::SUPERBLOCKS;

const HEADER_BYTES: usize = 16;

/// How much longer a list may become when the blocks that will hold it are taken from the front of one of its runs, and
/// when the file grows by one run for that: two runs' numbers change.
const SLACK_BYTES: u64 = 4 * varint::MAX_BYTES as u64;

/// Appends the list of `unused` to `out`.
pub(crate) fn encode(unused: &ExtentSet, out: &mut Vec<u8>) {
    out.extend_from_slice(&(unused.run_count() as u64).to_le_bytes());
    out.extend_from_slice(&unused.block_count().to_le_bytes());
    let mut end = SUPERBLOCKS;
    for run in unused.iter() {
        varint::encode(run.start - end, out);
        varint::encode(run.count, out);
        end = run.end();
    }
}

/// At least as many bytes as [`encode`] gives, now and after the list's own blocks were taken from `unused`.
pub(crate) fn encoded_len_max(unused: &ExtentSet) -> u64 {
    let mut len = HEADER_BYTES as u64 + SLACK_BYTES;
    let mut end = SUPERBLOCKS;
    for run in unused.iter() {
        len += varint_len(run.start - end) + varint_len(run.count);
        end = run.end();
    }
    len
}

/// Decodes a list of a file of `blocks` blocks. Total: any bytes give `Ok` or `Err`.
pub(crate) fn decode(bytes: &[u8], blocks: u64) -> Result<ExtentSet, Malformed> {
    let mut input = Input { bytes };
    let (run_count, block_count) = (input.u64()?, input.u64()?);
    let mut unused = ExtentSet::default();
    let mut end = SUPERBLOCKS;
    for run_idx in 0..run_count {
        let run = input.run(end, blocks, run_idx == 0)?;
        end = run.end();
        unused.insert(run);
    }
    if unused.block_count() != block_count {
        return Err(Malformed::new(
            "blocks in the free list",
            block_count.to_string(),
            unused.block_count().to_string(),
        ));
    }
    input.rest_is_zero()?;
    Ok(unused)
}

/// What is left to decode.
struct Input<'a> {
    bytes: &'a [u8],
}

impl Input<'_> {
    fn u64(&mut self) -> Result<u64, Malformed> {
        let (field, rest) = self.bytes.split_first_chunk().ok_or_else(cut_short)?;
        self.bytes = rest;
        Ok(u64::from_le_bytes(*field))
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let (number, len) = varint::decode(self.bytes).ok_or_else(cut_short)?;
        self.bytes = &self.bytes[len..];
        Ok(number)
    }

    /// The run after one that ended at `end`.
    fn run(&mut self, end: u64, blocks: u64, is_first: bool) -> Result<Extent, Malformed> {
        let (gap, count) = (self.varint()?, self.varint()?);
        if count == 0 || (gap == 0 && !is_first) {
            return Err(Malformed::new(
                "run of the free list",
                "blocks, after a gap",
                format!("{count} blocks after a gap of {gap}"),
            ));
        }
        let start = end.checked_add(gap);
        let run_end = start.and_then(|start| start.checked_add(count));
        match (start, run_end) {
            (Some(start), Some(end)) if end <= blocks => Ok(Extent::between(start, end)),
            _ => Err(Malformed::new(
                "run of the free list",
                format!("an end up to block {blocks}"),
                format!("{count} blocks after a gap of {gap} after block {end}"),
            )),
        }
    }

    fn rest_is_zero(&self) -> Result<(), Malformed> {
        if self.bytes.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        Err(Malformed::new("padding of the free list", "zero", "others"))
    }
}

fn cut_short() -> Malformed {
    Malformed::new("free list", "another number", "none")
}

/// How many bytes `varint::encode` appends.
fn varint_len(number: u64) -> u64 {
    let bits = u64::from(u64::BITS - number.leading_zeros());
    bits.div_ceil(7).max(1)
}

#[cfg(test)]
mod tests;
