//! What went wrong on the disk of a run, and what of the database it may have broken, as the atlas says.

use std::path::Path;

use drystone_testkit::{CrashPolicy, FaultAtlas, Happened, Hazard, Outcome};

use super::Run;

/// What was done to the disk, and so which errors are right.
pub(super) struct FaultState {
    atlas: FaultAtlas,
    /// What harmed something that is stored.
    harm: Vec<Happened>,
    /// The worst that may have come of it.
    pub(super) worst: Outcome,
    /// Of what happened to this disk: how much was looked at.
    seen: usize,
    /// For how much of it calls may fail. So many when the database was opened, and when the current step began.
    pub(super) struck: u64,
    pub(super) struck_at_open: u64,
    pub(super) struck_at_step: u64,
    /// What was durable for certain when the current step began.
    pub(super) floor_at_step: usize,
    /// Whether something waits to happen for which calls may fail.
    pub(super) is_declared: bool,
    /// Whether only lack of space was declared since the database was opened.
    pub(super) only_space: bool,
    pub(super) is_capped: bool,
    /// Whether syncs find out that the disk is full.
    pub(super) is_late: bool,
    /// Whether a sync was told to fail on this disk.
    pub(super) sync_failed: bool,
    /// Whether a file may owe an error of a sync that said nothing of it.
    pub(super) owes_error: bool,
    /// Whether a sector cannot be read any more.
    pub(super) is_unreadable: bool,
    lie: Option<Lie>,
}

/// Commits that may be missing without a word.
#[derive(Clone, Copy, Debug)]
struct Lie {
    /// The oldest state that may be found.
    from: usize,
    /// Until a later write vouches for more than this state.
    until: usize,
}

impl FaultState {
    /// Of a disk on which nothing was done yet, with the database in `folder`.
    pub(super) fn of(folder: &Path) -> FaultState {
        FaultState {
            atlas: FaultAtlas::of_database(folder),
            harm: Vec::new(),
            worst: Outcome::Kept,
            seen: 0,
            struck: 0,
            struck_at_open: 0,
            struck_at_step: 0,
            floor_at_step: 0,
            is_declared: false,
            only_space: true,
            is_capped: false,
            is_late: false,
            sync_failed: false,
            owes_error: false,
            is_unreadable: false,
            lie: None,
        }
    }

    /// The story goes on with a disk to which nothing happens yet. What is harmed stays so.
    pub(super) fn plug_in(&mut self) {
        self.seen = 0;
        self.struck = 0;
        self.struck_at_open = 0;
        self.struck_at_step = 0;
        self.is_declared = false;
        self.only_space = true;
        self.is_capped = false;
        self.is_late = false;
        self.sync_failed = false;
        self.owes_error = false;
    }

    /// A reopen found a state: what it showed is what there is.
    pub(super) fn found(&mut self) {
        self.lie = None;
    }

    /// Whether anything was done to the disk that a copy of it would have, too, or that waits to happen.
    pub(super) fn may_be_wrong(&self) -> bool {
        self.is_declared || self.sync_failed || self.owes_error || self.worst > Outcome::Kept
    }

    /// Whether calls may fail for what has just happened.
    fn is_reason(&self, happened: &Happened) -> bool {
        // A full disk fails calls for as long as it is full, and nothing that was not tried when it has room again.
        let is_space = happened.hazard == Hazard::FullDisk && !self.is_late;
        !is_space && happened.hazard.outcome() >= Outcome::Refused
    }

    /// Takes note of harm, and judges anew.
    fn harmed(&mut self, happened: Happened) {
        self.is_unreadable |= happened.hazard == Hazard::BadSector;
        self.harm.push(happened);
        self.worst = self.atlas.of_happened(&self.harm).worst();
    }
}

impl Run<'_> {
    /// Looks at what happened to the disk since the last look.
    pub(super) fn notice_lies(&mut self) {
        for happened in self.disk.happened_since(self.faults.seen) {
            self.faults.seen += 1;
            self.faults.struck += u64::from(self.faults.is_reason(&happened));
            self.coverage.count("fault: struck");
            self.take_note(happened);
        }
    }

    /// Power was cut, perhaps so that what was durable is harmed.
    pub(super) fn notice_cut(&mut self, policy: CrashPolicy) {
        self.take_note(Happened {
            item: None,
            operation: self.disk.operations(),
            hazard: policy.hazard(),
            path: Path::new("").to_owned(),
            bytes: 0..u64::MAX,
            what: policy.to_string(),
        });
    }

    pub(super) fn count_hazard(&mut self, hazard: Hazard) {
        self.coverage.count(&format!("hazard: {hazard:?}"));
    }

    fn take_note(&mut self, happened: Happened) {
        self.count_hazard(happened.hazard);
        let hazard = happened.hazard;
        let harms = hazard.outcome() >= Outcome::Detected;
        // Power that is cut beside a harmed copy may tear the other one.
        if !harms && (hazard != Hazard::PowerCut || self.faults.harm.is_empty()) {
            return;
        }
        self.faults.harmed(happened);
        if harms && self.faults.worst == Outcome::Lost {
            self.expect_losses(hazard);
        }
    }

    /// From now on commits may be missing without a word.
    fn expect_losses(&mut self, hazard: Hazard) {
        let floor = self.oracle.floor();
        let before = self.faults.floor_at_step.min(floor);
        let (from, until) = match hazard {
            // A call was lied to: what was durable before it is not touched.
            Hazard::LyingSync | Hazard::LostWrite | Hazard::MisdirectedRead => (before, before),
            // One place of the log, and all before it that nothing vouches for, or all of a file.
            _ => (0, floor),
        };
        let before = self.faults.lie.unwrap_or(Lie { from, until });
        self.faults.lie = Some(Lie {
            from: from.min(before.from),
            until: until.max(before.until),
        });
    }

    pub(super) fn was_struck_since_open(&self) -> bool {
        let faults = &self.faults;
        faults.owes_error || faults.is_late || faults.struck > faults.struck_at_open
    }

    /// Whether damage may be met that is reported.
    pub(super) fn is_media_broken(&self) -> bool {
        self.faults.worst >= Outcome::Detected
    }

    /// The oldest state that a reopen may find without a word.
    pub(super) fn lowest(&self) -> usize {
        let floor = self.oracle.floor();
        match self.faults.lie {
            Some(lie) if self.oracle.vouched() <= lie.until => lie.from.min(floor),
            _ => floor,
        }
    }
}
