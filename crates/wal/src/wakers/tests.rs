//! Whoever waits is woken, whatever the others do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

/// Counts how often it is woken; some panic then.
struct Bell {
    rung: Arc<AtomicUsize>,
    panics: bool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "a task that panics");
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_asleep() {
    let rung = Arc::new(AtomicUsize::new(0));
    let mut wakers = Wakers::default();
    for panics in [false, true, false, true, false] {
        let bell = Bell {
            rung: Arc::clone(&rung),
            panics,
        };
        assert!(
            wakers
                .park(&mut None, Waker::from(Arc::new(bell)))
                .is_none()
        );
    }
    let woken = catch_unwind(AssertUnwindSafe(|| wake(wakers.take())));
    assert!(woken.is_err(), "the panic goes on");
    assert_eq!(rung.load(Ordering::Relaxed), 5);
}
