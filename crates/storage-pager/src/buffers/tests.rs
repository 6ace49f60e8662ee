//! Tests of buffers.

use super::*;

#[test]
fn buffers_are_used_again_and_not_hoarded() {
    let buffers = Buffers::default();
    let first = buffers.with(100, |buffer| {
        assert!(buffer.len() >= 100);
        // Another thread, say, at the same time.
        buffers.with(50, |other| assert!(other.len() >= 50));
        buffer.as_ptr()
    });
    assert_eq!(buffers.idle.lock().len(), 2);
    assert_eq!(buffers.with(80, |buffer| buffer.as_ptr()), first);
    buffers.with(KEPT_BYTES + 1, |buffer| assert!(buffer.len() > KEPT_BYTES));
    assert_eq!(buffers.idle.lock().len(), 1, "a long one is not kept");
    buffers.idle.lock().resize_with(IDLE_MAX + 1, Vec::new);
    buffers.with(1, |_| ());
    buffers.with(1, |_| ());
    assert_eq!(buffers.idle.lock().len(), IDLE_MAX);
}

/// Contents that were shorter than the buffer leave it as long as they are.
#[test]
fn a_buffer_that_was_cut_short_is_as_long_as_is_asked_for() {
    let buffers = Buffers::default();
    buffers.with(1000, |buffer| buffer.truncate(10));
    buffers.with(500, |buffer| assert!(buffer.len() >= 500));
}
