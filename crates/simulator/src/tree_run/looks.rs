//! What a state of the tree shows.

use bytes::Bytes;
use drystone_btree::BTreeSnapshot;
use drystone_engine::{Engine, EngineError, Snapshot};

use super::{Entries, SPACES, TreeRun, id, unexpected};
use crate::failure::FailureKind;
use crate::operation::Order;
use crate::oracle::span;
use crate::run::Stop;

/// All that a state has.
pub(super) fn all_of(snapshot: &dyn Snapshot) -> Result<Entries, EngineError> {
    let mut all = Entries::new();
    for space in 0..SPACES {
        let mut entries = std::collections::BTreeMap::new();
        let mut cursor = snapshot.cursor(id(space))?;
        let mut is_on = cursor.first()?;
        while is_on {
            entries.insert(Bytes::copy_from_slice(cursor.key()), cursor.value()?);
            is_on = cursor.next()?;
        }
        if !entries.is_empty() {
            all.insert(space, entries.into());
        }
    }
    Ok(all)
}

pub(super) fn in_short(entries: &Entries) -> String {
    let counts = entries.iter().map(|(space, entries)| {
        let bytes: usize = entries.values().map(Bytes::len).sum();
        format!("{space}: {} of {bytes} bytes", entries.len())
    });
    format!("[{}]", counts.collect::<Vec<_>>().join(", "))
}

impl TreeRun<'_> {
    /// T2: a range of a state that is held, or of the newest, by all ways there are.
    pub(super) fn look(
        &mut self,
        which: u8,
        space: u8,
        (from, to): (u16, u16),
        order: Order,
    ) -> Result<(), Stop> {
        let tree = self.tree()?;
        let pin = self.open.as_ref().and_then(|open| open.pins.get(&which));
        let (snapshot, model) = match pin {
            Some((snapshot, model)) => (snapshot.clone(), model.clone()),
            None => (tree.newest(), self.newest.clone()),
        };
        let space = space % SPACES;
        let (from, to) = span(from, to);
        let entries = model.get(&space);
        let expected: Vec<(Bytes, Bytes)> = entries.map_or_else(Vec::new, |entries| {
            let range = entries.range(from.clone()..to.clone());
            range
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        });
        let looked = ranged(&snapshot, space, &from, &to, order);
        let (found, count, first) = match looked {
            Ok(looked) => looked,
            Err(error) => return self.failed("a look", &error),
        };
        let shown = model.get(&space).and_then(|entries| entries.get(&from));
        if found == expected && count == expected.len() as u64 && first.as_ref() == shown {
            return Ok(());
        }
        Err(Stop::wrong(format!(
            "keyspace {space} from {from:?} to {to:?}: {} entries, {count} counted, instead of {}; the first key has {:?} instead of {:?}",
            found.len(),
            expected.len(),
            first.map(|value| value.len()),
            shown.map(Bytes::len)
        )))
    }

    /// T5.
    pub(super) fn verify(&mut self) -> Result<(), Stop> {
        match self.tree()?.verify() {
            Ok(report) => match report.findings.first() {
                None => Ok(()),
                Some(_) if self.may_fail => self.reopen(),
                Some(finding) => match unexpected("verify", finding) {
                    Stop::Broken { what, .. } => Err(Stop::broken(FailureKind::NotSound, what)),
                    stop => Err(stop),
                },
            },
            Err(error) => self.failed("verify", &error),
        }
    }
}

type Looked = (Vec<(Bytes, Bytes)>, u64, Option<Bytes>);

/// The entries from one key to before another, how many are counted, and the value of the first key.
fn ranged(
    snapshot: &BTreeSnapshot,
    space: u8,
    from: &[u8],
    to: &[u8],
    order: Order,
) -> Result<Looked, EngineError> {
    let mut range = snapshot.range(id(space), from..to);
    let (mut front, mut back) = (Vec::new(), Vec::new());
    loop {
        let is_forward = match order {
            Order::Forward => true,
            Order::Backward => false,
            Order::Both => front.len() <= back.len(),
        };
        let next = match is_forward {
            true => range
                .next()
                .map(|entry| entry.map(|entry| front.push(entry))),
            false => range
                .next_back()
                .map(|entry| entry.map(|entry| back.push(entry))),
        };
        match next {
            Some(pushed) => pushed?,
            None => break,
        }
    }
    front.extend(back.into_iter().rev());
    let count = snapshot.rank(id(space), to)? - snapshot.rank(id(space), from)?;
    let mut first = None;
    snapshot.get_with(id(space), from, &mut |value| {
        first = Some(Bytes::copy_from_slice(value));
    })?;
    Ok((front, count, first))
}
