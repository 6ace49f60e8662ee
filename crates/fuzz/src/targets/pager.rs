//! The pager: its formats, and opening a damaged file.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use drystone_base::fuzzing::AnyChecksum;
use drystone_base::{Env, Lsn};
use drystone_storage_pager::{
    Codec, PAGE_REF_BYTES, PageRef, Pager, PagerError, PagerOptions, fuzzing,
};
use drystone_testkit::SimFileSystem;

use super::damage::{self, DISK_FOLDER};

/// A superblock.
pub fn superblock(data: &[u8]) {
    fuzzing::check_superblock(data);
}

/// A free list.
pub fn free_list(data: &[u8]) {
    fuzzing::check_free_list(data);
}

/// A list of extents.
pub fn extent_list(data: &[u8]) {
    fuzzing::check_extent_list(data);
}

/// A page that is stored compressed.
pub fn compressed_page(data: &[u8]) {
    fuzzing::check_compressed_page(data);
}

/// A page reference.
pub fn page_ref(data: &[u8]) {
    fuzzing::check_page_ref(data);
}

/// A file with damage, or any bytes in its place: opens or is refused, and goes on from what it finds.
pub fn open(data: &[u8]) {
    static SOUND: OnceLock<SimFileSystem> = OnceLock::new();
    let sound = SOUND.get_or_init(sound_file);
    let (mode, damage) = data.split_first().unwrap_or((&0, &[]));
    let _any = (mode & 1 == 1).then(AnyChecksum::accept);
    let harmed = damage::harm(sound, damage);
    drop(read_and_write(&damage::env(&harmed)));
}

/// Three states, two of them with a page that is compressed; the last of which has freed blocks of the first.
fn sound_file() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(1, DISK_FOLDER);
    let pager = Pager::open(&disk.env(), Path::new(DISK_FOLDER), PagerOptions::default())
        .expect("a new file");
    let mut before: Option<PageRef> = None;
    for lsn in 1..=3 {
        let mut writer = pager.begin().expect("nobody else writes");
        if let Some(before) = before {
            writer.free(&before).expect("a page of the state");
        }
        let page = writer.write_compressed(&vec![7; 3000 * lsn], Codec::Lz4);
        let page = page.expect("room for a page");
        let list = writer.write(&page.encode()).expect("room for a page");
        writer
            .commit(&list.encode(), Lsn(lsn as u64))
            .expect("a sound disk");
        before = Some(page);
    }
    drop(pager);
    disk.settle();
    disk
}

fn read_and_write(env: &Env) -> Result<(), PagerError> {
    let pager = Pager::open(env, Path::new(DISK_FOLDER), PagerOptions::default())?;
    let root = pager.root();
    let first = root.payload.first_chunk::<PAGE_REF_BYTES>();
    if let Some(page) = first.and_then(|page| PageRef::decode(page).ok()) {
        let below = pager.read(&page)?;
        if let Some(Ok(page)) = below.first_chunk().map(PageRef::decode) {
            drop(pager.read(&page));
        }
    }
    drop(pager.verify(Arc::clone(&root)).map(drop));
    let mut writer = pager.begin()?;
    let page = writer.write(b"one page more")?;
    let lsn = Lsn(root.lsn.0.saturating_add(1));
    writer.commit(&page.encode(), lsn)?;
    while pager.step()? {}
    Ok(())
}
