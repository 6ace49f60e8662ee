//! Tests of frame pointers.

use super::*;

const COUNT: Touch = Touch::Count(3);

#[test]
fn a_pointer_is_set_followed_and_taken_back() {
    let pointers = FramePointers::new(2);
    assert_eq!(pointers.get(1, COUNT), None);
    assert_eq!(pointers.take_uses(1), 0, "there was nothing to follow");
    pointers.set(1, Bytes::from_static(b"frame"));
    assert_eq!(pointers.get(1, COUNT).as_deref(), Some(&b"frame"[..]));
    assert_eq!(pointers.get(0, COUNT), None);
    assert_eq!(pointers.take_uses(1), 1);
    assert_eq!(pointers.take_uses(1), 0, "asked before");
    pointers.clear(1);
    assert_eq!(pointers.get(1, COUNT), None);
}

#[test]
fn a_child_that_is_not_there_has_no_pointer() {
    let pointers = FramePointers::new(0);
    pointers.set(0, Bytes::from_static(b"frame"));
    pointers.clear(0);
    assert_eq!(pointers.get(0, COUNT), None);
    assert_eq!(pointers.take_uses(0), 0);
}

#[test]
fn each_child_takes_memory_for_its_pointer() {
    let per_child = FramePointers::bytes(1) - FramePointers::bytes(0);
    assert!(per_child > size_of::<Bytes>());
    assert!(FramePointers::bytes(0) > 0);
    assert_eq!(
        FramePointers::bytes(100),
        FramePointers::bytes(0) + 100 * per_child
    );
}
