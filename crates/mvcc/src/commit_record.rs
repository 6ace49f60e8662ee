//! Commit record: what a commit did, as the log keeps it.
//!
//! ```text
//! field                size      value
//! version              1         1
//! dropped count        varint
//!   dropped keyspace   varint    each; ascending strictly
//! group count          varint
//!   keyspace           varint    each; ascending strictly
//!   change count       varint    1 or more
//!     key length, op   varint    each; key length times 2, plus 1 for a put
//!     key              length    ascending strictly within the group
//!     value length     varint    only for a put
//!     value            length    only for a put
//! ```
//!
//! Nothing follows the last change. What a commit did that is too large for a record, the engine has staged, and the
//! record says which stage it adopts:
//!
//! ```text
//! field                size      value
//! version              1         2
//! stage                varint    its number, 1 or more
//! ```
//!
//! Spec: `docs/format/commit.md`, versions 1 and 2.

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_base::{KeyspaceId, varint};
use drystone_engine::{Malformed, StageId};

use crate::write::SortedWrites;
use crate::write_set::WriteSet;

const VERSION: u8 = 1;
const VERSION_ADOPTS: u8 = 2;

/// A record of the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LogRecord {
    /// What a commit did.
    Commit(CommitRecord),
    /// What a commit did lies in the engine, as this stage.
    Adopts(StageId),
}

/// What a commit did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CommitRecord {
    pub(crate) dropped: Vec<KeyspaceId>,
    /// Ascending by keyspace.
    pub(crate) groups: Vec<Group>,
}

/// What a commit did to one keyspace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) keyspace: KeyspaceId,
    /// Ascending by key.
    pub(crate) changes: Vec<(Bytes, Option<Bytes>)>,
}

/// The record of a transaction's writes.
pub(crate) fn encode(writes: &WriteSet) -> Vec<u8> {
    let mut out = Vec::with_capacity(usize::try_from(writes.bytes()).unwrap_or(0));
    out.push(VERSION);
    let is_logged = !is_planted("mvcc-drop-not-logged");
    let dropped = writes.dropped().iter().filter(|_| is_logged);
    varint::encode(dropped.clone().count() as u64, &mut out);
    for keyspace in dropped {
        varint::encode(u64::from(keyspace.0), &mut out);
    }
    varint::encode(writes.keyspaces().len() as u64, &mut out);
    for (keyspace, changes) in writes.keyspaces() {
        varint::encode(u64::from(keyspace.0), &mut out);
        varint::encode(changes.len() as u64, &mut out);
        for (key, value) in changes.iter() {
            encode_change(key, value.as_ref(), &mut out);
        }
    }
    out
}

/// The record of writes that are no transaction's.
pub(crate) fn encode_writes(writes: &SortedWrites<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(usize::try_from(writes.bytes()).unwrap_or(0));
    out.push(VERSION);
    varint::encode(0, &mut out);
    varint::encode(writes.groups().count() as u64, &mut out);
    for group in writes.groups() {
        varint::encode(u64::from(group.keyspace().0), &mut out);
        varint::encode(group.len() as u64, &mut out);
        for (key, value) in group.changes() {
            encode_change(key, value, &mut out);
        }
    }
    out
}

fn encode_change(key: &[u8], value: Option<&Bytes>, out: &mut Vec<u8>) {
    let is_put = u64::from(value.is_some());
    varint::encode((key.len() as u64) << 1 | is_put, out);
    out.extend_from_slice(key);
    if let Some(value) = value {
        varint::encode(value.len() as u64, out);
        out.extend_from_slice(value);
    }
}

/// The record of a commit that adopts a stage.
pub(crate) fn encode_adoption(stage: StageId) -> Vec<u8> {
    let mut out = vec![VERSION_ADOPTS];
    varint::encode(stage.0, &mut out);
    out
}

/// Reads a record. Total: any bytes give `Ok` or `Err`. Keys and values share the record's memory.
pub(crate) fn decode(record: &Bytes) -> Result<LogRecord, Malformed> {
    let mut input = Input { record, offset: 0 };
    match input.version()? {
        VERSION_ADOPTS => Ok(LogRecord::Adopts(decode_adoption(&mut input)?)),
        _ => Ok(LogRecord::Commit(decode_commit(&mut input)?)),
    }
}

