//! Tests of the allocator, against a model that gives every block one state.

use std::collections::BTreeMap;

use bytes::Bytes;
use drystone_base::Lsn;
use proptest::prelude::*;

use super::*;
use crate::block::MAX_BLOCKS;

fn root(generation: u64) -> Arc<Root> {
    Arc::new(Root {
        generation,
        lsn: Lsn(generation),
        payload: Bytes::new(),
        blocks: 0,
        free_list: None,
        gone: Gone::default(),
    })
}

/// Where the pages began whose blocks became reusable.
fn reclaim(space: &mut Space) -> Vec<u64> {
    let mut starts = Vec::new();
    space.reclaim(&mut |extent| {
        starts.push(extent.start);
        true
    });
    starts
}

fn space(blocks: u64) -> Space {
    let mut unused = ExtentSet::default();
    unused.insert(Extent::between(SUPERBLOCKS, blocks));
    Space::new(unused, blocks)
}

#[test]
fn pages_are_laid_out_one_behind_the_other() {
    let (mut space, mut changes) = (space(100), Changes::default());
    let mut starts = Vec::new();
    for count in [2, 3, 1] {
        starts.push(space.allocate(count, &mut changes).unwrap().start);
    }
    assert_eq!(starts, [4, 6, 9]);
}

#[test]
fn a_page_lies_behind_the_one_before_though_there_is_room_further_down() {
    let mut unused = ExtentSet::default();
    unused.insert(Extent::between(10, 1_000));
    unused.insert(Extent::between(2_000, 9_000));
    let (mut space, mut changes) = (Space::new(unused, 9_000), Changes::default());
    assert_eq!(space.allocate(1_500, &mut changes).unwrap().start, 2_000);
    assert_eq!(space.allocate(1, &mut changes).unwrap().start, 3_500);
}

#[test]
fn freed_blocks_wait_for_the_last_root_that_needs_them() {
    let mut space = space(100);
    let mut changes = Changes::default();
    let page = space.allocate(2, &mut changes).unwrap();
    let first = root(1);
    space.commit(changes, &first);

    let mut changes = Changes::default();
    space.free(page, &mut changes).unwrap();
    let second = root(2);
    space.commit(changes, &second);
    assert_eq!(reclaim(&mut space), []);
    drop(first);
    assert_eq!(reclaim(&mut space), [page.start]);
    assert_eq!(space.reusable_count(), 96);
}

/// Blocks that somebody reads still, though no root needs them, wait, each by itself.
#[test]
fn blocks_that_are_lent_wait() {
    let mut space = space(100);
    let mut changes = Changes::default();
    let pages = [(); 2].map(|()| space.allocate(2, &mut changes).unwrap());
    space.commit(changes, &root(1));
    let mut changes = Changes::default();
    for page in pages {
        space.free(page, &mut changes).unwrap();
    }
    space.commit(changes, &root(2));
    assert!(!space.reclaim(&mut |_| false));
    assert_eq!(space.reusable_count(), 92);
    assert!(space.reclaim(&mut |extent| extent == pages[1]));
    assert_eq!(space.reusable_count(), 94);
    assert_eq!(reclaim(&mut space), [pages[0].start]);
    assert_eq!(space.reusable_count(), 96);
    space.check();
}

#[test]
fn a_held_root_does_not_pin_what_was_freed_before_it() {
    let mut space = space(100);
    let mut changes = Changes::default();
    let page = space.allocate(2, &mut changes).unwrap();
    space.commit(changes, &root(1));
    let mut changes = Changes::default();
    space.free(page, &mut changes).unwrap();
    let held = root(2);
    space.commit(changes, &held);
    let newest = root(3);
    space.commit(Changes::default(), &newest);
    assert_eq!(reclaim(&mut space), [page.start]);
}

#[test]
fn what_was_written_and_freed_while_a_reader_lives_does_not_wait_for_it() {
    let mut space = space(100);
    let mut changes = Changes::default();
    let mut page = space.allocate(2, &mut changes).unwrap();
    let held = root(1);
    space.commit(changes, &held);
    let mut newest = Arc::clone(&held);
    for generation in 2..100 {
        reclaim(&mut space);
        let mut changes = Changes::default();
        space.free(page, &mut changes).unwrap();
        page = space.allocate(2, &mut changes).unwrap();
        newest = root(generation);
        space.commit(changes, &newest);
    }
    reclaim(&mut space);
    assert_eq!(
        space.reusable_count(),
        96 - 4,
        "the reader's page, and the newest"
    );
    drop((held, newest));
    reclaim(&mut space);
    assert_eq!(space.reusable_count(), 96 - 2);
}

