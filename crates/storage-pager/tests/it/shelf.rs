//! A shelf: numbered stones, one page each, and one page that lists them. The smallest user of a pager that has all a
//! tree has: pages that name pages, a root payload, and a walk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{Env, Lsn};
use drystone_storage_pager::{
    Codec, PAGE_REF_BYTES, PageRef, Pager, PagerError, PagerOptions, Root, VerifyReport, Writer,
};

/// Where the tests keep their file.
pub(crate) const DIR: &str = "/db";

/// Number of a stone to its contents.
pub(crate) type Stones = BTreeMap<u64, Vec<u8>>;

/// Number of a stone to its page.
type Places = BTreeMap<u64, PageRef>;

const ENTRY_BYTES: usize = 8 + PAGE_REF_BYTES;

pub(crate) fn open(env: &Env) -> Result<Pager, PagerError> {
    Pager::open(env, Path::new(DIR), options())
}

/// A cache so small that most reads go to the file.
pub(crate) fn options() -> PagerOptions {
    PagerOptions {
        cache_bytes: 64 << 10,
        ..PagerOptions::default()
    }
}

/// The contents that tests give to stone `id` in its `version`.
pub(crate) fn stone(id: u64, version: u64, len: usize) -> Vec<u8> {
    let seed = (id << 32) ^ version;
    let bytes = (0u64..).flat_map(|at| (seed.wrapping_mul(at * 2 + 1)).to_le_bytes());
    bytes.take(len).collect()
}

/// What one commit changes: `None` takes the stone away.
pub(crate) type Changes = BTreeMap<u64, Option<Vec<u8>>>;

/// Writes the changes and the new list; the payload of the next state.
pub(crate) fn write(
    writer: &mut Writer,
    root: &Root,
    changes: &Changes,
) -> Result<Vec<u8>, PagerError> {
    write_compressed(writer, root, changes, |_| Codec::None)
}

/// As [`write`], with a codec for each stone.
pub(crate) fn write_compressed(
    writer: &mut Writer,
    root: &Root,
    changes: &Changes,
    codec_of: fn(u64) -> Codec,
) -> Result<Vec<u8>, PagerError> {
    let list = list_of(root);
    let mut places = match &list {
        Some(list) => places_in(&writer.read(list)?),
        None => Places::new(),
    };
    for (id, change) in changes {
        if let Some(old) = places.remove(id) {
            writer.free(&old)?;
        }
        if let Some(contents) = change {
            places.insert(*id, writer.write_compressed(contents, codec_of(*id))?);
        }
    }
    if let Some(list) = &list {
        writer.free(list)?;
    }
    if places.is_empty() {
        return Ok(Vec::new());
    }
    Ok(writer.write(&encode(&places))?.encode().to_vec())
}

/// One whole commit.
pub(crate) fn commit(pager: &Pager, changes: &Changes, lsn: Lsn) -> Result<(), PagerError> {
    let mut writer = pager.begin()?;
    let payload = write(&mut writer, &pager.root(), changes)?;
    writer.commit(&payload, lsn)
}

/// One whole commit, with a codec for each stone.
pub(crate) fn commit_compressed(
    pager: &Pager,
    changes: &Changes,
    codec_of: fn(u64) -> Codec,
    lsn: Lsn,
) -> Result<(), PagerError> {
    let mut writer = pager.begin()?;
    let payload = write_compressed(&mut writer, &pager.root(), changes, codec_of)?;
    writer.commit(&payload, lsn)
}

/// All stones of a state.
pub(crate) fn read(pager: &Pager, root: &Root) -> Result<Stones, PagerError> {
    let Some(list) = list_of(root) else {
        return Ok(Stones::new());
    };
    let places = places_in(&pager.read(&list)?);
    let read = |(id, place)| Ok((id, pager.read(&place)?.to_vec()));
    places.into_iter().map(read).collect()
}

/// The page of a stone in the newest state.
pub(crate) fn place(pager: &Pager, id: u64) -> PageRef {
    let list = list_of(&pager.root()).unwrap();
    places_in(&pager.read(&list).unwrap())[&id]
}

/// The page that lists the stones of the newest state.
pub(crate) fn list(pager: &Pager) -> PageRef {
    list_of(&pager.root()).unwrap()
}

pub(crate) fn verify(pager: &Pager, root: Arc<Root>) -> VerifyReport {
    verify_with(pager, root, &[])
}

/// As [`verify`], of a state that has pages beside its stones.
pub(crate) fn verify_with(pager: &Pager, root: Arc<Root>, others: &[PageRef]) -> VerifyReport {
    let list = list_of(&root);
    let mut verifier = pager.verify(root).unwrap();
    for page in others {
        verifier.page(page);
    }
    if let Some(bytes) = list.and_then(|list| verifier.page(&list)) {
        for place in places_in(&bytes).values() {
            verifier.page(place);
        }
    }
    verifier.finish()
}

/// The newest state is sound, and holds these stones.
#[track_caller]
pub(crate) fn check(pager: &Pager, expected: &Stones) {
    let root = pager.root();
    let found = read(pager, &root).unwrap();
    let ids = |stones: &Stones| stones.keys().copied().collect::<Vec<_>>();
    assert_eq!(ids(&found), ids(expected));
    for (id, contents) in &found {
        assert!(contents == &expected[id], "stone {id} at {}", root.lsn);
    }
    let report = verify(pager, root);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

fn list_of(root: &Root) -> Option<PageRef> {
    let payload: &[u8; PAGE_REF_BYTES] = root.payload[..].try_into().ok()?;
    Some(PageRef::decode(payload).unwrap())
}

fn encode(places: &Places) -> Vec<u8> {
    let entry = |(id, place): (&u64, &PageRef)| [&id.to_le_bytes()[..], &place.encode()].concat();
    places.iter().flat_map(entry).collect()
}

fn places_in(list: &Bytes) -> Places {
    let entry = |entry: &[u8]| {
        let (id, place) = entry.split_at(8);
        let place = PageRef::decode(place.try_into().unwrap()).unwrap();
        (u64::from_le_bytes(id.try_into().unwrap()), place)
    };
    list.chunks_exact(ENTRY_BYTES).map(entry).collect()
}
