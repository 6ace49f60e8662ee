//! Keys of every length, put together from prefixes, heads and tails of every length.

use super::*;
use crate::node::Payload;

fn bytes(first: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| at.to_le_bytes()[0].wrapping_add(first))
        .collect()
}

#[test]
fn a_key_is_its_prefix_head_and_tail() {
    let mut key = KeyBuffer::default();
    assert_eq!(key.bytes(), b"");
    for prefix_len in 0..80 {
        let prefix = bytes(1, prefix_len);
        key.begin_leaf(&prefix);
        // Long ones and short ones in turns, as a leaf may have them.
        for tail_len in [0, 90, 1, 40, 70, 16, 0] {
            let heads = if tail_len == 0 {
                0..=HEAD_BYTES
            } else {
                HEAD_BYTES..=HEAD_BYTES
            };
            for head_len in heads {
                let (own, tail) = (bytes(100, head_len), bytes(200, tail_len));
                let mut head = [0; HEAD_BYTES];
                head[..head_len].copy_from_slice(&own);
                let slot = Slot {
                    head,
                    head_len,
                    tail: &tail,
                    payload: Payload::default(),
                };
                key.set(&prefix, &slot);
                assert_eq!(key.bytes(), [&prefix[..], &own, &tail].concat());
            }
        }
    }
}
