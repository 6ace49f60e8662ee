//! Checksums over bytes on disk.
//!
//! CRC-32C (RFC 3720, appendix B.4) guards log records; CRC-64/NVME (NVM Express command set 1.0, section 5.2.1.3.4)
//! guards pages. Both find every burst of errors up to their width; the machine's carry-less multiplication computes
//! them at memory speed.

use crc_fast::{CrcAlgorithm, Digest};

/// CRC-32C of `bytes`, with `seed` hashed before them.
///
/// A seed ties a checksum to a place: a record's is seeded with its segment's identity, so that the same bytes left
/// over in a recycled segment do not pass.
#[must_use]
pub fn crc32c_seeded(seed: u64, bytes: &[u8]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(&seed.to_le_bytes());
    digest.update(bytes);
    u32::try_from(digest.finalize()).expect("a 32-bit CRC fits in 32 bits")
}

/// CRC-32C of `bytes`.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    let crc = crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes);
    u32::try_from(crc).expect("a 32-bit CRC fits in 32 bits")
}

/// CRC-64/NVME of `bytes`.
#[must_use]
pub fn crc64(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes)
}

/// Whether a checksum that was read, `found`, is the one of the bytes beside it, `expected`.
///
/// Readers ask here, so that fuzz targets get behind the checksum, where any other damage ends: see
/// `drystone_base::fuzzing`.
#[must_use]
#[inline]
pub fn is_right<T: PartialEq>(found: T, expected: T) -> bool {
    #[cfg(fuzzing)]
    if crate::fuzzing::any_checksum_is_right() {
        return true;
    }
    found == expected
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check values of the catalogue of parametrised CRC algorithms, for "123456789".
    #[test]
    fn check_values_of_the_catalogue() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc64(b"123456789"), 0xAE8B_1486_0A79_9888);
    }

    #[test]
    fn only_the_same_checksum_is_right() {
        assert!(is_right(7, 7));
        assert!(!is_right(7, 8));
    }

    #[test]
    fn a_seed_changes_the_checksum() {
        assert_eq!(
            crc32c_seeded(7, b"stone"),
            crc32c(b"\x07\0\0\0\0\0\0\0stone")
        );
        assert_ne!(crc32c_seeded(7, b"stone"), crc32c_seeded(8, b"stone"));
    }
}
