//! The model keeps every state; the generator makes what it promises; differences are named.

use super::*;

const KS: KeyspaceId = KeyspaceId(1);

#[test]
fn every_state_equals_a_plain_map_changed_step_by_step() {
    let mut generator = Generator::new(3, Shape::default());
    let (model, batches) = generator.history(60, 2);
    let mut state = State::new();
    for (idx, batch) in batches.iter().enumerate() {
        state.retain(|(keyspace, _), _| !batch.dropped.contains(keyspace));
        for (keyspace, key, value) in batch.iter() {
            let key = (keyspace, key.clone());
            match value {
                Some(value) => state.insert(key, value.clone()),
                None => state.remove(&key),
            };
        }
        let at = Lsn(2 * (idx as u64 + 1));
        assert_eq!(model.state_at(at), state);
        assert_eq!(model.state_at(at.next()), state);
        for ((keyspace, key), value) in &state {
            assert_eq!(model.get(at, *keyspace, key), Some(value));
            assert!(model.keyspaces(at).contains(keyspace));
        }
    }
    assert!(batches.iter().any(|batch| !batch.dropped.is_empty()));
}

#[test]
fn a_keyspace_lives_from_its_first_entry_to_its_drop() {
    let mut model = Model::new();
    let mut batch = Batch::new();
    batch.put(KS, "a", "");
    model.commit(Lsn(5), &batch);
    let mut batch = Batch::new();
    batch.delete(KS, "a");
    model.commit(Lsn(6), &batch);
    let mut batch = Batch::new();
    batch.drop_keyspace(KS);
    model.commit(Lsn(7), &batch);
    let lives = [4, 5, 6, 7].map(|at| model.keyspaces(Lsn(at)).len());
    assert_eq!(lives, [0, 1, 1, 0]);
}

#[test]
fn the_generator_repeats_itself_and_makes_the_odd_keys() {
    let keys = |seed| -> Vec<Bytes> {
        let mut generator = Generator::new(seed, Shape::default());
        (0..500).map(|_| generator.key()).collect()
    };
    assert_eq!(keys(1), keys(1));
    assert_ne!(keys(1), keys(2));
    for wanted in [0, 1, Shape::default().key_bytes_max] {
        assert!(keys(1).iter().any(|key| key.len() == wanted), "{wanted}");
    }
}

#[test]
fn differences_are_named_by_key() {
    let expected = [("a", "1"), ("b", "2"), ("d", "4")];
    let found = [("b", "x"), ("c", "3"), ("d", "4")];
    assert_eq!(compare(&expected, &expected), Ok(()));
    assert_eq!(
        compare(&expected, &found).unwrap_err().to_string(),
        "expected 3 entries, found 3\n  missing \"a\" = \"1\"\n  \"b\" = \"x\", expected \"2\"\n  \
         unexpected here \"c\" = \"3\""
    );
    compare(&expected, &expected[..2]).unwrap_err();
}
