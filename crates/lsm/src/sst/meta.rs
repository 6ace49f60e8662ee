//! SstMeta: what the manifest knows of an SST.
//!
//! ```text
//! number      varint: its file is named by it
//! level       varint: 0 to 6
//! run         varint: in level 0 the run it is part of, in other levels 0
//! file_len    varint: length of the file in bytes
//! footer_crc  u64: the CRC in its footer
//! entries     varint
//! tombstones  varint
//! smallest    varint length, then the bytes: its first key, in full
//! largest     varint length, then the bytes: its last key, in full
//! ```
//!
//! Little-endian. Spec: `docs/format/lsm.md`, version 1.

use drystone_base::{Malformed, varint};

use crate::key::PREFIX_BYTES;
use crate::level::LEVELS;
use crate::manifest::reader::Reader;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SstMeta {
    pub(crate) number: u64,
    pub(crate) level: usize,
    pub(crate) run: u64,
    pub(crate) file_len: u64,
    pub(crate) footer_crc: u64,
    pub(crate) entries: u64,
    pub(crate) tombstones: u64,
    pub(crate) smallest: Vec<u8>,
    pub(crate) largest: Vec<u8>,
}

impl SstMeta {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        varint::encode(self.number, out);
        varint::encode(self.level as u64, out);
        varint::encode(self.run, out);
        varint::encode(self.file_len, out);
        out.extend_from_slice(&self.footer_crc.to_le_bytes());
        varint::encode(self.entries, out);
        varint::encode(self.tombstones, out);
        for key in [&self.smallest, &self.largest] {
            varint::encode(key.len() as u64, out);
            out.extend_from_slice(key);
        }
    }

    /// Reads what [`SstMeta::encode`] wrote. Total.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<SstMeta, Malformed> {
        let meta = SstMeta {
            number: reader.number("number of an SST")?,
            level: reader.len("level of an SST")?,
            run: reader.number("run of an SST")?,
            file_len: reader.number("length of an SST")?,
            footer_crc: reader.fixed("checksum of an SST's footer")?,
            entries: reader.number("entries of an SST")?,
            tombstones: reader.number("tombstones of an SST")?,
            smallest: reader.bytes("first key of an SST")?.to_vec(),
            largest: reader.bytes("last key of an SST")?.to_vec(),
        };
        if meta.level >= LEVELS || (meta.level > 0 && meta.run > 0) {
            let found = format!("level {}, run {}", meta.level, meta.run);
            return Err(Malformed::new(
                "level of an SST",
                "0 to 6, runs in 0 alone",
                found,
            ));
        }
        if meta.smallest.len() < PREFIX_BYTES || meta.smallest > meta.largest {
            return Err(Malformed::new(
                "keys of an SST",
                "full ones, ascending",
                "others",
            ));
        }
        Ok(meta)
    }

    /// Whether a key lies between its first and its last.
    pub(crate) fn covers(&self, key: &[u8]) -> bool {
        self.smallest[..] <= *key && *key <= self.largest[..]
    }

    /// Whether some key between two may be here.
    pub(crate) fn overlaps(&self, smallest: &[u8], largest: &[u8]) -> bool {
        self.smallest[..] <= *largest && *smallest <= self.largest[..]
    }
}
