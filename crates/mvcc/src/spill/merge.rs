//! Merge of layers into one stream, in which each key comes once, as the newest layer has it.
//!
//! A tree of losers: each inner node remembers which of its two sides lost there, so taking the next entry compares once
//! for each level, along one path. The keys' first eight bytes are kept beside the tree, so most comparisons touch no
//! key.
//!
//! # Source
//! Knuth, "The Art of Computer Programming", volume 3, section 5.4.1.

use std::cmp::Ordering;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;
use drystone_engine::{Change, Changes, EngineError, Op, Snapshot};

use crate::error::StoreError;

use super::layer::{Layer, Layers};
use super::run::stream::RunStream;
use super::sort_buffer::{KnownKeys, Sorted, head_of};

/// Bytes that are read of a run at once, where the budget allows.
const CHUNK_BYTES_MAX: usize = 1 << 20;
/// And at least so many.
pub(super) const CHUNK_BYTES_MIN: usize = 64 << 10;

/// The entries of layers as the changes that an engine takes.
#[derive(Debug)]
pub(crate) struct LayerChanges {
    dropped: Vec<KeyspaceId>,
    sources: Vec<Source>,
    /// What each source is on.
    at: Vec<At>,
    /// Place 0 has the winner; place n the loser of the match there, whose sides meet in places 2n and 2n + 1.
    losers: Vec<usize>,
    /// The key that was left last.
    key: Vec<u8>,
    /// Whether the winner's entry was given.
    is_given: bool,
    /// What becomes of keys that came before, and the base that is asked for them.
    known: KnownKeys,
    base: Option<Arc<dyn Snapshot>>,
    /// Whether the base has anything of the keyspace that was asked for last.
    asked: Option<(KeyspaceId, bool)>,
    /// What stopped it, in the store's words.
    failure: Option<StoreError>,
}

/// What a key became.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merged<'a> {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) key: &'a [u8],
    /// `None` is a tombstone.
    pub(crate) value: Option<&'a [u8]>,
}

#[derive(Debug)]
enum Source {
    Run(RunStream),
    Sorted { sorted: Arc<Sorted>, idx: usize },
}

/// Where a source stands: what orders it, but for the rest of the key. At its end it stands behind all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct At {
    keyspace: Option<KeyspaceId>,
    head: u64,
}

impl LayerChanges {
    /// Reads with about `memory_bytes` for all runs together.
    pub(crate) fn new(layers: &Layers, memory_bytes: u64) -> Result<LayerChanges, StoreError> {
        let runs = layers.parts.len().max(1) as u64;
        let chunk_bytes = usize::try_from(memory_bytes / runs).unwrap_or(usize::MAX);
        let chunk_bytes = chunk_bytes.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
        // Newest first: among equal keys the first source wins.
        let sources = layers
            .parts
            .iter()
            .rev()
            .map(|part| Source::new(part, chunk_bytes));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        let mut changes = LayerChanges {
            dropped: layers.dropped.iter().copied().collect(),
            at: sources.iter().map(Source::at).collect(),
            losers: vec![0; sources.len()],
            sources,
            key: Vec::new(),
            is_given: false,
            known: layers.known,
            base: None,
            asked: None,
            failure: None,
        };
        changes.build();
        changes.skip_dropped()?;
        Ok(changes)
    }

    /// The changes, as they are folded into `base`: where known keys are refused, it is asked for them.
    pub(crate) fn onto(self, base: Arc<dyn Snapshot>) -> LayerChanges {
        let base = (self.known == KnownKeys::Refused).then_some(base);
        LayerChanges { base, ..self }
    }

    /// What stopped it, if anything did.
    pub(crate) fn take_failure(&mut self) -> Option<StoreError> {
        self.failure.take()
    }

