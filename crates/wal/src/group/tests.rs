//! Groups fill segments to their last byte, and their memory goes from one to the next.

use super::*;

const CAPACITY: u64 = 64 << 10;

fn group_at(offset: u64) -> Group {
    let tail = Tail {
        offset,
        capacity: CAPACITY,
    };
    Group::new(Some(tail), SegmentId(2))
}

/// Takes the group out, as a leader does, and gives its memory back. How much the next group begins with.
fn kept_after(group: &mut Group, payload: &[u8]) -> usize {
    group.push(Lsn(1), payload);
    let written = group.take();
    group.recycle(written);
    group.push(Lsn(2), b"");
    group.parts[0].bytes.capacity()
}

#[test]
fn the_next_segment_is_due_behind_the_middle() {
    assert!(!group_at(CAPACITY / 2).is_past_half());
    assert!(group_at(CAPACITY / 2 + 8).is_past_half());
    assert!(Group::new(None, SegmentId(1)).is_past_half());
}

#[test]
fn a_record_fits_up_to_the_trailer_and_no_further() {
    let end = records_end(CAPACITY);
    let stored = stored_bytes(100);
    assert!(group_at(end - stored as u64).fits(stored));
    assert!(!group_at(end - stored as u64 + 8).fits(stored));
    assert!(!Group::new(None, SegmentId(1)).fits(stored));
}

#[test]
fn a_groups_memory_serves_the_next_unless_it_is_large() {
    let payload = vec![7; 5_000];
    assert!(kept_after(&mut group_at(RECORDS_START), &payload) >= payload.len());
    let payload = vec![7; KEPT_BUFFER_BYTES_MAX];
    let tail = Tail {
        offset: RECORDS_START,
        capacity: 4 << 20,
    };
    let mut group = Group::new(Some(tail), SegmentId(2));
    assert!(kept_after(&mut group, &payload) < payload.len());
}

#[test]
fn the_larger_of_two_buffers_is_kept() {
    let mut group = group_at(RECORDS_START);
    group.push(Lsn(1), &[1; 8_000]);
    let large = group.take();
    group.push(Lsn(2), &[2; 10]);
    let small = group.take();
    group.recycle(large);
    group.recycle(small);
    group.push(Lsn(3), b"");
    assert!(group.parts[0].bytes.capacity() >= 8_000);
}
