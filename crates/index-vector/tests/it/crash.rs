//! Power cut at every operation: the index agrees with its source, and neither has half a commit.

use std::cell::RefCell;

use drystone_mvcc::Durability;
use drystone_testkit::{CrashPoints, Draw};

use crate::bench::*;

#[test]
fn power_cuts_leave_the_index_in_step() {
    let states = RefCell::new(Vec::new());
    let workload = |env: &drystone_base::Env, witness: &drystone_testkit::Witness| {
        let mut draw = Draw::new(3);
        let bench = Bench::open(env);
        let mut state = State::new();
        *states.borrow_mut() = vec![state.clone()];
        for number in 1..=12 {
            let mut tx = bench.begin();
            for _ in 0..6 {
                let key = key(draw.below(25));
                if draw.below(4) == 0 {
                    tx.delete(bench.source, key.clone()).unwrap();
                    state.remove(&key);
                } else {
                    let vector = vector(&mut draw);
                    bench.put(&mut tx, &key, &vector);
                    state.insert(key, vector);
                }
            }
            states.borrow_mut().push(state.clone());
            witness.begin(number);
            tx.commit(Durability::Sync).unwrap();
            witness.acknowledge(number);
            if number % 3 == 0 {
                bench.flush();
            }
        }
    };
    let report = CrashPoints::new("a vector index")
        .nested(1, 1)
        .run(workload, |env, promises| {
            let store = try_open_store(env)?;
            if store.view().keyspace("graph")?.is_none() {
                return Ok(());
            }
            let bench = Bench::over(store, parameters());
            bench.verify();
            assert_eq!(bench.index.stats().linked, 0, "no rebuild");
            let view = bench.store.view();
            let found = bench.index.exact(&view, &[0.5; DIM], usize::MAX, all)?;
            let states = states.borrow();
            let range = promises.last_acknowledged()..=promises.last_begun();
            let is_state = |state: &State| {
                found.len() == state.len() && found.iter().all(|hit| state.contains_key(&hit.key))
            };
            let state = range
                .map(|number| &states[usize::try_from(number).unwrap()])
                .find(|state| is_state(state));
            bench.check(&view, state.ok_or("half a commit, or one lost")?);
            Ok(())
        });
    assert!(report.points > 500, "{report:?}");
}
