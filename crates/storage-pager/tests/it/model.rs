//! Any history, reopening included, agrees with a map of stones for each state.

use std::sync::Arc;

use drystone_base::{Env, Lsn};
use drystone_storage_pager::{Pager, Root};
use proptest::prelude::*;

use crate::shelf::{self, Changes, Stones, check, commit, open, stone};

/// A change of one stone: its number, and its length unless it goes.
type Change = (u64, Option<usize>);

#[derive(Clone, Debug)]
enum Op {
    Commit(Vec<Change>),
    Abandon(Vec<Change>),
    Pin,
    Unpin(usize),
    Step,
    Reopen,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let len = prop_oneof![4 => 1..9000usize, 1 => 9000..200_000usize];
    let change = (0..24u64, prop::option::weighted(0.7, len));
    prop::collection::vec(change, 0..12)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => changes().prop_map(Op::Commit),
        2 => changes().prop_map(Op::Abandon),
        3 => Just(Op::Pin),
        3 => any::<usize>().prop_map(Op::Unpin),
        2 => Just(Op::Step),
        1 => Just(Op::Reopen),
    ]
}

struct Model {
    env: Env,
    pager: Pager,
    lsn: u64,
    stones: Stones,
    pinned: Vec<(Arc<Root>, Stones)>,
}

impl Model {
    fn new() -> Model {
        let env = Env::memory(1);
        let pager = open(&env).unwrap();
        Model {
            env,
            pager,
            lsn: 0,
            stones: Stones::new(),
            pinned: Vec::new(),
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Commit(changes) => {
                self.lsn += 1;
                let changes = self.contents_of(changes);
                commit(&self.pager, &changes, Lsn(self.lsn)).unwrap();
                for (id, contents) in changes {
                    match contents {
                        Some(contents) => self.stones.insert(id, contents),
                        None => self.stones.remove(&id),
                    };
                }
            }
            Op::Abandon(changes) => {
                let changes = self.contents_of(changes);
                let mut writer = self.pager.begin().unwrap();
                shelf::write(&mut writer, &self.pager.root(), &changes).unwrap();
            }
            Op::Pin => self.pinned.push((self.pager.root(), self.stones.clone())),
            Op::Unpin(pick) => {
                if !self.pinned.is_empty() {
                    self.pinned.swap_remove(pick % self.pinned.len());
                }
            }
            Op::Step => {
                self.pager.step().unwrap();
            }
            Op::Reopen => {
                self.pinned.clear();
                self.pager = open(&self.env).unwrap();
                assert!(self.pager.opened().mended.is_empty());
            }
        }
    }

    fn contents_of(&self, changes: &[Change]) -> Changes {
        let contents = |(id, len): &Change| (*id, len.map(|len| stone(*id, self.lsn + 1, len)));
        changes.iter().map(contents).collect()
    }

    fn check(&self) {
        check(&self.pager, &self.stones);
        assert_eq!(self.pager.root().lsn, Lsn(self.lsn));
        for (root, stones) in &self.pinned {
            assert_eq!(&shelf::read(&self.pager, root).unwrap(), stones);
            let report = shelf::verify(&self.pager, Arc::clone(root));
            assert!(report.findings.is_empty(), "{:?}", report.findings);
        }
        let stats = self.pager.stats();
        assert!(stats.cache_bytes <= stats.cache_bytes_max);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_history_agrees_with_a_map(ops in prop::collection::vec(op(), 1..40)) {
        let mut model = Model::new();
        for op in &ops {
            model.apply(op);
            model.check();
        }
    }
}
