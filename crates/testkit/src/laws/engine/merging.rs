//! What merges do to names, sizes and counts, and what refused ones leave.

use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Change, Changes, EngineError, Malformed, Op, SliceChanges};

use super::EngineLaws;
use super::subject::{check_snapshot, check_verify};
use crate::model::Batch;

impl EngineLaws {
    /// A new engine is at [`Lsn::ZERO`] and holds nothing; so does one that was only opened before.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn new_engines_are_empty(&self) {
        let _note = self.note("new engines are empty");
        let mut subject = self.subject();
        for _ in 0..2 {
            assert_eq!(subject.engine.merged_lsn(), Lsn::ZERO);
            subject.check();
            check_verify(&*subject.engine, &subject.model);
            subject.reopen();
        }
        assert!(!subject.engine.stats().kind.is_empty(), "a kind has a name");
    }

    /// The empty key, long keys, keys that begin with each other; empty, short and long values; a merge of nothing.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn extremes_are_kept(&self) {
        let _note = self.note("extremes are kept");
        let mut subject = self.subject();
        for batch in [
            self.long_values(),
            self.long_keys(),
            Batch::new(),
            self.swapped(),
        ] {
            subject.merge(&batch);
            subject.check();
            subject.reopen();
            subject.check();
        }
        check_verify(&*subject.engine, &subject.model);
    }

    fn long_values(&self) -> Batch {
        let mut batch = Batch::new();
        let lens = [0, 1, 255, 4095, 4096, 4097, 100 << 10, 1 << 20];
        for (idx, len) in lens.into_iter().enumerate() {
            let len = len.min(self.value_bytes_max);
            let value: Vec<u8> = (0..len).map(|at| (at % 251).to_le_bytes()[0]).collect();
            batch.put(KeyspaceId(1), format!("value{idx}"), value);
        }
        batch
    }

    fn long_keys(&self) -> Batch {
        let mut batch = Batch::new();
        for len in [0, 1, 7, 8, 9, 255, 256, 1 << 10, 4 << 10, 16 << 10] {
            let len = len.min(self.key_bytes_max);
            for fill in [0x00, b'k', 0xFF] {
                batch.put(
                    KeyspaceId(2),
                    vec![fill; len],
                    format!("{len} times {fill}"),
                );
            }
        }
        batch
    }

    /// Long values become short and short ones long; half of the long keys go.
    fn swapped(&self) -> Batch {
        let mut batch = Batch::new();
        for idx in 0..8 {
            let len = if idx < 4 {
                20_000.min(self.value_bytes_max)
            } else {
                3
            };
            batch.put(KeyspaceId(1), format!("value{idx}"), vec![b's'; len]);
        }
        for len in [0, 8, 256, 16 << 10] {
            batch.delete(KeyspaceId(2), vec![b'k'; len.min(self.key_bytes_max)]);
        }
        batch
    }

    /// Deletes of keys that are not there do nothing; a keyspace emptied key by key is there; a dropped one is gone
    /// with all it held, and dropping one that never was is no error.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn drops_take_everything(&self) {
        let _note = self.note("drops take everything");
        let mut subject = self.subject();
        let keys = |range: std::ops::Range<u32>| range.map(|number| format!("key{number:06}"));
        let mut batch = Batch::new();
        for keyspace in 1..=3 {
            keys(0..500).for_each(|key| batch.put(KeyspaceId(keyspace), key, vec![b'v'; 60]));
        }
        subject.merge(&batch);
        let mut batch = Batch::new();
        keys(500..700).for_each(|key| batch.delete(KeyspaceId(1), key));
        keys(0..500).for_each(|key| batch.delete(KeyspaceId(2), key));
        batch.drop_keyspace(KeyspaceId(3));
        batch.drop_keyspace(KeyspaceId(77));
        subject.merge(&batch);
        subject.check();
        check_verify(&*subject.engine, &subject.model);
        subject.reopen();
        subject.check();
        let mut batch = Batch::new();
        batch.put(KeyspaceId(2), "again", "here");
        batch.drop_keyspace(KeyspaceId(1));
        subject.merge(&batch);
        subject.check();
        check_verify(&*subject.engine, &subject.model);
    }

    /// Three hundred keyspaces, small and large numbers, made, changed and dropped in the same merges.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn many_keyspaces_live_side_by_side(&self) {
        let _note = self.note("many keyspaces live side by side");
        let mut subject = self.subject();
        let number = |idx: u32| KeyspaceId(if idx < 200 { idx } else { u32::MAX - idx });
        let mut batch = Batch::new();
        for idx in 0..300 {
            batch.put(number(idx), "", format!("of {idx}"));
            batch.put(number(idx), format!("key{idx}"), "value");
        }
        subject.merge(&batch);
        subject.check();
        let mut batch = Batch::new();
        for idx in 0..300 {
            match idx % 3 {
                0 => batch.drop_keyspace(number(idx)),
                1 => batch.delete(number(idx), ""),
                _ => batch.put(number(idx), "more", ""),
            }
        }
        subject.merge(&batch);
        subject.check();
        subject.reopen();
        subject.check();
        check_verify(&*subject.engine, &subject.model);
    }

    /// After any history, an engine that is opened again holds what it held, verifies clean, and takes more merges.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn reopening_changes_nothing(&self) {
        let _note = self.note("reopening changes nothing");
        let mut subject = self.subject();
        for number in 0..self.merges {
            subject.merge_next();
            if number % 4 == 3 {
                subject.reopen();
                assert_eq!(subject.engine.merged_lsn(), subject.model.last());
                subject.check();
                check_verify(&*subject.engine, &subject.model);
            }
        }
    }

    /// A merge whose changes fail half way fails as a whole, and may be tried again.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn refused_changes_change_nothing(&self) {
        let _note = self.note("refused changes change nothing");
        let mut subject = self.subject();
        subject.merge_next();
        for given in [0, 1, 5] {
            let batch = subject.generator.batch();
            let changes = batch.changes();
            let mut failing = FailingChanges {
                inner: SliceChanges::new(&batch.dropped, &changes),
                left: given,
            };
            let upto = subject.next_lsn();
            let result = subject.engine.merge(&mut failing, upto);
            assert!(result.is_err(), "a merge fails when its changes do");
            let last = subject.model.last();
            assert_eq!(subject.engine.merged_lsn(), last);
            check_snapshot(&*subject.engine.snapshot(), &subject.model, last);
            subject.merge(&batch);
            subject.check();
            subject.reopen();
            subject.check();
        }
        check_verify(&*subject.engine, &subject.model);
    }

    /// Thousands of entries in one merge; then many at the end, many in between, most of them gone again, and all.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn bulk_changes_are_kept(&self) {
        let _note = self.note("bulk changes are kept");
        let mut subject = self.subject();
        let all = BULK_ENTRIES;
        let batches = [
            bulk_puts((0..all).step_by(2)),
            bulk_puts(all..all * 2),
            bulk_puts((1..all).step_by(2)),
            bulk_deletes(all / 4..all * 2 - 10),
            bulk_puts((0..all).step_by(3)),
            bulk_deletes(0..all * 2),
        ];
        for batch in &batches {
            subject.merge(batch);
            subject.check();
            check_verify(&*subject.engine, &subject.model);
        }
        subject.reopen();
        subject.check();
    }

    /// The caller's mistakes are errors that say so, and change nothing: changes that do not ascend, a key twice, a
    /// change in a keyspace that ends, a state that is not after the newest.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn mistakes_are_refused(&self) {
        let _note = self.note("mistakes are refused");
        let mut subject = self.subject();
        subject.merge_next();
        let put = |keyspace, key| Change {
            keyspace: KeyspaceId(keyspace),
            key,
            op: Op::Put(b"v"),
        };
        let mistakes: [(&[KeyspaceId], &[Change<'_>]); 4] = [
            (&[], &[put(1, b"b"), put(1, b"a")]),
            (&[], &[put(1, b"a"), put(1, b"a")]),
            (&[], &[put(2, b"a"), put(1, b"b")]),
            (&[KeyspaceId(1)], &[put(1, b"a")]),
        ];
        for (dropped, left) in mistakes {
            let upto = subject.next_lsn();
            let result = subject
                .engine
                .merge(&mut AnyChanges { dropped, left }, upto);
            let refused = matches!(result, Err(EngineError::Unsorted { .. }));
            assert!(refused, "{left:?} with {dropped:?} dropped: {result:?}");
            subject.check();
        }
        for upto in [Lsn::ZERO, subject.model.last()] {
            let left = &[put(1, b"stale")];
            let mut changes = AnyChanges { dropped: &[], left };
            let result = subject.engine.merge(&mut changes, upto);
            let refused = matches!(result, Err(EngineError::Stale { .. }));
            assert!(refused, "up to {upto}: {result:?}");
            subject.check();
        }
        subject.reopen();
        subject.check();
        subject.merge_next();
        subject.check();
    }
}

