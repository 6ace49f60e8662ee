//! Stages that cannot be decided at once, because the disk refuses: the commit is what it is, and background work, a
//! compaction or the closing does what was left.

use std::io::ErrorKind;
use std::sync::Arc;

use drystone_base::KeyspaceId;
use drystone_mvcc::{Durability, Store, StoreError, StoreOptions};
use drystone_testkit::{CRASH_FOLDER, CrashPolicy, Fault, OpKind, SimFileSystem};

use crate::hooked::{Hooked, ids};
use crate::large::{check_sound, key};
use crate::support::{begin, put};

fn options() -> StoreOptions {
    StoreOptions {
        spill_bytes: 2 << 10,
        ..StoreOptions::default()
    }
}

/// A store whose last large commit has a stage that waits.
struct Unsettled {
    disk: SimFileSystem,
    engine: Arc<Hooked>,
    store: Store,
    ks: KeyspaceId,
    /// How many entries there must be.
    count: u64,
}

/// What becomes of the stage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Adopted,
    Discarded,
}

/// Commits while the nth write to the base, and all after it, fail; `None` where the stage itself could not be made, or
/// all went well.
fn try_leave(nth: u64, then: Then) -> Option<Unsettled> {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let (engine, store) = Hooked::open(&disk.env(), options()).unwrap();
    let [ks] = ids(&store, ["main"]);
    put(&store, ks, "key 00000", "old");
    store.flush().unwrap();
    let mut tx = begin(&store);
    for number in 0..100 {
        tx.put(ks, key(number), vec![1; 100]).unwrap();
    }
    let (others, full) = (store.clone(), disk.clone());
    engine.meanwhile(move || {
        if then == Then::Discarded {
            put(&others, ks, "key 00050", "mine");
        }
        let refused = Fault::error(OpKind::Write, ErrorKind::StorageFull);
        full.inject(refused.under("/db/btree").nth(nth).for_ever());
    });
    let committed = tx.commit(Durability::Sync);
    match then {
        Then::Adopted => drop(committed.unwrap()),
        Then::Discarded => assert!(matches!(committed, Err(StoreError::Conflict { .. }))),
    }
    let count = match then {
        Then::Adopted => 100,
        Then::Discarded => 2,
    };
    let left = Unsettled {
        disk,
        engine,
        store,
        ks,
        count,
    };
    left.check();
    left.engine.has_stage().then_some(left)
}

fn leave(then: Then) -> Unsettled {
    let mut tries = (1..40).filter_map(|nth| try_leave(nth, then));
    tries.next().expect("the first write of the decision fails")
}

impl Unsettled {
    fn check(&self) {
        assert_eq!(self.store.view().count(self.ks).unwrap(), self.count);
        let crashed = self.disk.crash(CrashPolicy::LoseAll);
        let (_, store) = Hooked::open(&crashed.env(), options()).unwrap();
        assert_eq!(store.view().count(self.ks).unwrap(), self.count);
        check_sound(&store);
    }
}

const BOTH: [Then; 2] = [Then::Adopted, Then::Discarded];

#[test]
fn background_work_settles_a_stage() {
    for then in BOTH {
        let left = leave(then);
        let refused = left.store.step().unwrap_err();
        assert!(matches!(refused, StoreError::Engine(_)), "{refused}");
        assert!(left.engine.has_stage());
        left.check();
        left.disk.clear_faults();
        left.store.step().unwrap();
        assert!(!left.engine.has_stage());
        left.check();
        check_sound(&left.store);
    }
}

#[test]
fn a_compaction_settles_a_stage_first() {
    for then in BOTH {
        let left = leave(then);
        left.store.compact().unwrap_err();
        assert!(left.engine.has_stage());
        left.disk.clear_faults();
        left.store.compact().unwrap();
        assert!(!left.engine.has_stage());
        left.check();
        check_sound(&left.store);
    }
}

#[test]
fn the_closing_settles_a_stage_or_leaves_it_to_the_opening() {
    for then in BOTH {
        let left = leave(then);
        left.disk.clear_faults();
        left.store.close().unwrap();
        assert!(!left.engine.has_stage());
        assert!(matches!(left.store.step(), Err(StoreError::Closed)));
        left.check();
        let left = leave(then);
        left.store.close().unwrap();
        assert!(left.engine.has_stage());
        left.disk.clear_faults();
        assert!(matches!(left.store.step(), Err(StoreError::Closed)));
        assert!(left.engine.has_stage(), "the files may be another's by now");
        left.check();
    }
}

#[test]
fn a_merge_and_another_large_commit_settle_a_stage_first() {
    for then in BOTH {
        let left = leave(then);
        put(&left.store, left.ks, "key 00001", "mine");
        left.store.flush().unwrap_err();
        left.disk.clear_faults();
        left.store.flush().unwrap();
        assert!(!left.engine.has_stage());
        let left = leave(then);
        left.disk.clear_faults();
        let mut tx = begin(&left.store);
        for number in 200..300 {
            tx.put(left.ks, key(number), vec![2; 100]).unwrap();
        }
        tx.commit(Durability::Sync).unwrap();
        assert!(!left.engine.has_stage());
        let found = left.store.view().count(left.ks).unwrap();
        assert_eq!(found, left.count + 100);
        check_sound(&left.store);
    }
}