    /// The entry it is on; `None` at the end.
    pub(crate) fn entry(&self) -> Option<Merged<'_>> {
        let &winner = self.losers.first()?;
        let source = &self.sources[winner];
        Some(Merged {
            keyspace: self.at[winner].keyspace?,
            key: source.key(),
            value: source.value(),
        })
    }

    /// To the next entry.
    pub(crate) fn advance(&mut self) -> Result<(), StoreError> {
        self.step()?;
        self.skip_dropped()
    }

    /// What was written to a keyspace before it was dropped goes with it.
    fn skip_dropped(&mut self) -> Result<(), StoreError> {
        while let Some(entry) = self.entry()
            && self.dropped.binary_search(&entry.keyspace).is_ok()
        {
            self.step()?;
        }
        Ok(())
    }

    /// Leaves the winner's key, in all sources: behind it the older ones come that have it too.
    fn step(&mut self) -> Result<(), StoreError> {
        let Some(&winner) = self.losers.first() else {
            return Ok(());
        };
        let left = self.at[winner];
        let Some(keyspace) = left.keyspace else {
            return Ok(());
        };
        self.key.clear();
        self.key.extend_from_slice(self.sources[winner].key());
        self.advance_source(winner)?;
        while let Some(&next) = self.losers.first()
            && self.at[next] == left
            && self.sources[next].key() == self.key
            && !is_planted("mvcc-older-layer-counts")
        {
            if self.known == KnownKeys::Refused {
                return Err(known_key(keyspace, &self.key));
            }
            self.advance_source(next)?;
        }
        Ok(())
    }

    /// Makes sure that the entry it is on is of a key that the base lacks, where that is asked for.
    fn check_unknown(&mut self) -> Result<(), StoreError> {
        let (Some(base), Some(&winner)) = (&self.base, self.losers.first()) else {
            return Ok(());
        };
        let Some(keyspace) = self.at[winner].keyspace else {
            return Ok(());
        };
        let has_any = match self.asked {
            Some((asked, has_any)) if asked == keyspace => has_any,
            _ => base.cursor(keyspace)?.first()?,
        };
        self.asked = Some((keyspace, has_any));
        let key = self.sources[winner].key();
        if has_any && base.get_with(keyspace, key, &mut |_| ())? {
            return Err(known_key(keyspace, key));
        }
        Ok(())
    }

    /// To the entry that is to be given next.
    fn go_on(&mut self) -> Result<(), StoreError> {
        if self.is_given {
            self.advance()?;
        }
        self.is_given = true;
        self.check_unknown()
    }

    fn advance_source(&mut self, idx: usize) -> Result<(), StoreError> {
        self.sources[idx].advance()?;
        self.at[idx] = self.sources[idx].at();
        self.replay(idx);
        Ok(())
    }

    /// Plays all matches. Leaves are places `count..2 * count`, in the order of the sources.
    fn build(&mut self) {
        let count = self.sources.len();
        let mut winners = vec![0; 2 * count];
        for (idx, leaf) in winners.iter_mut().skip(count).enumerate() {
            *leaf = idx;
        }
        for place in (1..count).rev() {
            let (left, right) = (winners[2 * place], winners[2 * place + 1]);
            let (winner, loser) = match self.precedes(right, left) {
                true => (right, left),
                false => (left, right),
            };
            winners[place] = winner;
            self.losers[place] = loser;
        }
        if count > 0 {
            self.losers[0] = winners[1];
        }
    }

    /// Plays the matches of a source that has moved on.
    fn replay(&mut self, idx: usize) {
        let mut winner = idx;
        let mut place = (self.sources.len() + idx) / 2;
        while place > 0 {
            let loser = self.losers[place];
            if self.precedes(loser, winner) {
                self.losers[place] = winner;
                winner = loser;
            }
            place /= 2;
        }
        self.losers[0] = winner;
    }

    /// Whether source `a` comes before source `b`; of equal keys, that of the newer layer.
    #[inline]
    fn precedes(&self, a: usize, b: usize) -> bool {
        let order = self.at[a].cmp_key(&self.at[b]);
        let order = order.then_with(|| self.sources[a].key().cmp(self.sources[b].key()));
        order.then(a.cmp(&b)) == Ordering::Less
    }
}

fn known_key(keyspace: KeyspaceId, key: &[u8]) -> StoreError {
    StoreError::KeyExists {
        keyspace,
        key: Bytes::copy_from_slice(key),
    }
}

impl At {
    /// The end comes last.
    #[inline]
    fn cmp_key(&self, other: &At) -> Ordering {
        let last = KeyspaceId(u32::MAX);
        let place = |at: &At| (at.keyspace.is_none(), at.keyspace.unwrap_or(last), at.head);
        place(self).cmp(&place(other))
    }
}

impl Source {
    fn new(part: &Layer, chunk_bytes: usize) -> Result<Source, StoreError> {
        Ok(match part {
            Layer::Run(run) => Source::Run(RunStream::new(Arc::clone(run), chunk_bytes)?),
            Layer::Sorted(sorted) => Source::Sorted {
                sorted: Arc::clone(sorted),
                idx: 0,
            },
        })
    }

    fn at(&self) -> At {
        At {
            keyspace: match self {
                Source::Run(stream) => stream.keyspace(),
                Source::Sorted { sorted, idx } => (*idx < sorted.len()).then(|| sorted.keyspace()),
            },
            head: head_of(self.key()),
        }
    }

    /// Empty at the end.
    #[inline]
    fn key(&self) -> &[u8] {
        match self {
            Source::Run(stream) => stream.key(),
            Source::Sorted { sorted, idx } if *idx < sorted.len() => sorted.entry(*idx).key,
            Source::Sorted { .. } => &[],
        }
    }

    fn value(&self) -> Option<&[u8]> {
        match self {
            Source::Run(stream) => stream.value(),
            Source::Sorted { sorted, idx } if *idx < sorted.len() => sorted.entry(*idx).value,
            Source::Sorted { .. } => None,
        }
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        match self {
            Source::Run(stream) => stream.advance(),
            Source::Sorted { idx, .. } => {
                *idx += 1;
                Ok(())
            }
        }
    }
}

impl Changes for LayerChanges {
    fn dropped(&self) -> &[KeyspaceId] {
        &self.dropped
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        if let Err(failure) = self.go_on() {
            let source = io::Error::other(failure.to_string());
            self.failure = Some(failure);
            return Err(EngineError::Io {
                op: "read",
                path: "what a transaction spilled".into(),
                offset: 0,
                source,
            });
        }
        Ok(self.entry().map(|entry| Change {
            keyspace: entry.keyspace,
            key: entry.key,
            op: entry.value.map_or(Op::Delete, Op::Put),
        }))
    }
}

#[cfg(test)]
mod tests;
