//! Tests of hazards.

use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::*;

fn free<'a>(retired: &mut Vec<&'a u64>) -> Vec<&'a u64> {
    take_unprotected(retired, |one| ptr::from_ref(*one).cast())
}

fn place(value: &u64) -> AtomicPtr<u64> {
    AtomicPtr::new(ptr::from_ref(value).cast_mut())
}

#[test]
fn what_is_protected_is_kept_until_it_is_not() {
    let (read, unread) = (7, 8);
    let source = place(&read);
    let hazard = protect(&source).unwrap();
    assert_eq!(hazard.at().as_ptr().cast_const(), &raw const read);
    let mut retired = vec![&read, &unread];
    assert_eq!(free(&mut retired), [&8]);
    assert_eq!(retired, [&7]);
    drop(hazard);
    assert_eq!(free(&mut retired), [&7]);
    assert!(retired.is_empty());
}

#[test]
fn nothing_is_not_protected() {
    let source: AtomicPtr<u64> = AtomicPtr::new(ptr::null_mut());
    assert!(protect(&source).is_none());
}

#[test]
fn a_thread_protects_several_things_and_then_no_more() {
    let values: Vec<u64> = (0..100).collect();
    let sources: Vec<_> = values.iter().map(place).collect();
    let hazards: Vec<_> = sources.iter().filter_map(protect).collect();
    assert!((4..100).contains(&hazards.len()));
    let mut retired: Vec<_> = values.iter().collect();
    assert_eq!(free(&mut retired).len(), 100 - hazards.len());
    drop(hazards);
    assert!(protect(&sources[99]).is_some());
}

#[test]
fn hazards_of_other_threads_count_and_end_with_them() {
    let value = 9;
    let mut retired = vec![&value];
    for _ in 0..3 {
        std::thread::scope(|scope| {
            let source = place(&value);
            let (say, hear) = std::sync::mpsc::channel();
            let (done, wait) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                let hazard = protect(&source).unwrap();
                say.send(()).unwrap();
                wait.recv().unwrap();
                drop(hazard);
            });
            hear.recv().unwrap();
            assert!(free(&mut retired).is_empty());
            done.send(()).unwrap();
        });
        assert_eq!(free(&mut retired), [&9]);
        retired.push(&value);
    }
}

/// A value that says whether it is still there.
struct Live(AtomicBool);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[test]
fn readers_never_meet_what_was_freed() {
    let rounds = if cfg!(miri) { 100 } else { 20_000 };
    let make = || Box::into_raw(Box::new(Live(AtomicBool::new(true))));
    let source = AtomicPtr::new(make());
    let is_over = AtomicBool::new(false);
    // SAFETY: each was made by `make`, unlinked, and is in the list once.
    let free = |one: *mut Live| drop(unsafe { Box::from_raw(one) });
    let mut retired = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let hazard = protect(&source).unwrap();
                    // SAFETY: it is freed once no hazard names it.
                    let live = unsafe { hazard.at().as_ref() };
                    assert!(live.0.load(Ordering::Relaxed));
                }
            });
        }
        for _ in 0..rounds {
            retired.push(source.swap(make(), Ordering::AcqRel));
            take_unprotected(&mut retired, |one| one.cast_const().cast())
                .into_iter()
                .for_each(free);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    retired.push(source.into_inner());
    retired.into_iter().for_each(free);
}

/// Says that a process is the one in which `membarrier` is refused: it is refused for good, and so for no other test.
const REFUSED_HERE: &str = "DRYSTONE_TEST_MEMBARRIER_REFUSED";

#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn what_is_retired_is_freed_where_membarrier_is_refused_later() {
    let test = "sync::hazard::tests::in_a_process_of_its_own_membarrier_is_refused";
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads", "1"])
        .env(REFUSED_HERE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn in_a_process_of_its_own_membarrier_is_refused() {
    if std::env::var_os(REFUSED_HERE).is_none() {
        return; // the test above runs it
    }
    let (first, second, third) = (1, 2, 3);
    let source = place(&first);
    drop(protect(&source));
    let mut retired = vec![&second];
    assert_eq!(free(&mut retired), [&2]);
    if imp_threads::FENCES.load(Ordering::Relaxed) != imp_threads::ASYMMETRIC {
        return; // a system that never grants it
    }
    std::thread::scope(|scope| {
        let (say, hear) = std::sync::mpsc::channel();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let source = &source;
        scope.spawn(move || {
            drop(protect(source)); // with a light fence
            say.send(()).unwrap();
            wait.recv().unwrap();
            let hazard = protect(source).unwrap(); // with a full one
            say.send(()).unwrap();
            wait.recv().unwrap();
            drop(hazard);
        });
        hear.recv().unwrap();
        imp_threads::IS_REFUSED.store(true, Ordering::Relaxed);
        drop(protect(source));
        retired.extend([&first, &third]);
        assert!(free(&mut retired).is_empty(), "no thread knows");
        drop(protect(source));
        assert!(free(&mut retired).is_empty(), "one does not know");
        go_on.send(()).unwrap();
        hear.recv().unwrap();
        assert_eq!(free(&mut retired), [&3], "all know, and one reads");
        go_on.send(()).unwrap();
    });
    assert_eq!(free(&mut retired), [&1], "it has ended");
}
