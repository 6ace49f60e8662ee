//! E6: merges in slices.

use std::sync::Arc;

use drystone_base::KeyspaceId;
use drystone_engine::{Budget, Change, Changes, EngineError, Malformed, MergeJob, Progress};

use super::EngineLaws;
use super::subject::{Subject, begin_merge, check_verify, merge_in_slices, ok, settle};
use crate::model::Batch;
use crate::sim::CrashPolicy;

/// Budgets of slices: as little as can be, and more.
const BUDGETS: [u64; 4] = [1, 700, 5_000, 1 << 20];

impl EngineLaws {
    /// E6: between the slices of a merge the state is the one before, whatever the budget; after the last it is the one
    /// after, durably. Readers and crashes in between find the state before; a job that is dropped leaves no trace.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn merges_go_on_in_slices(&self) {
        let _note = self.note("merges go on in slices");
        let mut subject = self.subject();
        for (round, budget) in (0..self.merges).zip(BUDGETS.iter().cycle()) {
            let batch = subject.generator.batch();
            leave(&mut subject, &batch, *budget, round % 7);
            check_verify(&*subject.engine, &subject.model);
            if round % 3 == 0 {
                subject.crash(CrashPolicy::Mixed);
            }
            subject.check();
            finish(&mut subject, &batch, *budget);
            settle(&*subject.engine);
            subject.check();
        }
        check_verify(&*subject.engine, &subject.model);
        subject.reopen();
        subject.check();
    }

    /// A job whose changes fail is over, as one that ended is; both leave the engine ready for the next merge.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn jobs_that_are_over_stay_so(&self) {
        let _note = self.note("jobs that are over stay so");
        let mut subject = self.subject();
        subject.merge_next();
        for given in [0, 1, 4] {
            let batch = subject.generator.batch();
            let failing = Box::new(Failing {
                inner: Box::new(batch.stream()),
                left: given,
            });
            let upto = subject.next_lsn();
            let begun = Arc::clone(&subject.engine).begin_merge(failing, upto);
            if let Ok(mut job) = begun {
                while matches!(job.step(Budget { bytes: 1 }), Ok(Progress::More)) {}
                check_over(&mut *job);
            }
            subject.check();
            let mut job = begin_merge(&subject.engine, &batch, upto);
            while ok("slice", job.step(Budget { bytes: 9_000 })) == Progress::More {}
            check_over(&mut *job);
            subject.model.commit(upto, &batch);
            subject.check();
        }
        check_verify(&*subject.engine, &subject.model);
    }
}

fn check_over(job: &mut dyn MergeJob) {
    let again = job.step(Budget { bytes: 1 });
    assert!(
        matches!(again, Err(EngineError::MergeOver)),
        "a slice after the end: {again:?}"
    );
}

/// Begins a merge and leaves it after some slices; a short one, or one of an engine that merges whole, has ended by then.
fn leave(subject: &mut Subject, batch: &Batch, budget: u64, slices: u64) {
    let (before, upto) = (subject.model.last(), subject.next_lsn());
    let mut job = begin_merge(&subject.engine, batch, upto);
    for _ in 0..slices {
        assert_eq!(subject.engine.merged_lsn(), before, "between slices");
        if ok("slice", job.step(Budget { bytes: budget })) == Progress::Idle {
            subject.model.commit(upto, batch);
            break;
        }
    }
    subject.check();
    let verified = ok("verify beside a job", subject.engine.verify());
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
}

/// Merges a batch to its end, as often as it takes.
fn finish(subject: &mut Subject, batch: &Batch, budget: u64) {
    let upto = subject.next_lsn();
    ok(
        "merge",
        merge_in_slices(&subject.engine, batch, upto, budget),
    );
    subject.model.commit(upto, batch);
}

/// Gives so many changes, then an error.
struct Failing {
    inner: Box<dyn Changes + Send>,
    left: usize,
}

impl Changes for Failing {
    fn dropped(&self) -> &[KeyspaceId] {
        self.inner.dropped()
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        if self.left == 0 {
            return Err(EngineError::Corrupt {
                path: "changes".into(),
                offset: 0,
                why: Malformed::new("changes", "more of them", "a planned failure"),
            });
        }
        self.left -= 1;
        self.inner.next_change()
    }
}