fn decode_adoption(input: &mut Input<'_>) -> Result<StageId, Malformed> {
    let stage = input.number("stage")?;
    input.end()?;
    match stage {
        0 => Err(malformed("stage", "1 or more", stage)),
        stage => Ok(StageId(stage)),
    }
}

fn decode_commit(input: &mut Input<'_>) -> Result<CommitRecord, Malformed> {
    let mut commit = CommitRecord::default();
    for _ in 0..input.number("dropped count")? {
        let previous = commit.dropped.last().copied();
        commit.dropped.push(input.keyspace(previous)?);
    }
    for _ in 0..input.number("group count")? {
        let previous = commit.groups.last().map(|group| group.keyspace);
        let group = input.group(previous)?;
        commit.groups.push(group);
    }
    input.end()?;
    Ok(commit)
}

/// A record and how far it was read.
struct Input<'a> {
    record: &'a Bytes,
    offset: usize,
}

impl Input<'_> {
    fn version(&mut self) -> Result<u8, Malformed> {
        match self.take("version", 1)?[..] {
            [version @ (VERSION | VERSION_ADOPTS)] => Ok(version),
            ref other => Err(malformed(
                "commit record version",
                "1 or 2",
                format!("{other:?}"),
            )),
        }
    }

    fn group(&mut self, previous: Option<KeyspaceId>) -> Result<Group, Malformed> {
        let keyspace = self.keyspace(previous)?;
        let count = self.number("change count")?;
        if count == 0 {
            return Err(malformed("change count", "1 or more", count));
        }
        let mut changes: Vec<(Bytes, Option<Bytes>)> = Vec::new();
        for _ in 0..count {
            let change = self.change()?;
            if changes.last().is_some_and(|last| last.0 >= change.0) {
                return Err(malformed(
                    "key",
                    "above the key before",
                    format!("{:?}", change.0),
                ));
            }
            changes.push(change);
        }
        Ok(Group { keyspace, changes })
    }

    fn change(&mut self) -> Result<(Bytes, Option<Bytes>), Malformed> {
        let head = self.number("key length")?;
        let key = self.take("key", head >> 1)?;
        if head & 1 == 0 {
            return Ok((key, None));
        }
        let len = self.number("value length")?;
        Ok((key, Some(self.take("value", len)?)))
    }

    fn keyspace(&mut self, previous: Option<KeyspaceId>) -> Result<KeyspaceId, Malformed> {
        let number = self.number("keyspace")?;
        let id = u32::try_from(number).map(KeyspaceId);
        let id = id.map_err(|_| malformed("keyspace", "32 bits", number))?;
        if previous.is_some_and(|previous| previous >= id) {
            return Err(malformed("keyspace", "above the one before", number));
        }
        Ok(id)
    }

    fn number(&mut self, what: &'static str) -> Result<u64, Malformed> {
        let rest = &self.record[self.offset..];
        let decoded = varint::decode(rest);
        let (number, len) = decoded.ok_or_else(|| malformed(what, "a varint", rest.len()))?;
        self.offset += len;
        Ok(number)
    }

    fn take(&mut self, what: &'static str, len: u64) -> Result<Bytes, Malformed> {
        let left = self.record.len() - self.offset;
        let len = usize::try_from(len).ok().filter(|&len| len <= left);
        let len = len.ok_or_else(|| malformed(what, "bytes up to its length", left))?;
        let start = self.offset;
        self.offset += len;
        Ok(self.record.slice(start..self.offset))
    }

    fn end(&self) -> Result<(), Malformed> {
        match self.record.len() - self.offset {
            0 => Ok(()),
            left => Err(malformed(
                "commit record",
                "nothing after the last change",
                left,
            )),
        }
    }
}

fn malformed(what: &'static str, expected: impl ToString, found: impl ToString) -> Malformed {
    Malformed::new(what, expected.to_string(), found.to_string())
}

#[cfg(test)]
mod tests;
