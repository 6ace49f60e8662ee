//! Edit: one atomic change of what there is, and what a manifest begins with: an edit of nothing.
//!
//! ```text
//! lsn          varint: the state afterwards
//! next_number  varint: no SST has had this number, or one above it
//! next_run     varint: no run has had this number, or one above it
//! made         varint: the newest stage
//! adopted      varint: the newest stage that was adopted
//! fields       one after another, each begins with a byte:
//!   1 add       an SST (`sst/meta.rs`)
//!   2 remove    number of an SST, varint
//!   3 begin     keyspace, varint; what it is compressed with: 0, or 1 and a codec's two bytes
//!   4 drop      keyspace, varint: its entries count no more; SSTs may hold some
//!   5 forget    keyspace, varint: no SST holds an entry of this dropped keyspace any more
//!   6 staged    an SST of the stage that is undecided; its level is 0
//!   7 stage     what else the stage does: count of keyspaces that begin, varint, then each, varint; the same of those
//!               that it drops. Present when, and only when, a stage is undecided
//! ```
//!
//! An edit that names stages says all of them anew: fields 6 and 7 replace what was there before, and none means that no
//! stage is undecided. Numbers are below 2^62. Little-endian. Spec: `docs/format/lsm.md`, version 1.

use drystone_base::{KeyspaceId, Lsn, Malformed, varint};
use drystone_compress::{CODEC_BYTES, Codec};
use drystone_engine::StageId;

use super::reader::Reader;
use crate::error::cut;
use crate::sst::meta::SstMeta;

const ADD: u8 = 1;
const REMOVE: u8 = 2;
const BEGIN: u8 = 3;
const DROP: u8 = 4;
const FORGET: u8 = 5;
const STAGED: u8 = 6;
const STAGE: u8 = 7;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) lsn: Lsn,
    pub(crate) next_number: u64,
    pub(crate) next_run: u64,
    pub(crate) made: StageId,
    pub(crate) adopted: StageId,
    pub(crate) add: Vec<SstMeta>,
    pub(crate) remove: Vec<u64>,
    pub(crate) begin: Vec<(KeyspaceId, Option<Codec>)>,
    pub(crate) dropped: Vec<KeyspaceId>,
    pub(crate) forgotten: Vec<KeyspaceId>,
    pub(crate) stage: Option<StageEdit>,
}

/// What a stage would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StageEdit {
    pub(crate) ssts: Vec<SstMeta>,
    pub(crate) begin: Vec<KeyspaceId>,
    pub(crate) dropped: Vec<KeyspaceId>,
}

impl Edit {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let numbers = [
            self.lsn.0,
            self.next_number,
            self.next_run,
            self.made.0,
            self.adopted.0,
        ];
        numbers
            .into_iter()
            .for_each(|number| varint::encode(number, &mut out));
        for meta in &self.add {
            out.push(ADD);
            meta.encode(&mut out);
        }
        self.remove
            .iter()
            .for_each(|number| put(REMOVE, *number, &mut out));
        for (keyspace, codec) in &self.begin {
            put(BEGIN, u64::from(keyspace.0), &mut out);
            out.push(u8::from(codec.is_some()));
            out.extend(codec.iter().flat_map(|codec| codec.encode()));
        }
        self.dropped
            .iter()
            .for_each(|id| put(DROP, u64::from(id.0), &mut out));
        self.forgotten
            .iter()
            .for_each(|id| put(FORGET, u64::from(id.0), &mut out));
        if let Some(stage) = &self.stage {
            stage.encode(&mut out);
        }
        out
    }

    /// Reads what [`Edit::encode`] wrote. Total.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Edit, Malformed> {
        let mut reader = Reader::new(bytes);
        let mut edit = Edit {
            lsn: Lsn(reader.number("state of an edit")?),
            next_number: reader.number("next number of an edit")?,
            next_run: reader.number("next run of an edit")?,
            made: StageId(reader.number("stage of an edit")?),
            adopted: StageId(reader.number("adopted stage of an edit")?),
            ..Edit::default()
        };
        let mut staged = Vec::new();
        while !reader.is_empty() {
            edit.decode_field(&mut reader, &mut staged)?;
        }
        match &mut edit.stage {
            Some(stage) => stage.ssts = staged,
            None if staged.is_empty() => {}
            None => return Err(cut("stage of an edit")),
        }
        Ok(edit)
    }

    fn decode_field(
        &mut self,
        reader: &mut Reader<'_>,
        staged: &mut Vec<SstMeta>,
    ) -> Result<(), Malformed> {
        match reader.byte("field of an edit")? {
            ADD => self.add.push(SstMeta::decode(reader)?),
            REMOVE => self.remove.push(reader.number("number of an SST")?),
            BEGIN => self.begin.push((keyspace(reader)?, codec(reader)?)),
            DROP => self.dropped.push(keyspace(reader)?),
            FORGET => self.forgotten.push(keyspace(reader)?),
            STAGED => staged.push(staged_sst(reader)?),
            STAGE if self.stage.is_none() => self.stage = Some(StageEdit::decode(reader)?),
            other => {
                let found = other.to_string();
                return Err(Malformed::new(
                    "field of an edit",
                    "1 to 7, the last once",
                    found,
                ));
            }
        }
        Ok(())
    }
}

impl StageEdit {
    fn encode(&self, out: &mut Vec<u8>) {
        for meta in &self.ssts {
            out.push(STAGED);
            meta.encode(out);
        }
        out.push(STAGE);
        for keyspaces in [&self.begin, &self.dropped] {
            varint::encode(keyspaces.len() as u64, out);
            keyspaces
                .iter()
                .for_each(|id| varint::encode(u64::from(id.0), out));
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<StageEdit, Malformed> {
        Ok(StageEdit {
            ssts: Vec::new(),
            begin: keyspaces(reader)?,
            dropped: keyspaces(reader)?,
        })
    }
}

fn staged_sst(reader: &mut Reader<'_>) -> Result<SstMeta, Malformed> {
    let meta = SstMeta::decode(reader)?;
    if meta.level == 0 {
        return Ok(meta);
    }
    let found = meta.level.to_string();
    Err(Malformed::new("level of a staged SST", "0", found))
}

fn put(field: u8, number: u64, out: &mut Vec<u8>) {
    out.push(field);
    varint::encode(number, out);
}

fn keyspace(reader: &mut Reader<'_>) -> Result<KeyspaceId, Malformed> {
    Ok(KeyspaceId(reader.number32("keyspace of an edit")?))
}

fn keyspaces(reader: &mut Reader<'_>) -> Result<Vec<KeyspaceId>, Malformed> {
    let count = reader.number("keyspaces of a stage")?;
    let mut keyspaces = Vec::new();
    for _ in 0..count {
        keyspaces.push(keyspace(reader)?);
    }
    Ok(keyspaces)
}

fn codec(reader: &mut Reader<'_>) -> Result<Option<Codec>, Malformed> {
    match reader.byte("codec of a keyspace")? {
        0 => Ok(None),
        1 => {
            let mut bytes = [0; CODEC_BYTES];
            for byte in &mut bytes {
                *byte = reader.byte("codec of a keyspace")?;
            }
            Codec::decode(bytes).map(Some)
        }
        other => Err(Malformed::new(
            "codec of a keyspace",
            "0 or 1",
            other.to_string(),
        )),
    }
}

#[cfg(test)]
mod tests;
