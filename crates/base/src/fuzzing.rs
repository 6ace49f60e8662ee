//! What fuzz targets need, in builds with `--cfg fuzzing` alone.

use std::cell::Cell;

use crate::varint;

thread_local! {
    static ANY_CHECKSUM_IS_RIGHT: Cell<bool> = const { Cell::new(false) };
}

/// A number that decodes is what would be written of it.
///
/// # Panics
/// When it is not.
pub fn check_varint(bytes: &[u8]) {
    let Some((number, len)) = varint::decode(bytes) else {
        return;
    };
    let mut written = Vec::new();
    varint::encode(number, &mut written);
    assert_eq!(written, bytes[..len], "{number}");
}

/// While it lives, this thread takes any checksum for the right one.
#[derive(Debug)]
#[must_use]
pub struct AnyChecksum {
    before: bool,
}

impl AnyChecksum {
    /// From now on.
    pub fn accept() -> AnyChecksum {
        AnyChecksum {
            before: ANY_CHECKSUM_IS_RIGHT.replace(true),
        }
    }
}

impl Drop for AnyChecksum {
    fn drop(&mut self) {
        ANY_CHECKSUM_IS_RIGHT.set(self.before);
    }
}

pub(crate) fn any_checksum_is_right() -> bool {
    ANY_CHECKSUM_IS_RIGHT.get()
}
