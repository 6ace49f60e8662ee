//! Tests of frames.

use super::*;

#[test]
fn frames_of_every_length_hold_their_page_and_slices_of_it() {
    for len in (0..40).flat_map(|step| [step * 512, step * 512 + 1, step * 512 + 511]) {
        let page: Vec<u8> = (0..251).cycle().take(len).collect();
        let roomy = [&page[..], &[9; 2 * FRAME_STEP_BYTES]].concat();
        for contents in [
            Contents::copy_of(Cow::Borrowed(&page)),
            Contents::copy_of(Cow::Owned(page.clone())),
            Contents::copy_front(&roomy, len),
            Contents::copy_front(&roomy[..room_for(len)], len),
        ] {
            let frame = contents.bytes;
            assert_eq!(frame, page);
            assert!(frame_bytes(len) >= len);
            assert!(frame_bytes(len) < len + FRAME_STEP_BYTES + APART_BYTES);
            let (clone, half) = (frame.clone(), frame.slice(len / 2..));
            assert_eq!(clone.as_ptr(), frame.as_ptr());
            drop((frame, clone));
            assert_eq!(half, page[len / 2..]);
        }
    }
}

#[test]
fn frames_take_memory_in_steps_and_long_ones_as_much_as_they_need() {
    assert_eq!(frame_bytes(1), FRAME_STEP_BYTES + INLINE_BYTES);
    let two_steps = 2 * FRAME_STEP_BYTES + INLINE_BYTES;
    assert_eq!(frame_bytes(FRAME_STEP_BYTES + 1), two_steps);
    assert_eq!(frame_bytes(16 * 1024), 16 * 1024 + INLINE_BYTES);
    assert_eq!(frame_bytes(16 * 1024 + 1), 16 * 1024 + 1 + APART_BYTES);
    assert_eq!(frame_bytes(128 * 1024), 132 * 1024);
}

#[test]
fn memory_that_was_set_aside_for_more_is_given_back() {
    let mut roomy = Vec::with_capacity(200_000);
    roomy.resize(20_000, 7);
    let contents = Contents::copy_of(Cow::Owned(roomy));
    assert_eq!(contents.memory_bytes(), frame_bytes(20_000));
    assert_eq!(contents.bytes, vec![7; 20_000]);
    assert_eq!(Contents::default().memory_bytes(), 0);
}
