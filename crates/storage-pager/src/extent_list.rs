//! Extent list: blocks that a later writer may free all at once, in a page of their own.
//!
//! ```text
//! offset  size  field
//!      0     8  count    how many extents follow
//!      8     -  extents  each two varints: blocks between the end of the one before (first: block 4) and its start; then
//!                        how many blocks it has, >= 1
//! ```
//!
//! Little-endian; varints as `drystone_base::varint`. Spec: `docs/format/pager.md`. Extents ascend and may touch: each is
//! a page, or pages that lie one behind the other.

use drystone_base::varint;

use crate::block::Extent;
use crate::error::Malformed;
use crate::superblock::SUPERBLOCKS;

/// The list of `extents`, which ascend.
pub(crate) fn encode(extents: &[Extent]) -> Vec<u8> {
    let mut out = (extents.len() as u64).to_le_bytes().to_vec();
    let mut end = SUPERBLOCKS;
    for extent in extents {
        varint::encode(extent.start - end, &mut out);
        varint::encode(extent.count, &mut out);
        end = extent.end();
    }
    out
}

/// Decodes a list of a file of `blocks` blocks. Total: any bytes give `Ok` or `Err`.
pub(crate) fn decode(bytes: &[u8], blocks: u64) -> Result<Vec<Extent>, Malformed> {
    let Some((count, mut rest)) = bytes.split_first_chunk::<8>() else {
        return Err(malformed("a count", bytes.len()));
    };
    let count = u64::from_le_bytes(*count);
    let mut extents = Vec::new();
    let mut end = SUPERBLOCKS;
    for _ in 0..count {
        let (gap, len) = varint::decode(rest).ok_or_else(|| malformed("another extent", "none"))?;
        rest = &rest[len..];
        let (count, len) = varint::decode(rest).ok_or_else(|| malformed("its blocks", "none"))?;
        rest = &rest[len..];
        let start = end.checked_add(gap);
        let next = start.and_then(|start| start.checked_add(count));
        match (start, next) {
            (Some(start), Some(next)) if count > 0 && next <= blocks => {
                extents.push(Extent::new(start, count));
                end = next;
            }
            _ => return Err(malformed("blocks of the file", format!("{gap}, {count}"))),
        }
    }
    match rest.len() {
        0 => Ok(extents),
        left => Err(malformed("nothing after the last extent", left)),
    }
}

fn malformed(expected: &str, found: impl ToString) -> Malformed {
    Malformed::new("extent list", expected.to_owned(), found.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_and_nonsense_does_not() {
        let lists = [
            vec![],
            vec![Extent::new(4, 1)],
            vec![Extent::new(4, 2), Extent::new(6, 1), Extent::new(900, 100)],
        ];
        for list in lists {
            let bytes = encode(&list);
            assert_eq!(decode(&bytes, 1000), Ok(list.clone()));
            assert!(decode(&bytes, 999).is_err() || list.len() < 3);
            for len in 0..bytes.len() {
                assert!(decode(&bytes[..len], 1000).is_err());
            }
            assert!(decode(&[&bytes[..], &[0]].concat(), 1000).is_err());
        }
        let empty_extent = [&1u64.to_le_bytes()[..], &[0, 0]].concat();
        assert!(decode(&empty_extent, 1000).is_err());
        let overflow = [&1u64.to_le_bytes()[..], &[0xFF; 9], &[1], &[0xFF; 9], &[1]].concat();
        assert!(decode(&overflow, 1000).is_err());
    }
}
