//! Every order of committers' and a reader's steps, with every value that weak memory may show.

use ::loom::sync::Arc;
use ::loom::thread;
use drystone_base::sync::atomic::{AtomicBool, Ordering};
use drystone_base::sync::check_orders;

use super::*;

/// Publication, and what commits 1 and 2 left in the memtable and on stable media.
struct Pipeline {
    publication: Publication,
    applied: [AtomicBool; 2],
    durable: [AtomicBool; 2],
}

impl Pipeline {
    /// Both commits are applied, in order, and neither is durable.
    fn new(durabilities: [Durability; 2]) -> Arc<Pipeline> {
        let pipeline = Pipeline {
            publication: Publication::new(Lsn::ZERO),
            applied: Default::default(),
            durable: Default::default(),
        };
        for (idx, durability) in durabilities.into_iter().enumerate() {
            pipeline.applied[idx].store(true, Ordering::Relaxed);
            pipeline
                .publication
                .applied(Lsn(idx as u64 + 1), durability);
        }
        Arc::new(pipeline)
    }

    /// The log is durable up to `lsn`.
    fn sync(&self, lsn: u64) {
        for idx in 0..usize::try_from(lsn).unwrap() {
            self.durable[idx].store(true, Ordering::Relaxed);
        }
        self.publication.durable(Lsn(lsn));
    }
}

/// Two threads learn that the log is durable; a reader sees what is, all of it, and never less than before.
#[test]
fn loom_what_is_seen_is_durable_and_stays() {
    check_orders("what_is_seen_is_durable_and_stays", || {
        let pipeline = Pipeline::new([Durability::Sync; 2]);
        let threads = [1, 2].map(|lsn| {
            let pipeline = Arc::clone(&pipeline);
            thread::spawn(move || {
                pipeline.sync(lsn);
                let seen = pipeline.publication.visible();
                assert!(seen >= Lsn(lsn), "returned before it can be seen");
            })
        });
        let mut last = Lsn::ZERO;
        for _ in 0..2 {
            let seen = pipeline.publication.visible();
            assert!(seen >= last, "P2: went back");
            for idx in 0..usize::try_from(seen.0).unwrap() {
                assert!(pipeline.applied[idx].load(Ordering::Relaxed));
                assert!(pipeline.durable[idx].load(Ordering::Relaxed), "P1");
            }
            last = seen;
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(pipeline.publication.visible(), Lsn(2));
    });
}

/// A commit that waits for nothing comes after one that waits: it is not seen before, by whomever it is applied.
#[test]
fn loom_nothing_overtakes_a_commit_that_waits() {
    check_orders("nothing_overtakes_a_commit_that_waits", || {
        let pipeline = Pipeline::new([Durability::Sync, Durability::None]);
        let syncer = {
            let pipeline = Arc::clone(&pipeline);
            thread::spawn(move || pipeline.sync(1))
        };
        let committer = {
            let pipeline = Arc::clone(&pipeline);
            thread::spawn(move || {
                let barrier = pipeline.publication.applied(Lsn(3), Durability::None);
                assert!(barrier.is_none() || barrier == Some(Lsn(1)));
            })
        };
        let seen = pipeline.publication.visible();
        assert!(
            seen == Lsn::ZERO || pipeline.durable[0].load(Ordering::Relaxed),
            "P1"
        );
        syncer.join().unwrap();
        committer.join().unwrap();
        assert_eq!(pipeline.publication.visible(), Lsn(3));
    });
}
