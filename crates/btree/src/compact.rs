//! Compaction: fills leaves up, and moves pages from the end of the file to free blocks at its front, so that the end can
//! be cut off. Readers and merges go on between its slices.
//!
//! ```text
//!  begin ---> fill: leaves that others' room would hold are rewritten ---> move: pages behind the limit go before it ---+
//!                                                                            ^                                          |
//!                                                                            +------- while that gains something -------+
//! ```
//!
//! A slice rewrites some neighbouring leaves, and the nodes above them, and commits the same entries at the same LSN in
//! other pages. So a crash leaves what was before a slice or after it; and a merge may come between two slices, for a job
//! remembers only the key at which it goes on. Blocks that a slice frees are reused by the next ones, unless a reader needs
//! them: then the file gets shorter when the reader has gone.
//!
//! # Invariants
//! - C1. A slice changes no entry.
//! - C2. The limit of a pass lies where the file would end if its pages had no gaps between them. Only pages behind it
//!   move, and only to the front. A pass looks at each leaf once, so it ends.

mod rewrite;

use drystone_base::KeyspaceId;
use drystone_engine::{Budget, EngineError, Progress};
use drystone_storage_pager::{BLOCK_BYTES, BlockNo, Codec, PagerStats};

use crate::btree::BTree;
use crate::compact::rewrite::{Rewrite, Rule};
use crate::directory::Fate;
use crate::error::from_pager;
use crate::merge::tower::Tower;
use crate::snapshot::State;
use crate::tree::Tree;

/// Space is given back of itself where this share of the file is free, and so many blocks.
const RECLAIM_SHARE: u64 = 4;
const RECLAIM_BLOCKS_MIN: u64 = 64;

/// Passes that move pages. What is left after them lies in gaps that are too short for it.
const MOVES_MAX: u8 = 4;

/// What is left of a file to be gained is not worth a pass if it is less than one part in so many, or so many blocks.
const GAIN_SHARE: u64 = 64;
const GAIN_BLOCKS_MIN: u64 = 16;

/// What of a tree is being compacted, and what was.
#[derive(Debug, Default)]
pub(crate) struct Compactions {
    job: Option<Compaction>,
    /// How many merges there had been when space was last given back of itself.
    reclaimed_after: Option<u64>,
}

/// A compaction under way.
#[derive(Debug)]
struct Compaction {
    aim: Aim,
    pass: Pass,
    rule: Rule,
    /// Where the next slice begins. `None`: the pass is through.
    from: Option<Place>,
    /// Whether the pass has changed anything.
    has_gained: bool,
}

/// How far a compaction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// As far as it can.
    Smallest,
    /// Pages are moved, no leaves filled, where much is free.
    NoGaps,
}

#[derive(Clone, Copy, Debug)]
enum Pass {
    Begin,
    Fill,
    /// The passes that moved pages before this one.
    Move(u8),
}

/// A key of a keyspace.
#[derive(Debug)]
struct Place {
    keyspace: KeyspaceId,
    key: Vec<u8>,
}

impl Compactions {
    /// A slice of making the file as small as it gets.
    ///
    /// # Errors
    /// As a merge. What was done by then stays done.
    pub(crate) fn compact(
        &mut self,
        tree: &BTree,
        budget: Budget,
    ) -> Result<Progress, EngineError> {
        let job = self.job.take().filter(|job| job.aim == Aim::Smallest);
        let job = job.unwrap_or_else(|| Compaction::new(Aim::Smallest));
        self.go_on(job, tree, budget)
    }

    /// A slice of giving space back, if that is worth it, and was not done since the last of so many merges.
    ///
    /// # Errors
    /// As [`Compactions::compact`].
    pub(crate) fn reclaim(
        &mut self,
        tree: &BTree,
        merges: u64,
        budget: Budget,
    ) -> Result<Progress, EngineError> {
        let job = match self.job.take() {
            Some(job) => job,
            None if self.reclaimed_after == Some(merges) => return Ok(Progress::Idle),
            None if !is_reclaim_worth_it(tree)? => return Ok(Progress::Idle),
            None => Compaction::new(Aim::NoGaps),
        };
        let progress = self.go_on(job, tree, budget)?;
        if progress == Progress::Idle {
            self.reclaimed_after = Some(merges);
        }
        Ok(progress)
    }

    fn go_on(
        &mut self,
        mut job: Compaction,
        tree: &BTree,
        budget: Budget,
    ) -> Result<Progress, EngineError> {
        let progress = job.step(tree, budget)?;
        if progress == Progress::More {
            self.job = Some(job);
        }
        Ok(progress)
    }
}

impl Compaction {
    fn new(aim: Aim) -> Compaction {
        Compaction {
            aim,
            pass: Pass::Begin,
            rule: Rule::Fill,
            from: None,
            has_gained: false,
        }
    }

