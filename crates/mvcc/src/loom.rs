//! Whether models under `loom` find what weak memory alone shows.

use drystone_base::sync::atomic::{self, Ordering};
use drystone_base::sync::check_orders;

/// The canary: a flag that publishes nothing, since it is stored and loaded without an order.
#[test]
#[should_panic(expected = "not what was published")]
fn loom_finds_what_weak_memory_shows() {
    check_orders("finds_what_weak_memory_shows", || {
        let shared = ::loom::sync::Arc::new(Published::default());
        let writer = {
            let shared = ::loom::sync::Arc::clone(&shared);
            ::loom::thread::spawn(move || {
                shared.value.store(1, Ordering::Relaxed);
                shared.is_there.store(true, Ordering::Relaxed);
            })
        };
        if shared.is_there.load(Ordering::Relaxed) {
            let value = shared.value.load(Ordering::Relaxed);
            assert_eq!(value, 1, "not what was published");
        }
        writer.join().unwrap();
    });
}

#[derive(Default)]
struct Published {
    value: atomic::AtomicU64,
    is_there: atomic::AtomicBool,
}