#[test]
fn a_page_is_freed_once_and_only_whole() {
    let mut space = space(100);
    let mut changes = Changes::default();
    let page = space.allocate(4, &mut changes).unwrap();
    let fresh_part = Extent::new(page.start + 3, 2);
    assert_eq!(space.free(fresh_part, &mut changes), Err(NotLive));
    assert_eq!(space.free(Extent::new(0, 1), &mut changes), Err(NotLive));
    assert_eq!(space.free(Extent::new(99, 2), &mut changes), Err(NotLive));
    assert_eq!(space.free(page, &mut changes), Ok(()));
    assert_eq!(space.free(page, &mut changes), Err(NotLive));
    space.roll_back(changes);
    assert_eq!(space.reusable_count(), 96);
}

#[test]
fn the_file_grows_by_a_step_or_by_just_enough() {
    let space = space(4 + 1600);
    assert_eq!(space.length_for(1601, Headroom::None), Some(1605));
    assert_eq!(space.length_for(1601, Headroom::Step), Some(1604 + 100));
    assert_eq!(space.length_for(5000, Headroom::Step), Some(5004));
    assert_eq!(space.length_for(MAX_BLOCKS, Headroom::None), None);
    assert_eq!(space.length_for(u64::MAX, Headroom::Step), None);
}

#[test]
fn a_free_tail_of_up_to_two_steps_stays() {
    assert_eq!(space(4 + 32).shorter_end(), None);
    assert_eq!(space(4 + 33).shorter_end(), Some(4 + 16));
}

/// A file of these free runs, and its free list.
fn is_in_the_way(free: &[(u64, u64)], end: u64, list: (u64, u64)) -> bool {
    let mut unused = ExtentSet::default();
    for &(start, end) in free {
        unused.insert(Extent::between(start, end));
    }
    Space::new(unused, end).is_in_the_way(Extent::between(list.0, list.1))
}

#[test]
fn a_free_list_that_alone_holds_the_file_long_is_in_the_way() {
    assert!(is_in_the_way(&[(10, 5000)], 5010, (5000, 5010)));
    assert!(is_in_the_way(
        &[(10, 3000), (3010, 5000)],
        5000,
        (3000, 3010)
    ));
}

#[test]
fn a_free_list_that_would_stay_or_is_not_alone_is_not_in_the_way() {
    let in_use_behind = is_in_the_way(&[(10, 5000)], 5020, (5000, 5010));
    let in_use_before = is_in_the_way(&[(10, 4990)], 5010, (5000, 5010));
    let short_run_before = is_in_the_way(&[(10, 4000), (4995, 5000)], 5010, (5000, 5010));
    let short_file = is_in_the_way(&[(10, 30)], 40, (30, 40));
    assert!(!in_use_behind && !in_use_before && !short_run_before && !short_file);
}

#[test]
fn pages_that_are_to_lie_low_fill_the_lowest_gaps() {
    let mut unused = ExtentSet::default();
    for (start, end) in [(10, 11), (20, 22), (30, 100)] {
        unused.insert(Extent::between(start, end));
    }
    let (mut space, mut changes) = (Space::new(unused, 100), Changes::default());
    changes.place_low();
    assert!(space.has_room_below(22, 2) && !space.has_room_below(21, 2));
    let mut starts = Vec::new();
    for count in [2, 2, 1, 1] {
        starts.push(space.allocate(count, &mut changes).unwrap().start);
    }
    assert_eq!(starts, [20, 30, 10, 32]);
}

#[test]
fn a_tail_that_the_free_list_might_fill_is_not_cut() {
    assert_eq!(space(4 + 3).shortest_end(3), None);
    assert_eq!(space(4 + 4).shortest_end(3), Some(4));
}

