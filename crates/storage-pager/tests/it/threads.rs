//! Readers beside a writer.

use std::sync::atomic::{AtomicBool, Ordering};

use drystone_base::{Env, Lsn};

use crate::shelf::{self, Changes, Stones, commit, open, stone};

const STONES: u64 = 20;

fn state(lsn: u64) -> Stones {
    (0..STONES).map(|id| (id, stone(id, lsn, 5000))).collect()
}

/// Every state that a reader gets is whole, however many commits pass while it reads it.
#[test]
fn readers_see_whole_states_while_a_writer_commits() {
    let pager = open(&Env::memory(1)).unwrap();
    let is_done = AtomicBool::new(false);
    let read_states = || {
        loop {
            // Asked first, so that the last state is read by all, however slow they are.
            let is_last = is_done.load(Ordering::Acquire);
            let root = pager.root();
            if root.lsn > Lsn::ZERO {
                let stones = shelf::read(&pager, &root).unwrap();
                assert_eq!(stones, state(root.lsn.0));
            }
            if is_last {
                return root.lsn;
            }
        }
    };
    let last = std::thread::scope(|scope| {
        let readers = [scope.spawn(read_states), scope.spawn(read_states)];
        for lsn in 1..=300 {
            let changes: Changes = state(lsn)
                .into_iter()
                .map(|(id, stone)| (id, Some(stone)))
                .collect();
            commit(&pager, &changes, Lsn(lsn)).unwrap();
        }
        is_done.store(true, Ordering::Release);
        readers.map(|reader| reader.join().unwrap())
    });
    assert_eq!(last, [Lsn(300); 2]);
    shelf::check(&pager, &state(300));
}
