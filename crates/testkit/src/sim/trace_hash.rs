//! A digest of a run: equal when two runs did the same operations, in the same order, with the same bytes.

use drystone_base::checksum::crc64;

use crate::draw::mix;

/// Tells runs apart. Not for keeping out forgers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceHash(u64);

impl TraceHash {
    /// Adds bytes, and how many there are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, &[bytes.len() as u64, crc64(bytes)]);
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, number: u64) {
        self.0 = mix(self.0, &[number]);
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }
}
