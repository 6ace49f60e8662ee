//! Background work, syncs, checks and figures.

use drystone::StoreStats;
use drystone_testkit::Outcome;

use super::Run;
use super::judge::Stop;
use crate::failure::FailureKind;

/// Two full memtables may wait for their merge when a third begins to fill, as `Options::memtable_bytes` says.
const FULL_MEMTABLES: u8 = 3;

impl Run<'_> {
    /// One slice of background work: `Async` commits are durable after it.
    pub(super) fn background_step(&mut self) -> Result<(), Stop> {
        match self.db()?.step() {
            Ok(is_more) => {
                self.note(u64::from(is_more));
                self.oracle.stepped();
                Ok(())
            }
            Err(error) => self.write_failed("step", &error).map(drop),
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), Stop> {
        match self.db()?.flush() {
            Ok(()) => {
                self.oracle.synced();
                Ok(())
            }
            Err(error) => self.write_failed("flush", &error).map(drop),
        }
    }

    /// Nothing that is read afterwards is other than before, as all looks check.
    pub(super) fn compact(&mut self) -> Result<(), Stop> {
        match self.db()?.compact() {
            Ok(compacted) => {
                self.note(compacted.after);
                self.oracle.synced();
                Ok(())
            }
            Err(error) => self.write_failed("compact", &error).map(drop),
        }
    }

    pub(super) fn sync(&mut self) -> Result<(), Stop> {
        match self.db()?.sync() {
            Ok(()) => {
                self.oracle.synced();
                Ok(())
            }
            Err(error) => self.write_failed("sync", &error).map(drop),
        }
    }

    /// Checks everything: nothing is wrong, no block is leaked, indexes agree with their tables.
    ///
    /// A sync that failed, or harm to one of them, may leave one copy of a superblock behind its twin, and nobody the wiser until the page cache
    /// forgets: opening must mend that.
    pub(super) fn verify(&mut self) -> Result<(), Stop> {
        let checked = self.check_all();
        let may_differ = self.faults.sync_failed || self.faults.worst == Outcome::Mended;
        if may_differ && matches!(checked, Err(Stop::Broken { .. })) {
            self.coverage.count("verify: again after a reopen");
            self.faults.sync_failed = false;
            self.reopen()?;
            return match self.open.is_some() {
                true => self.check_all(),
                false => Ok(()),
            };
        }
        checked
    }

    fn check_all(&mut self) -> Result<(), Stop> {
        let report = match self.db()?.verify() {
            Ok(report) => report,
            // It syncs first.
            Err(error) => return self.write_failed("verify", &error).map(drop),
        };
        self.oracle.synced();
        self.note(report.entries);
        let Some(finding) = report.findings.first() else {
            return Ok(());
        };
        self.notice_lies();
        if self.is_media_broken() {
            return Err(Stop::Reported);
        }
        if finding.kind() == drystone::ErrorKind::Io {
            return self.read_failed("verify", finding);
        }
        Err(Stop::broken(FailureKind::NotSound, finding.report()))
    }

    /// Memory is within its budget.
    pub(super) fn stats(&mut self) -> Result<(), Stop> {
        let stats = self.db()?.stats();
        self.note(stats.visible_lsn.0);
        let options = self.db()?.options().clone();
        // A base that the medium put back to an older state has more of the log to replay than memtables hold.
        if !self.is_media_broken() {
            self.memtables_keep_to_their_budget(&stats, options.memtable_bytes)?;
        }
        let (cache, budget) = (stats.engine.cache_bytes, stats.engine.cache_bytes_max);
        if cache > budget {
            return Err(over("the cache", cache, budget));
        }
        if stats.merged_lsn > stats.durable_lsn || stats.merged_lsn > stats.visible_lsn {
            return Err(Stop::broken(
                FailureKind::NotSound,
                format!("merged more than is durable and visible: {stats:?}"),
            ));
        }
        Ok(())
    }

    fn memtables_keep_to_their_budget(
        &self,
        stats: &StoreStats,
        memtable_bytes: u64,
    ) -> Result<(), Stop> {
        let (sealed, budget) = (stats.sealed_memtables as u64, u64::from(FULL_MEMTABLES));
        if sealed > budget {
            return Err(over("sealed memtables", sealed, budget));
        }
        // Each is larger than the option says by less than the commit that filled it.
        let budget = budget * (memtable_bytes + self.oracle.largest_commit_bytes());
        if stats.memtable_bytes > budget {
            return Err(over("memtables", stats.memtable_bytes, budget));
        }
        Ok(())
    }
}

fn over(what: &str, found: u64, budget: u64) -> Stop {
    Stop::broken(
        FailureKind::OverBudget,
        format!("{what}: {found}; the budget is {budget}"),
    )
}
