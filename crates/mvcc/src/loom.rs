//! How models run under `loom`: all orders with at most two preemptions, which is where most bugs show.

use std::sync::Arc;
// Counts for people, beside what is modelled.
use std::sync::atomic::{AtomicU64, Ordering};

use drystone_base::sync::atomic::{self, Ordering as Modelled};

/// Runs `model` once for each order and each value that weak memory may show, and says how many there were.
pub(crate) fn check(name: &str, model: fn()) {
    let mut builder = ::loom::model::Builder::new();
    if builder.preemption_bound.is_none() {
        builder.preemption_bound = Some(2);
    }
    builder.max_branches = 100_000;
    let orders = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&orders);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("{name}: {} orders", orders.load(Ordering::Relaxed));
}

/// The canary: a flag that publishes nothing, since it is stored and loaded without an order.
#[test]
#[should_panic(expected = "not what was published")]
fn loom_finds_what_weak_memory_shows() {
    check("finds_what_weak_memory_shows", || {
        let shared = ::loom::sync::Arc::new(Published::default());
        let writer = {
            let shared = ::loom::sync::Arc::clone(&shared);
            ::loom::thread::spawn(move || {
                shared.value.store(1, Modelled::Relaxed);
                shared.is_there.store(true, Modelled::Relaxed);
            })
        };
        if shared.is_there.load(Modelled::Relaxed) {
            let value = shared.value.load(Modelled::Relaxed);
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
