//! The bytes of `MANIFEST`.
//!
//! ```text
//! offset  size  field
//!      0     8  magic     "DRYSTONE"
//!      8     4  version   1
//!     12    16  id        random identity of the database
//!     28     1  engine    1 = btree
//!     29     7  reserved  zero; a reader rejects anything else
//!     36     8  created   microseconds since 1970-01-01 UTC, signed
//!     44     4  crc       CRC-32C of bytes 0..44
//! ```
//!
//! Little-endian. Spec: `docs/format/manifest.md`, version 1.

use drystone_base::{Timestamp, checksum};

/// Length of the file.
pub(super) const BYTES: usize = 48;
/// The version that this build writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"DRYSTONE";
const CRC_OFFSET: usize = BYTES - 4;

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
    /// Copy-on-write B+tree, in the folder `btree`.
    BTree = 1,
}

/// Why bytes are no manifest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAManifest {
    #[error("it is {found} bytes long; expected {BYTES}")]
    Length { found: usize },
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
}

/// The bytes of `manifest`.
pub(crate) fn encode(manifest: Manifest) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..28].copy_from_slice(&manifest.id);
    bytes[28] = manifest.engine as u8;
    bytes[36..44].copy_from_slice(&manifest.created.0.to_le_bytes());
    let crc = checksum::crc32c(&bytes[..CRC_OFFSET]);
    bytes[CRC_OFFSET..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The manifest in `bytes`. Total.
pub(crate) fn decode(bytes: &[u8]) -> Result<Manifest, NotAManifest> {
    let bytes: &[u8; BYTES] = bytes
        .try_into()
        .map_err(|_| NotAManifest::Length { found: bytes.len() })?;
    if field::<8>(bytes, 0) != MAGIC {
        return Err(NotAManifest::Magic);
    }
    let version = u32::from_le_bytes(field(bytes, 8));
    if version == 0 || version > VERSION {
        return Err(NotAManifest::Version { found: version });
    }
    let found = u32::from_le_bytes(field(bytes, CRC_OFFSET));
    let expected = checksum::crc32c(&bytes[..CRC_OFFSET]);
    if !checksum::is_right(found, expected) {
        return Err(NotAManifest::Checksum { expected, found });
    }
    if field::<7>(bytes, 29) != [0; 7] {
        return Err(NotAManifest::Reserved);
    }
    let engine = match bytes[28] {
        1 => EngineKind::BTree,
        found => return Err(NotAManifest::Engine { found }),
    };
    Ok(Manifest {
        id: field(bytes, 12),
        engine,
        created: Timestamp(i64::from_le_bytes(field(bytes, 36))),
    })
}

/// The `N` bytes at `offset`, which lie within the manifest.
fn field<const N: usize>(bytes: &[u8; BYTES], offset: usize) -> [u8; N] {
    std::array::from_fn(|idx| bytes[offset + idx])
}
