//! Forks: the pages of two states, until one of them goes.

use std::path::Path;

use drystone_base::{Env, Lsn};

use super::*;
use crate::{Pager, PagerOptions};

fn open(env: &Env) -> Pager {
    Pager::open(env, Path::new("pages"), PagerOptions::default()).unwrap()
}

/// A state of two pages, and a fork that has replaced one of them and added another.
fn forked(pager: &Pager) -> (Vec<PageRef>, PageRef, Fork) {
    let mut writer = pager.begin().unwrap();
    let pages = [b"one", b"two"].map(|contents| writer.write(contents).unwrap());
    writer.commit(b"", Lsn(1)).unwrap();
    let mut writer = pager.begin().unwrap();
    writer.free(&pages[0]).unwrap();
    let spoiled = writer.write(b"for nothing").unwrap();
    let added = writer.write(b"three").unwrap();
    writer.free(&spoiled).unwrap();
    let fork = writer.fork().unwrap();
    writer.commit(b"", Lsn(1)).unwrap();
    (pages.to_vec(), added, fork)
}

/// Findings when these are all the pages there are.
fn findings(pager: &Pager, pages: &[PageRef], lists: &[PageRef]) -> usize {
    let mut verifier = pager.verify(pager.root()).unwrap();
    for page in pages {
        verifier.page(page);
    }
    for list in lists {
        verifier.list(list);
    }
    verifier.finish().findings.len()
}

#[test]
fn a_fork_has_the_pages_of_both_states() {
    let pager = open(&Env::memory(1));
    let (pages, added, fork) = forked(&pager);
    let all = [pages[0], pages[1], added];
    assert_eq!(findings(&pager, &all, &[fork.replaced, fork.added]), 0);
    let mut verifier = pager.verify(pager.root()).unwrap();
    let listed = verifier.list(&fork.added).unwrap();
    assert_eq!(all.map(|page| listed.has(&page)), [false, false, true]);
    let listed = verifier.list(&fork.replaced).unwrap();
    assert_eq!(all.map(|page| listed.has(&page)), [true, false, false]);
}

#[test]
fn either_of_the_two_goes_on_without_the_others_pages() {
    for reopened in [false, true] {
        for adopted in [false, true] {
            let env = Env::memory(1);
            let mut pager = open(&env);
            let (pages, added, fork) = forked(&pager);
            if reopened {
                drop(pager);
                pager = open(&env);
            }
            let (goes, stays, left) = match adopted {
                true => (fork.replaced, fork.added, [pages[1], added]),
                false => (fork.added, fork.replaced, [pages[0], pages[1]]),
            };
            let mut writer = pager.begin().unwrap();
            writer.free_listed(&goes).unwrap();
            writer.free(&stays).unwrap();
            writer.commit(b"", Lsn(1)).unwrap();
            assert_eq!(findings(&pager, &left, &[]), 0);
        }
    }
}

#[test]
fn a_list_that_is_none_is_damage() {
    let pager = open(&Env::memory(1));
    let (pages, ..) = forked(&pager);
    let error = pager.begin().unwrap().free_listed(&pages[1]).unwrap_err();
    assert!(matches!(error, PagerError::Corrupt { .. }), "{error}");
}
