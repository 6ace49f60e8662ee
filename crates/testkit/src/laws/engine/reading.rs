//! Order, cursors, snapshots.

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_engine::{Cursor, Snapshot};

use super::EngineLaws;
use super::subject::{Entry, NO_KEYSPACE, check_snapshot, entry, ok};
use crate::draw::Draw;
use crate::model::show;

/// Steps of one random walk.
const WALK_STEPS: usize = 400;

impl EngineLaws {
    /// E3: after each merge, every entry comes in order, both ways, and by key.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn entries_come_in_order(&self) {
        let _note = self.note("entries come in order");
        let mut subject = self.subject();
        for _ in 0..self.merges {
            subject.merge_next();
            subject.check();
        }
    }

    /// Each seek lands where it should from any key, there or not; from there the cursor moves both ways; off either
    /// end it stays off until the next seek.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn cursors_find_every_place(&self) {
        let _note = self.note("cursors find every place");
        let mut subject = self.subject();
        let mut draw = Draw::of(self.seed, &[3]);
        for number in 0..self.merges {
            subject.merge_next();
            if number % 5 > 0 {
                continue;
            }
            let snapshot = subject.engine.snapshot();
            let last = subject.model.last();
            for keyspace in subject
                .model
                .keyspaces(last)
                .into_iter()
                .chain([NO_KEYSPACE])
            {
                let entries = subject.model.entries(last, keyspace);
                let keys = subject.model.known_keys(keyspace);
                check_seeks(&*snapshot, keyspace, &entries, &keys);
                walk(&*snapshot, keyspace, &entries, &keys, &mut draw);
            }
        }
    }

    /// E1: a snapshot never changes, whatever is merged after it was taken; nor does a cursor from it, which outlives
    /// the snapshot and the engine.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn snapshots_never_change(&self) {
        let _note = self.note("snapshots never change");
        let mut subject = self.subject();
        let mut snapshots = vec![subject.engine.snapshot()];
        for _ in 0..self.merges {
            subject.merge_next();
            snapshots.push(subject.engine.snapshot());
        }
        for snapshot in &snapshots {
            check_snapshot(&**snapshot, &subject.model, snapshot.lsn());
        }
        let middle = &snapshots[snapshots.len() / 2];
        let at = middle.lsn();
        let keyspace = subject.model.keyspaces(at)[0];
        let expected = subject.model.entries(at, keyspace);
        let mut cursor = ok("cursor", middle.cursor(keyspace));
        drop(snapshots);
        drop(subject.engine);
        let mut on = ok("first", cursor.first());
        for expected in &expected {
            assert!(on, "a cursor outlives its snapshot and its engine");
            assert!(
                *expected == ok("value", entry(&*cursor)),
                "at {}",
                show(&expected.0)
            );
            on = ok("next", cursor.next());
        }
        assert!(!on, "no entry more than there were");
    }
}

/// Keys at, just before and just after each known key, and before and after all.
fn probes(keys: &[Bytes]) -> Vec<Vec<u8>> {
    let mut probes = vec![Vec::new(), vec![0xFF; 64]];
    for key in keys {
        probes.push(key.to_vec());
        probes.push([key, b"\0".as_slice()].concat());
        if let Some((last, start)) = key.split_last() {
            probes.push(start.to_vec());
            probes.push([start, &[last.wrapping_sub(1)]].concat());
            probes.push([start, &[last.wrapping_add(1)]].concat());
        }
    }
    probes.sort();
    probes.dedup();
    probes
}

fn check_seeks(snapshot: &dyn Snapshot, keyspace: KeyspaceId, entries: &[Entry], keys: &[Bytes]) {
    let mut cursor = ok("cursor", snapshot.cursor(keyspace));
    assert!(!ok("next", cursor.next()), "a new cursor is on no entry");
    assert!(!ok("prev", cursor.prev()), "a new cursor is on no entry");
    for probe in probes(keys) {
        let at = entries.partition_point(|(key, _)| key[..] < probe[..]);
        let place = format!("seek to {} in {keyspace}", show(&probe));
        check_from(&place, &mut *cursor, entries, Some(at), |cursor| {
            cursor.seek(&probe)
        });
        let at = entries.partition_point(|(key, _)| key[..] <= probe[..]);
        let place = format!("seek back to {} in {keyspace}", show(&probe));
        check_from(&place, &mut *cursor, entries, at.checked_sub(1), |cursor| {
            cursor.seek_back(&probe)
        });
    }
}

/// Moves, expects position `at` (none past the end), and looks one entry to both sides.
fn check_from(
    place: &str,
    cursor: &mut dyn Cursor,
    entries: &[Entry],
    at: Option<usize>,
    go: impl Fn(&mut dyn Cursor) -> Result<bool, drystone_engine::EngineError>,
) {
    let at = at.filter(|at| *at < entries.len());
    let on = ok(place, go(cursor));
    check_on(place, cursor, entries, at, on);
    let before = at.and_then(|at| at.checked_sub(1));
    let on = ok("prev", cursor.prev());
    check_on(&format!("prev after {place}"), cursor, entries, before, on);
    let _ = ok(place, go(cursor));
    let after = at.map(|at| at + 1).filter(|at| *at < entries.len());
    let on = ok("next", cursor.next());
    check_on(&format!("next after {place}"), cursor, entries, after, on);
}

fn check_on(place: &str, cursor: &dyn Cursor, entries: &[Entry], at: Option<usize>, on: bool) {
    let expected = at.map(|at| &entries[at]);
    let found = on.then(|| ok(place, entry(cursor)));
    let key = |entry: Option<&Entry>| entry.map(|(key, _)| show(key));
    assert_eq!(key(found.as_ref()), key(expected), "{place}");
    assert!(found.as_ref() == expected, "{place}: wrong value");
}

/// Moves at random, comparing with a position in the list of entries.
fn walk(
    snapshot: &dyn Snapshot,
    keyspace: KeyspaceId,
    entries: &[Entry],
    keys: &[Bytes],
    draw: &mut Draw,
) {
    let mut cursor = ok("cursor", snapshot.cursor(keyspace));
    let mut at: Option<usize> = None;
    for _ in 0..WALK_STEPS {
        let (place, on) = match draw.below(12) {
            0 => {
                at = Some(0);
                ("first", cursor.first())
            }
            1 => {
                at = entries.len().checked_sub(1);
                ("last", cursor.last())
            }
            2 if !keys.is_empty() => {
                let key = draw.pick(keys);
                at = Some(entries.partition_point(|(found, _)| found < key));
                ("seek", cursor.seek(key))
            }
            3 if !keys.is_empty() => {
                let key = draw.pick(keys);
                at = entries
                    .partition_point(|(found, _)| found <= key)
                    .checked_sub(1);
                ("seek back", cursor.seek_back(key))
            }
            4..8 => {
                at = at.map(|at| at + 1);
                ("next", cursor.next())
            }
            _ => {
                at = at.and_then(|at| at.checked_sub(1));
                ("prev", cursor.prev())
            }
        };
        at = at.filter(|at| *at < entries.len());
        check_on(
            &format!("{place} in a walk through {keyspace}"),
            &*cursor,
            entries,
            at,
            ok(place, on),
        );
    }
}
