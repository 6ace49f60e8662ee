//! What a check of a state finds and counts. Damage is in `damage.rs`.

use drystone_base::{Env, Lsn};
use drystone_storage_pager::{BLOCK_BYTES, PagerError};

use crate::shelf::{self, Changes, commit, open, stone};

fn put(id: u64, contents: &[u8]) -> Changes {
    Changes::from([(id, Some(contents.to_vec()))])
}

#[test]
fn verify_finds_blocks_that_nobody_knows() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    let list = shelf::list(&pager);
    let mut verifier = pager.verify(pager.root()).unwrap();
    verifier.page(&list).unwrap();
    let report = verifier.finish();
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);

    let mut verifier = pager.verify(pager.root()).unwrap();
    verifier.page(&list).unwrap();
    verifier.page(&list).unwrap();
    let findings = verifier.finish().findings;
    assert_eq!(
        findings.len(),
        2,
        "one page shown twice, one not shown: {findings:?}"
    );
}

#[test]
fn verify_counts_what_it_read() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    let report = shelf::verify(&pager, pager.root());
    assert_eq!(report.pages, 3, "stone, list of stones and free list");
    let list_bytes = u64::from(shelf::list(&pager).len);
    assert_eq!(report.bytes, 7 + list_bytes + BLOCK_BYTES as u64);
    let free = pager.stats().free_bytes / BLOCK_BYTES as u64;
    assert_eq!(report.free_blocks, free);
}

#[test]
fn an_old_state_has_no_page_beyond_its_end() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    let (old, end) = (pager.root(), pager.stats().file_bytes);
    let many: Changes = (0..500).map(|id| (id, Some(stone(id, 0, 9000)))).collect();
    commit(&pager, &many, Lsn(2)).unwrap();
    let later = (0..500).map(|id| shelf::place(&pager, id));
    let later = later.max_by_key(|place| place.block).unwrap();
    assert!(later.block.offset() >= end);

    let mut verifier = pager.verify(old).unwrap();
    assert!(verifier.page(&later).is_some(), "the newest state has it");
    let report = verifier.finish();
    let place = later.block.offset();
    let is_told = |finding: &PagerError| match finding {
        PagerError::Corrupt { offset, .. } => *offset == place,
        _ => false,
    };
    assert!(report.findings.iter().any(is_told), "{:?}", report.findings);
}
