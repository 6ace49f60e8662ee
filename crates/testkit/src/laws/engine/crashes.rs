//! E2: power cuts.

use drystone_base::{Env, Lsn};

use super::EngineLaws;
use super::subject::{LSN_STEP, check_snapshot, merge, merge_in_slices, ok, open_on, settle};
use crate::crash_points::{Checked, CrashPoints, CrashReport, Promises, Witness};
use crate::model::{Batch, Generator, Model};

/// Merges of the workload; few enough that every operation can be tried.
const MERGES: u64 = 10;
/// Every other merge is done in slices of about this many bytes.
const SLICE_BYTES: u64 = 2_000;
/// Power is cut in this many recoveries, one after another.
const DEPTH: usize = 2;

impl EngineLaws {
    /// E2: cut power at any operation, in any way; the engine opens in the state of the last finished merge or the
    /// one that was going on, verifies clean and takes the next merge. Also when power is cut again in all that.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn merges_survive_power_cuts(&self) -> CrashReport {
        let _note = self.note("merges survive power cuts");
        // Each recovery merges one batch more.
        let count = MERGES + DEPTH as u64 + 1;
        let (model, batches) = Generator::new(self.seed, self.shape).history(count, LSN_STEP);
        CrashPoints::new("merges survive power cuts")
            .seed(self.seed)
            .draws(2)
            .nested(DEPTH, 1)
            .run(
                |env, witness| self.merge_all(env, witness, &batches),
                |env, promises| self.check_after_crash(env, promises, &model, &batches),
            )
    }

    fn merge_all(&self, env: &Env, witness: &Witness, batches: &[Batch]) {
        let engine = ok("open", open_on(self, env));
        for number in 1..=MERGES {
            witness.begin(number);
            let (batch, upto) = (batch_number(batches, number), Lsn(number * LSN_STEP));
            let merged = match number % 2 {
                0 => merge(&*engine, batch, upto),
                _ => merge_in_slices(&engine, batch, upto, SLICE_BYTES),
            };
            ok("merge", merged);
            witness.acknowledge(number);
            settle(&*engine);
        }
    }

    fn check_after_crash(
        &self,
        env: &Env,
        promises: &Promises<'_>,
        model: &Model,
        batches: &[Batch],
    ) -> Checked {
        let engine = open_on(self, env)?;
        let at = engine.merged_lsn();
        // A recovery before this one may have finished the merge it tries below.
        let most = promises.last_begun() + DEPTH as u64;
        let found = at.0 / LSN_STEP;
        if at.0 % LSN_STEP != 0 || found < promises.last_acknowledged() || found > most {
            return Err(format!("opened in the state {at}").into());
        }
        check_snapshot(&*engine.snapshot(), model, at);
        if let Some(finding) = engine.verify()?.findings.into_iter().next() {
            return Err(finding.into());
        }
        let next = Lsn((found + 1) * LSN_STEP);
        merge(&*engine, batch_number(batches, found + 1), next)?;
        check_snapshot(&*engine.snapshot(), model, next);
        Ok(())
    }
}

/// Batches are numbered from 1.
fn batch_number(batches: &[Batch], number: u64) -> &Batch {
    let idx = usize::try_from(number - 1).expect("a history is short");
    &batches[idx]
}
