//! Tests of what is published.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;

#[test]
fn what_is_replaced_is_dropped_unless_it_is_read() {
    let first = Arc::new(1);
    let seen: Weak<i32> = Arc::downgrade(&first);
    let published = Published::new(first);
    let loaded = published.load();
    published.store(Arc::new(2));
    assert_eq!((*loaded, *published.load()), (1, 2));
    assert!(seen.upgrade().is_some());
    drop(loaded);
    published.store(Arc::new(3));
    assert!(seen.upgrade().is_none());
    assert_eq!(*published.load_full(), 3);
}

#[test]
fn what_is_loaded_in_full_outlives_the_place() {
    let published = Published::new(Arc::new(String::from("granite")));
    let full = published.load_full();
    published.store(Arc::new(String::from("slate")));
    let newer = published.load_full();
    drop(published);
    assert_eq!((full.as_str(), newer.as_str()), ("granite", "slate"));
    assert_eq!(Arc::strong_count(&full), 1);
}

#[test]
fn more_is_loaded_than_hazards_reach() {
    let published = Published::new(Arc::new(5));
    let all: Vec<_> = (0..100).map(|_| published.load()).collect();
    published.store(Arc::new(6));
    assert!(all.iter().all(|loaded| **loaded == 5));
    assert_eq!(*published.load(), 6);
}

#[test]
fn readers_see_whole_values_in_order() {
    let rounds = if cfg!(miri) { 50 } else { 20_000 };
    let published = Published::new(Arc::new(vec![0u64; 4]));
    let is_over = AtomicBool::new(false);
    let loads = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (published, is_over, loads) = (&published, &is_over, &loads);
            scope.spawn(move || {
                let mut newest = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let value = if reader == 0 {
                        published.load().to_vec()
                    } else {
                        published.load_full().to_vec()
                    };
                    assert!(value[0] >= newest && value.iter().all(|one| *one == value[0]));
                    newest = value[0];
                    loads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 1..=rounds {
            published.store(Arc::new(vec![round; 4]));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(published.load()[0], rounds);
}