#[derive(Clone, Debug)]
enum Op {
    Allocate(u64),
    Free(usize),
    Commit,
    RollBack,
    Hold,
    Release(usize),
    Cut,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1..20u64).prop_map(Op::Allocate),
        5 => any::<usize>().prop_map(Op::Free),
        3 => Just(Op::Commit),
        1 => Just(Op::RollBack),
        1 => Just(Op::Hold),
        1 => any::<usize>().prop_map(Op::Release),
        1 => Just(Op::Cut),
    ]
}

/// The pages of each state that is held, of the newest, and of the one being written.
struct Model {
    space: Space,
    changes: Changes,
    generation: u64,
    newest: (Arc<Root>, BTreeMap<u64, Extent>),
    held: Vec<(Arc<Root>, BTreeMap<u64, Extent>)>,
    next: BTreeMap<u64, Extent>,
}

impl Model {
    fn new() -> Model {
        let mut space = space(40);
        let first = root(1);
        space.publish(&first);
        Model {
            space,
            changes: Changes::default(),
            generation: 1,
            newest: (first, BTreeMap::new()),
            held: Vec::new(),
            next: BTreeMap::new(),
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Allocate(count) => self.allocate(*count),
            Op::Free(pick) => {
                if let Some(start) = nth(self.next.keys().copied(), *pick) {
                    let page = self.next.remove(&start).unwrap();
                    self.space.free(page, &mut self.changes).unwrap();
                }
            }
            Op::Commit => {
                self.generation += 1;
                let root = root(self.generation);
                self.space.commit(std::mem::take(&mut self.changes), &root);
                self.newest = (root, self.next.clone());
                reclaim(&mut self.space);
                self.space.check();
                self.check_nothing_waits_in_vain();
            }
            Op::RollBack => {
                self.space.roll_back(std::mem::take(&mut self.changes));
                self.next = self.newest.1.clone();
                self.space.check();
            }
            Op::Hold => self.held.push(self.newest.clone()),
            Op::Release(pick) => {
                if !self.held.is_empty() {
                    self.held.swap_remove(pick % self.held.len());
                }
            }
            Op::Cut => {
                if self.changes.cut.is_none()
                    && let Some(tail) = self.space.free_tail()
                {
                    self.space
                        .cut(tail.start + tail.count / 2, &mut self.changes);
                    self.apply(&Op::Commit);
                }
            }
        }
    }

    /// Blocks that are neither used nor reusable are those of states that are held.
    fn check_nothing_waits_in_vain(&self) {
        let newest = &self.newest.1;
        let mut needed = ExtentSet::default();
        for page in self.held.iter().flat_map(|(_, pages)| pages.values()) {
            let is_new = newest.get(&page.start) != Some(page) && !needed.contains(*page);
            is_new.then(|| needed.insert(*page));
        }
        let waiting = self.space.unused().block_count() - self.space.reusable_count();
        assert_eq!(waiting, needed.block_count());
    }

    fn allocate(&mut self, count: u64) {
        let extent = self
            .space
            .allocate(count, &mut self.changes)
            .unwrap_or_else(|| {
                let length = self.space.length_for(count, Headroom::Step).unwrap();
                self.space.grow(length);
                self.space.allocate(count, &mut self.changes).unwrap()
            });
        assert_eq!(extent.count, count);
        assert!(extent.end() <= self.space.end());
        let held = self.held.iter().flat_map(|(_, pages)| pages.values());
        let in_use = held.chain(self.newest.1.values()).chain(self.next.values());
        for page in in_use {
            let is_apart = extent.end() <= page.start || page.end() <= extent.start;
            assert!(is_apart, "{extent:?} overwrites {page:?}");
        }
        self.next.insert(extent.start, extent);
    }
}

fn nth(mut items: impl Iterator<Item = u64> + Clone, pick: usize) -> Option<u64> {
    let count = items.clone().count();
    items.nth(pick.checked_rem(count)?)
}

proptest! {
    #[test]
    fn no_block_in_use_is_given_out_and_none_is_lost(ops in prop::collection::vec(op(), 1..150)) {
        let mut model = Model::new();
        for op in &ops {
            model.apply(op);
        }
        model.held.clear();
        model.apply(&Op::RollBack);
        reclaim(&mut model.space);
        model.space.check();
        let live: u64 = model.newest.1.values().map(|page| page.count).sum();
        prop_assert_eq!(model.space.reusable_count() + live + SUPERBLOCKS, model.space.end());
    }
}
