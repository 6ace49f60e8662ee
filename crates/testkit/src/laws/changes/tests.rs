//! The law holds for the streams there are, and finds those that break it.

use drystone_base::Lsn;
use drystone_engine::{Change, Op, SliceChanges};

use super::*;
use crate::model::{Generator, Shape};

#[test]
fn batches_of_the_generator_are_lawful() {
    let (model, batches) = Generator::new(5, Shape::default()).history(40, 1);
    assert_eq!(model.last(), Lsn(40));
    for batch in batches {
        let changes = batch.changes();
        let mut stream = SliceChanges::new(&batch.dropped, &changes);
        assert_eq!(check_changes(&mut stream).unwrap(), batch.len());
    }
}

#[test]
#[should_panic(expected = "ends, and yet has a change")]
fn a_change_in_a_keyspace_that_ends_is_found() {
    let changes = [Change {
        keyspace: KeyspaceId(1),
        key: b"a",
        op: Op::Delete,
    }];
    let _ = check_changes(&mut SliceChanges::new(&[KeyspaceId(1)], &changes));
}
