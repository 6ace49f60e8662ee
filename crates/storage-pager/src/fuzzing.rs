//! What fuzz targets ask of the pager's formats, in builds with `--cfg fuzzing` alone.

use drystone_base::fuzzing::AnyChecksum;

use drystone_compress::{Codec, CodecId};

use crate::block::{BLOCK_BYTES, MAX_BLOCKS};
use crate::compressed::{Packer, Unpacker};
use crate::extent_list;
use crate::free_list;
use crate::page_ref::{PAGE_REF_BYTES, PageRef};
use crate::superblock::Superblock;

/// A superblock that decodes is the one that would be written, but for its checksum.
///
/// # Panics
/// When it is not.
pub fn check_superblock(bytes: &[u8]) {
    const CHECKSUM: usize = BLOCK_BYTES - 8;
    let _any = AnyChecksum::accept();
    let mut block = [0; BLOCK_BYTES];
    let len = bytes.len().min(BLOCK_BYTES);
    block[..len].copy_from_slice(&bytes[..len]);
    if let Ok(superblock) = Superblock::decode(&block) {
        let written = superblock.encode();
        assert_eq!(written[..CHECKSUM], block[..CHECKSUM], "{superblock:?}");
    }
}

/// A free list that decodes comes back from what would be written of it. The first 8 bytes say how long the file is.
///
/// # Panics
/// When it does not.
pub fn check_free_list(bytes: &[u8]) {
    let Some((blocks, list)) = bytes.split_first_chunk() else {
        return;
    };
    let blocks = u64::from_le_bytes(*blocks) % (MAX_BLOCKS + 1);
    let Ok(unused) = free_list::decode(list, blocks) else {
        return;
    };
    unused.check();
    let mut written = Vec::new();
    free_list::encode(&unused, &mut written);
    assert!(written.len() as u64 <= free_list::encoded_len_max(&unused));
    let again = free_list::decode(&written, blocks).expect("a list of our own making");
    assert!(again.iter().eq(unused.iter()));
}

/// A page reference that decodes is the one that would be written.
///
/// # Panics
/// When it is not.
pub fn check_page_ref(bytes: &[u8]) {
    let Some(bytes) = bytes.first_chunk::<PAGE_REF_BYTES>() else {
        return;
    };
    if let Ok(page) = PageRef::decode(bytes) {
        assert_eq!(page.encode(), *bytes, "{page:?}");
        assert!(page.extent().end() <= MAX_BLOCKS);
    }
}

/// An extent list that decodes is the one that would be written. The first 8 bytes say how long the file is.
///
/// # Panics
/// When it is not.
pub fn check_extent_list(bytes: &[u8]) {
    let Some((blocks, list)) = bytes.split_first_chunk() else {
        return;
    };
    let blocks = u64::from_le_bytes(*blocks) % (MAX_BLOCKS + 1);
    let Ok(extents) = extent_list::decode(list, blocks) else {
        return;
    };
    assert!(extents.iter().all(|extent| extent.end() <= blocks));
    assert_eq!(extent_list::encode(&extents), list);
}

/// A compressed page that is taken holds as many bytes as it says, which come back from what would be stored of them. The
/// first byte says by which codec.
///
/// # Panics
/// When they do not.
pub fn check_compressed_page(bytes: &[u8]) {
    let Some((codec, stored)) = bytes.split_first() else {
        return;
    };
    let Ok(id) = CodecId::from_byte(codec % 5) else {
        return;
    };
    let unpacker = Unpacker::default();
    let Ok(contents) = unpacker.unpack(id, stored) else {
        return;
    };
    let len = stored.first_chunk().map(|len| u32::from_le_bytes(*len));
    assert_eq!(len, u32::try_from(contents.len()).ok());
    let codec = Codec::Lz4;
    let mut packer = Packer::default();
    let packed = packer
        .pack(&contents, codec)
        .expect("a codec of this build");
    if let Some(packed) = packed {
        let again = unpacker.unpack(codec.id(), packed);
        assert!(again.is_ok_and(|again| again == contents));
    }
}
