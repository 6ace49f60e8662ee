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
fn what_is_read_where_it_lies_outlasts_its_pointer() {
    let pointers = FramePointers::new(1);
    assert!(pointers.frame(0, COUNT).is_none());
    pointers.set(0, Bytes::from(vec![7; 100]));
    let frame = pointers.frame(0, COUNT).unwrap();
    pointers.clear(0);
    graveyard::sweep();
    assert!(pointers.frame(0, COUNT).is_none());
    assert_eq!(*frame, [7; 100]);
    assert_eq!(frame.slice(98..100), [7, 7][..]);
}

#[test]
fn a_frame_of_another_length_is_not_pointed_to() {
    let pointers = FramePointers::new(1);
    pointers.set(0, Bytes::from_static(b"frame"));
    pointers.set(0, Bytes::from_static(b"other frame"));
    assert_eq!(pointers.get(0, COUNT).as_deref(), Some(&b"frame"[..]));
    pointers.set(0, Bytes::from_static(b"again"));
    assert_eq!(pointers.get(0, COUNT).as_deref(), Some(&b"again"[..]));
    pointers.clear(0);
    pointers.set(0, Bytes::new());
    assert_eq!(pointers.get(0, COUNT), None);
}

#[test]
fn a_thread_reads_more_frames_than_it_can_protect() {
    let pointers = FramePointers::new(50);
    (0..50u8).for_each(|idx| pointers.set(idx.into(), Bytes::from(vec![idx; 10])));
    let frames: Vec<_> = (0..50)
        .map(|idx| pointers.frame(idx, COUNT).unwrap())
        .collect();
    (0..50).for_each(|idx| pointers.clear(idx));
    for (idx, frame) in (0u8..).zip(&frames) {
        assert_eq!(**frame, [idx; 10]);
    }
}

/// A frame that is freed with others soon after, and says so.
struct Frame {
    bytes: [u8; 64],
    is_gone: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.bytes = [0; 64];
        self.is_gone.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
#[cfg(not(any(shuttle, loom)))]
fn frames_that_come_and_go_are_whole_to_whom_reads_them() {
    let rounds = if cfg!(miri) { 60 } else { 20_000 };
    let pointers = FramePointers::new(1);
    let is_gone = std::sync::Arc::default();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    if let Some(frame) = pointers.frame(0, COUNT) {
                        assert!(frame.iter().all(|byte| *byte == 7));
                        assert_eq!(frame.slice(3..5), [7, 7][..]);
                    }
                }
            });
        }
        for round in 0..rounds {
            let is_gone = std::sync::Arc::clone(&is_gone);
            let bytes = [7; 64];
            pointers.set(0, Bytes::from_owner(Frame { bytes, is_gone }));
            if round % 3 == 0 {
                pointers.clear(0);
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    drop(pointers);
    // The last ones may be in the hands of another test that buries something at this moment.
    while is_gone.load(Ordering::Relaxed) < rounds {
        graveyard::sweep();
        std::thread::yield_now();
    }
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