    /// Compacts for about `budget`. [`Progress::Idle`]: there is nothing left to be gained.
    ///
    /// # Errors
    /// As a merge. The job is then to be dropped.
    fn step(&mut self, tree: &BTree, budget: Budget) -> Result<Progress, EngineError> {
        // Pages of a state that waits for its adoption have two parents.
        if tree.staged_state().is_some() {
            return Ok(Progress::Idle);
        }
        let from = match self.from.take() {
            Some(from) => from,
            None => match self.begin_pass(tree)? {
                Some(from) => from,
                None => return Ok(Progress::Idle),
            },
        };
        self.slice(tree, from, budget)?;
        Ok(Progress::More)
    }

    /// Gives back what the pass before has made free, and says where the next one begins.
    fn begin_pass(&mut self, tree: &BTree) -> Result<Option<Place>, EngineError> {
        tree.trim()?;
        let stats = tree.pages().pager().stats();
        let limit = limit(&stats);
        self.pass = match self.pass {
            Pass::Begin if self.aim == Aim::Smallest => Pass::Fill,
            Pass::Begin | Pass::Fill => Pass::Move(0),
            Pass::Move(before) if self.has_gained && before + 1 < MOVES_MAX => {
                Pass::Move(before + 1)
            }
            Pass::Move(_) => return Ok(None),
        };
        self.rule = match self.pass {
            Pass::Move(_) if !is_worth_it(&stats, limit) => return Ok(None),
            Pass::Move(_) => Rule::Move(limit),
            _ => Rule::Fill,
        };
        self.has_gained = false;
        Ok(Some(Place {
            keyspace: KeyspaceId(0),
            key: Vec::new(),
        }))
    }

    /// Rewrites from a place on, as far as the budget goes, and commits that.
    fn slice(&mut self, tree: &BTree, from: Place, budget: Budget) -> Result<(), EngineError> {
        let mut writer = tree.begin_writer()?;
        let newest = tree.newest();
        let old = newest.state();
        writer.place_low();
        let mut tower = Tower::new(old.shared_pages(), writer);
        let fates = self.rewrite_keyspaces(&mut tower, old, from, budget)?;
        let mut directory = Tree {
            codec: Codec::None,
            root: old.directory(),
        };
        if self.from.is_none() {
            directory = Rewrite::new(&mut tower, self.rule, u64::MAX).run(directory)?;
        }
        if fates.is_empty() && directory.root == old.directory() {
            return Ok(()); // and the writer has written nothing
        }
        self.has_gained = true;
        tree.count_moved(tower.spent_bytes());
        tree.commit(tower, old, directory.root, &fates, old.root().lsn)
    }

    /// Returns the keyspaces whose trees are others now, and notes where the next slice begins.
    fn rewrite_keyspaces(
        &mut self,
        tower: &mut Tower,
        old: &State,
        from: Place,
        budget: Budget,
    ) -> Result<Vec<(KeyspaceId, Fate)>, EngineError> {
        let mut fates = Vec::new();
        let keyspaces = old.keyspaces().iter();
        for keyspace in keyspaces.skip_while(|keyspace| keyspace.id() < from.keyspace) {
            let (id, tree) = (keyspace.id(), keyspace.tree());
            let key = match id == from.keyspace {
                true => from.key.clone(),
                false => Vec::new(),
            };
            if tower.spent_bytes() >= budget.bytes.max(1) {
                self.from = Some(Place { keyspace: id, key });
                break;
            }
            let mut rewrite = Rewrite::new(tower, self.rule, budget.bytes).starting_at(key);
            let next = rewrite.run(tree)?;
            let stopped_at = rewrite.stopped_at();
            if next != tree {
                fates.push((id, Fate::Tree(next)));
            }
            if let Some(key) = stopped_at {
                self.from = Some(Place { keyspace: id, key });
                break;
            }
        }
        Ok(fates)
    }
}

/// Where the file would end without gaps.
fn limit(stats: &PagerStats) -> BlockNo {
    let used = stats.file_bytes - stats.free_bytes - stats.pinned_bytes;
    BlockNo(used / BLOCK_BYTES as u64)
}

/// Whether so much is free, and not kept by readers, that what is in use should be moved for it.
fn is_reclaim_worth_it(tree: &BTree) -> Result<bool, EngineError> {
    let pager = tree.pages().pager();
    let stats = pager.stats();
    let least = (RECLAIM_BLOCKS_MIN * BLOCK_BYTES as u64).max(stats.file_bytes / RECLAIM_SHARE);
    if stats.free_bytes + stats.pinned_bytes < least {
        return Ok(false);
    }
    drop(pager.begin().map_err(from_pager)?); // it finds out which readers have gone
    Ok(pager.stats().free_bytes >= least)
}

fn is_worth_it(stats: &PagerStats, limit: BlockNo) -> bool {
    let blocks = stats.file_bytes / BLOCK_BYTES as u64;
    let gain = blocks.saturating_sub(limit.0);
    gain >= GAIN_BLOCKS_MIN.max(blocks / GAIN_SHARE)
}
