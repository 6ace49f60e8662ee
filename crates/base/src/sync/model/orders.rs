//! How models run under `loom`: all orders with at most two preemptions, which is where most bugs show.

use std::sync::Arc;
// Counts for people, beside what is modelled.
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs `model` once for each order and each value that weak memory may show, and says how many there were. A build with
/// planted bugs has the one that `DRYSTONE_PLANTED` names.
///
/// # Panics
/// When the model does, under any of them.
pub fn check_orders(name: &str, model: fn()) {
    #[cfg(planted)]
    plant();
    let mut builder = loom::model::Builder::new();
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

/// Chooses the bug that was asked for, once for all models.
#[cfg(planted)]
fn plant() {
    static CHOSEN: std::sync::Once = std::sync::Once::new();
    CHOSEN.call_once(|| {
        if let Ok(bug) = std::env::var("DRYSTONE_PLANTED") {
            crate::planted::plant(&bug);
        }
    });
}