/// Where the bulk changes are.
const BULK: KeyspaceId = KeyspaceId(5);
/// How many entries the first bulk merge ranges over.
const BULK_ENTRIES: u32 = 3000;

fn bulk_puts(numbers: impl Iterator<Item = u32>) -> Batch {
    let mut batch = Batch::new();
    for number in numbers {
        let len = usize::try_from(number % 90).expect("below 90");
        batch.put(BULK, bulk_key(number), vec![b'v'; len]);
    }
    batch
}

fn bulk_deletes(numbers: impl Iterator<Item = u32>) -> Batch {
    let mut batch = Batch::new();
    numbers.for_each(|number| batch.delete(BULK, bulk_key(number)));
    batch
}

fn bulk_key(number: u32) -> String {
    format!("a beginning that all keys share {number:08}")
}

/// Changes as they are given, in whatever order.
struct AnyChanges<'a> {
    dropped: &'a [KeyspaceId],
    left: &'a [Change<'a>],
}

impl Changes for AnyChanges<'_> {
    fn dropped(&self) -> &[KeyspaceId] {
        self.dropped
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        let Some((next, left)) = self.left.split_first() else {
            return Ok(None);
        };
        self.left = left;
        Ok(Some(*next))
    }
}

/// Gives so many changes, then an error.
struct FailingChanges<'a> {
    inner: SliceChanges<'a>,
    left: usize,
}

impl Changes for FailingChanges<'_> {
    fn dropped(&self) -> &[KeyspaceId] {
        self.inner.dropped()
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        if self.left == 0 {
            return Err(EngineError::Corrupt {
                path: "changes".into(),
                offset: 0,
                why: Malformed::new("changes", "more of them", "a planned failure"),
            });
        }
        self.left -= 1;
        self.inner.next_change()
    }
}
