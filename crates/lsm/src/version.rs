//! Version: one state, as the SSTs that hold it.
//!
//! # Invariants
//! - V1. Runs of level 0 are ordered by number, the newest first; a key's newest entry is in the first run that has one,
//!   level 0 before level 1 before level 2.
//! - V2. SSTs of one run do not overlap.
//! - V3. Entries of a keyspace that is not among `keyspaces` count for nothing. Those of one that was dropped are in
//!   `dropped` until no SST can hold any: until then it does not begin again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drystone_base::{KeyspaceId, Lsn, Malformed};
use drystone_compress::Codec;
use drystone_engine::{EngineError, StageId};

use crate::block::Slot;
use crate::key;
use crate::level::LEVELS;
use crate::manifest::edit::{Edit, StageEdit};
use crate::run::Run;
use crate::sst::Sst;
use crate::sst::meta::SstMeta;
use crate::store::Store;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Version {
    pub(crate) lsn: Lsn,
    pub(crate) next_number: u64,
    pub(crate) next_run: u64,
    pub(crate) made: StageId,
    pub(crate) adopted: StageId,
    pub(crate) level0: Vec<Run>,
    /// Levels 1 and deeper; at 0 there is nothing.
    pub(crate) deeper: [Run; LEVELS],
    /// With their own codecs.
    pub(crate) keyspaces: Arc<BTreeMap<KeyspaceId, Option<Codec>>>,
    pub(crate) dropped: Arc<BTreeSet<KeyspaceId>>,
    pub(crate) stage: Option<Arc<Stage>>,
}

/// A stage that is undecided.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) ssts: Vec<Arc<Sst>>,
    pub(crate) edit: StageEdit,
}

