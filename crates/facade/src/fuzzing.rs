//! What fuzz targets ask of the manifest, in builds with `--cfg fuzzing` alone.

use drystone_base::fuzzing::AnyChecksum;

use crate::manifest::{decode, encode};

/// A manifest that decodes is the one that would be written, but for its checksum.
///
/// # Panics
/// When it is not.
pub fn check_manifest(bytes: &[u8]) {
    let _any = AnyChecksum::accept();
    if let Ok(manifest) = decode(bytes) {
        let written = encode(manifest);
        let fields = written.len() - 4;
        assert_eq!(written[..fields], bytes[..fields]);
    }
}
