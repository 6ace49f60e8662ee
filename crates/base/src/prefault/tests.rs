//! Tests of memory that gets its pages at once.

use super::*;

/// Also of memory that holds no page, or none that is whole.
#[test]
fn memory_takes_what_is_written_to_it() {
    for len in [0, 100, PAGE_BYTES, 3 * PAGE_BYTES + 1, 70 * PAGE_BYTES] {
        let mut memory: Vec<u8> = Vec::with_capacity(len);
        prefault(memory.spare_capacity_mut());
        memory.extend((0..251).cycle().take(len));
        let expected = (0..251).cycle();
        assert!(
            memory
                .iter()
                .zip(expected)
                .all(|(one, other)| *one == other)
        );
    }
}