impl Version {
    /// All runs, the newest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.level0
            .iter()
            .chain(self.deeper.iter().filter(|run| !run.is_empty()))
    }

    /// All SSTs but those of the stage.
    pub(crate) fn ssts(&self) -> impl Iterator<Item = &Arc<Sst>> {
        self.runs().flat_map(Run::ssts)
    }

    pub(crate) fn has(&self, keyspace: KeyspaceId) -> bool {
        self.keyspaces.contains_key(&keyspace)
    }

    /// The newest value of a full key.
    pub(crate) fn get(&self, full_key: &[u8], hash: u64) -> Result<Option<Slot>, EngineError> {
        for run in self.runs() {
            if let Some(slot) = run.get(full_key, hash)? {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    /// Whether a full key lies within any SST, so that a tombstone of it may hide something.
    pub(crate) fn may_hold(&self, full_key: &[u8]) -> bool {
        self.runs().any(|run| run.covering(full_key).is_some())
    }

    /// Whether one of `levels` has an SST that a full key lies within.
    pub(crate) fn may_hold_below(&self, level: usize, full_key: &[u8]) -> bool {
        let below = self.deeper.iter().skip(level + 1);
        below
            .into_iter()
            .any(|run| run.covering(full_key).is_some())
    }

    /// Whether an SST holds entries of keyspaces that were dropped. One that cannot be read may hold any.
    pub(crate) fn holds_dropped(&self, sst: &Sst) -> bool {
        self.dropped_in(sst).next().is_some()
    }

    /// The dropped keyspaces of which an SST holds entries: its properties tell, where its range of keys leaves it open.
    fn dropped_in(&self, sst: &Sst) -> impl Iterator<Item = KeyspaceId> {
        let first = key::keyspace_of(&sst.meta.smallest).unwrap_or(KeyspaceId(0));
        let last = key::keyspace_of(&sst.meta.largest).unwrap_or(KeyspaceId(u32::MAX));
        let mut within: Vec<KeyspaceId> = self.dropped.range(first..=last).copied().collect();
        if !within.is_empty()
            && let Ok(properties) = sst.properties()
        {
            within.retain(|id| properties.has(*id));
        }
        within.into_iter()
    }

    /// Whether nothing waits to be adopted or discarded, on which a merge could not build.
    pub(crate) fn check_decided(&self) -> Result<(), EngineError> {
        match self.stage {
            None => Ok(()),
            Some(_) => Err(EngineError::Undecided { stage: self.made }),
        }
    }

    /// The state after an edit.
    pub(crate) fn apply(&self, edit: &Edit, store: &Arc<Store>) -> Result<Version, Malformed> {
        let mut next = Version {
            lsn: edit.lsn,
            next_number: edit.next_number,
            next_run: edit.next_run,
            made: edit.made,
            adopted: edit.adopted,
            ..self.clone()
        };
        next.apply_keyspaces(edit);
        next.apply_ssts(edit, store)?;
        next.stage = edit.stage.as_ref().map(|stage| self.staged(stage, store));
        Ok(next)
    }

    fn apply_keyspaces(&mut self, edit: &Edit) {
        if !edit.begin.is_empty() || !edit.dropped.is_empty() {
            let keyspaces = Arc::make_mut(&mut self.keyspaces);
            keyspaces.retain(|id, _| !edit.dropped.contains(id));
            keyspaces.extend(edit.begin.iter().copied());
        }
        if !edit.dropped.is_empty() || !edit.forgotten.is_empty() {
            let dropped = Arc::make_mut(&mut self.dropped);
            dropped.extend(edit.dropped.iter().copied());
            dropped.retain(|id| !edit.forgotten.contains(id));
        }
    }

    fn apply_ssts(&mut self, edit: &Edit, store: &Arc<Store>) -> Result<(), Malformed> {
        if edit.add.is_empty() && edit.remove.is_empty() {
            return Ok(());
        }
        let removed: BTreeSet<u64> = edit.remove.iter().copied().collect();
        let mut runs: BTreeMap<(usize, u64), Vec<Arc<Sst>>> = BTreeMap::new();
        let mut missing = removed.clone();
        let stays = |sst: &&Arc<Sst>| !missing.remove(&sst.meta.number);
        for sst in self.ssts().filter(stays) {
            let place = (sst.meta.level, sst.meta.run);
            runs.entry(place).or_default().push(Arc::clone(sst));
        }
        if let Some(number) = missing.first() {
            return Err(Malformed::new(
                "SST that is removed",
                "one that is there",
                number.to_string(),
            ));
        }
        let known = self.stage.as_ref();
        for meta in &edit.add {
            let same = known.and_then(|stage| stage.ssts.iter().find(|sst| sst.meta == *meta));
            let sst = same.map_or_else(
                || Arc::new(Sst::new(meta.clone(), Arc::clone(store))),
                Arc::clone,
            );
            runs.entry((meta.level, meta.run)).or_default().push(sst);
        }
        self.level0.clear();
        self.deeper = Default::default();
        for ((level, _), ssts) in runs {
            let numbers: Vec<u64> = ssts.iter().map(|sst| sst.meta.number).collect();
            let overlap = || {
                let found = format!("overlapping ones in level {level}: {numbers:?}");
                Malformed::new("SSTs of a run", "ones apart from each other", found)
            };
            let run = Run::new(ssts).ok_or_else(overlap)?;
            match level {
                0 => self.level0.insert(0, run),
                level => self.deeper[level] = run,
            }
        }
        Ok(())
    }

    /// A stage of an edit; its SSTs are those that are known already, where they are.
    fn staged(&self, edit: &StageEdit, store: &Arc<Store>) -> Arc<Stage> {
        if let Some(stage) = self.stage.as_ref().filter(|stage| stage.edit == *edit) {
            return Arc::clone(stage);
        }
        let sst = |meta: &SstMeta| Arc::new(Sst::new(meta.clone(), Arc::clone(store)));
        Arc::new(Stage {
            ssts: edit.ssts.iter().map(sst).collect(),
            edit: edit.clone(),
        })
    }

    /// An edit that changes nothing, to be filled.
    pub(crate) fn edit(&self) -> Edit {
        Edit {
            lsn: self.lsn,
            next_number: self.next_number,
            next_run: self.next_run,
            made: self.made,
            adopted: self.adopted,
            stage: self.stage.as_ref().map(|stage| stage.edit.clone()),
            ..Edit::default()
        }
    }

    /// All of it, as an edit of nothing.
    pub(crate) fn full_edit(&self) -> Edit {
        Edit {
            add: self.ssts().map(|sst| sst.meta.clone()).collect(),
            begin: self
                .keyspaces
                .iter()
                .map(|(id, codec)| (*id, *codec))
                .collect(),
            dropped: self.dropped.iter().copied().collect(),
            ..self.edit()
        }
    }

    /// Those that were dropped, and of which no SST of `self` holds an entry any more.
    pub(crate) fn forgettable(&self) -> Vec<KeyspaceId> {
        if self.dropped.is_empty() {
            return Vec::new();
        }
        let staged = self.stage.iter().flat_map(|stage| &stage.ssts);
        let ssts = self.ssts().chain(staged);
        let left: BTreeSet<KeyspaceId> = ssts.flat_map(|sst| self.dropped_in(sst)).collect();
        self.dropped.difference(&left).copied().collect()
    }
}
