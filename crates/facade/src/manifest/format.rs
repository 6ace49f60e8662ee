//! The bytes of `MANIFEST`.
//!
//! ```text
//! offset  size  field
//!      0     8  magic     "DRYSTONE"
//!      8     4  version   1, or 2 for an engine with a name
//!     12    16  id        random identity of the database
//!     28     1  engine    1 = btree, in version 1; 2 = the one that is named, in version 2
//!     29     7  reserved  zero; a reader rejects anything else
//!     36     8  created   microseconds since 1970-01-01 UTC, signed
//!     44    32  name      in version 2 only: the engine's name, printable ASCII, then zeros
//!   44/76     4  crc       CRC-32C of all before it
//! ```
//!
//! Little-endian. Spec: `docs/format/manifest.md`, versions 1 and 2.

use std::fmt;

use drystone_base::{Timestamp, checksum};

use crate::custom_engine::{CustomEngine, is_name};
use crate::options::Options;

/// Length of the file in version 1.
pub(super) const BYTES: usize = 48;
/// Length of the file in version 2, and so the greatest there is.
pub(super) const NAMED_BYTES: usize = BYTES + NAME_BYTES;
/// The newest version that this build reads; it writes the lowest that has room for what there is to say.
pub(super) const VERSION: u32 = 2;

const MAGIC: [u8; 8] = *b"DRYSTONE";
/// What both versions have.
const HEAD_BYTES: usize = 44;
const NAME_BYTES: usize = CustomEngine::NAME_BYTES_MAX;
const CRC_BYTES: usize = 4;

const _: () = assert!(HEAD_BYTES + CRC_BYTES == BYTES);

/// What a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Random identity of the database.
    pub(crate) id: [u8; 16],
    /// The engine that its keyspaces are in.
    pub(crate) engine: EngineKind,
    /// When it was created.
    pub(crate) created: Timestamp,
}

/// The engines that a manifest can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineKind {
    /// Copy-on-write B+tree.
    BTree,
    /// One that the application brings along.
    Custom(EngineName),
}

/// The name of an engine: printable ASCII, then zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EngineName([u8; NAME_BYTES]);

impl EngineKind {
    /// The folder of the B+tree.
    pub(crate) const BTREE_FOLDER: &str = "btree";
    /// The folder of any other engine.
    pub(crate) const CUSTOM_FOLDER: &str = "engine";

    /// The one that the options name.
    pub(crate) fn of(options: &Options) -> EngineKind {
        match &options.engine {
            None => EngineKind::BTree,
            Some(custom) => EngineKind::Custom(EngineName::of(custom.name())),
        }
    }

    /// Where its files are, in the directory of the database.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            EngineKind::BTree => EngineKind::BTREE_FOLDER,
            EngineKind::Custom(_) => EngineKind::CUSTOM_FOLDER,
        }
    }

    /// Its byte, and the version that has it.
    fn tag(self) -> (u8, u32) {
        match self {
            EngineKind::BTree => (1, 1),
            EngineKind::Custom(_) => (2, 2),
        }
    }
}

impl EngineName {
    /// Of a name that fits, as [`is_name`] has it.
    fn of(name: &str) -> EngineName {
        let mut bytes = [0; NAME_BYTES];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        EngineName(bytes)
    }

    /// The name in these bytes; `None` where there is none.
    fn decode(bytes: [u8; NAME_BYTES]) -> Option<EngineName> {
        let (name, rest) = bytes.split_at(len_of(&bytes));
        let is_sound = is_name(name) && rest.iter().all(|byte| *byte == 0);
        is_sound.then_some(EngineName(bytes))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0[..len_of(&self.0)]).unwrap_or_default()
    }
}

/// Up to the first zero.
fn len_of(bytes: &[u8; NAME_BYTES]) -> usize {
    bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(NAME_BYTES)
}

/// As errors name it.
impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EngineKind::BTree => f.write_str("btree"),
            EngineKind::Custom(name) => write!(f, "{:?}", name.as_str()),
        }
    }
}

/// Why bytes are no manifest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAManifest {
    #[error("it is {found} bytes long; expected {expected}")]
    Length { found: usize, expected: usize },
    #[error("it does not start with the magic number of a Drystone database")]
    Magic,
    #[error("it has format version {found}; this build reads up to {VERSION}")]
    Version { found: u32 },
    #[error("checksum {found:08x}; expected {expected:08x}")]
    Checksum { expected: u32, found: u32 },
    #[error("reserved bytes are not zero")]
    Reserved,
    #[error("it names engine {found}, which this build does not know")]
    Engine { found: u8 },
    #[error("it names an engine of which no name can be read")]
    EngineName,
}

/// The bytes of `manifest`.
pub(crate) fn encode(manifest: Manifest) -> Vec<u8> {
    let (tag, version) = manifest.engine.tag();
    let mut bytes = vec![0; HEAD_BYTES];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&version.to_le_bytes());
    bytes[12..28].copy_from_slice(&manifest.id);
    bytes[28] = tag;
    bytes[36..44].copy_from_slice(&manifest.created.0.to_le_bytes());
    if let EngineKind::Custom(name) = manifest.engine {
        bytes.extend(name.0);
    }
    let crc = checksum::crc32c(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// The manifest in `bytes`. Total.
pub(crate) fn decode(bytes: &[u8]) -> Result<Manifest, NotAManifest> {
    let version = version_of(bytes)?;
    let expected = if version == 1 { BYTES } else { NAMED_BYTES };
    let found = bytes.len();
    let whole = bytes.split_last_chunk::<CRC_BYTES>();
    let (body, crc) = whole
        .filter(|_| found == expected)
        .ok_or(NotAManifest::Length { found, expected })?;
    let (found, expected) = (u32::from_le_bytes(*crc), checksum::crc32c(body));
    if !checksum::is_right(found, expected) {
        return Err(NotAManifest::Checksum { expected, found });
    }
    if field::<7>(body, 29) != [0; 7] {
        return Err(NotAManifest::Reserved);
    }
    let engine = match (body[28], version) {
        (1, 1) => EngineKind::BTree,
        (2, 2) => {
            let name = EngineName::decode(field(body, HEAD_BYTES));
            EngineKind::Custom(name.ok_or(NotAManifest::EngineName)?)
        }
        (found, _) => return Err(NotAManifest::Engine { found }),
    };
    Ok(Manifest {
        id: field(body, 12),
        engine,
        created: Timestamp(i64::from_le_bytes(field(body, 36))),
    })
}

/// The version, which says what follows.
fn version_of(bytes: &[u8]) -> Result<u32, NotAManifest> {
    if bytes.len() < BYTES {
        let (found, expected) = (bytes.len(), BYTES);
        return Err(NotAManifest::Length { found, expected });
    }
    if field::<8>(bytes, 0) != MAGIC {
        return Err(NotAManifest::Magic);
    }
    match u32::from_le_bytes(field(bytes, 8)) {
        found if found == 0 || found > VERSION => Err(NotAManifest::Version { found }),
        version => Ok(version),
    }
}

/// The `N` bytes at `offset`, which lie within `bytes`.
fn field<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    std::array::from_fn(|idx| bytes[offset + idx])
}
