//! Values in pieces: from streams and from memory, read anywhere, replaced, moved, checked, staged, taken back.

use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeOptions, Codec, MAX_LONG_VALUE_BYTES, MIN_PAGE_BYTES};
use drystone_engine::{
    Budget, Change, Engine, EngineError, LongValue, Op, Piece, Progress, SliceChanges, Snapshot,
    Staging,
};
use drystone_testkit::{
    CRASH_FOLDER, Checked, CrashPoints, CrashPolicy, Promises, SimFileSystem, Witness,
};

const FILMS: KeyspaceId = KeyspaceId(1);
const OTHER: KeyspaceId = KeyspaceId(2);
/// A piece of a tree with the smallest nodes.
const PIECE: usize = 16 << 10;
/// Lengths around those at which the form changes, and around whole pieces.
const LENS: [usize; 9] = [
    0,
    100,
    PIECE,
    4 * PIECE,
    4 * PIECE + 1,
    5 * PIECE - 1,
    5 * PIECE,
    5 * PIECE + 1,
    40 * PIECE + 7,
];

fn open(env: &Env) -> BTree {
    open_with(env, Codec::None)
}

fn open_with(env: &Env, codec: Codec) -> BTree {
    let options = BTreeOptions {
        page_bytes: MIN_PAGE_BYTES,
        codec,
        ..BTreeOptions::default()
    };
    BTree::open(env, Path::new("/db/btree"), options).unwrap()
}

/// Bytes that differ from place to place; of another seed, others.
fn film(seed: u8, len: usize) -> Vec<u8> {
    let at = |at: usize| (at ^ (at >> 7) ^ (at >> 14)).to_le_bytes()[0] ^ seed;
    (0..len).map(at).collect()
}

fn name(len: usize) -> Vec<u8> {
    format!("film of {len:09}").into_bytes()
}

fn put_stream(tree: &BTree, key: &[u8], value: &[u8]) {
    let mut tx = tree.begin_write();
    let put = tx.put_stream(FILMS, key.to_vec(), value).unwrap();
    assert_eq!(put, value.len() as u64);
    tx.commit().unwrap();
}

fn check(tree: &BTree) {
    let report = tree.verify().unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// Whether a value is what it should be, read whole and as a stream, from anywhere.
fn check_value(snapshot: &dyn Snapshot, key: &[u8], expected: &[u8]) {
    assert!(snapshot.get(FILMS, key).unwrap().unwrap() == expected);
    let value = snapshot.open_value(FILMS, key).unwrap().unwrap();
    let mut reader = drystone_engine::ValueReader::new(value);
    assert_eq!(reader.byte_len(), expected.len() as u64);
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == expected, "{} bytes", expected.len());
    for at in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 5, expected.len()] {
        let at = at.min(expected.len());
        reader.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut part = Vec::new();
        (&mut reader).take(700).read_to_end(&mut part).unwrap();
        let end = expected.len().min(at + 700);
        assert!(part == expected[at..end], "from {at}");
    }
}

#[test]
fn streams_of_any_length_read_back_also_after_a_reopening() {
    for codec in [Codec::None, Codec::Lz4] {
        let env = Env::memory(1);
        let tree = open_with(&env, codec);
        for len in LENS {
            put_stream(&tree, &name(len), &film(1, len));
        }
        check(&tree);
        drop(tree);
        let tree = open(&env);
        for len in LENS {
            check_value(&*tree.newest(), &name(len), &film(1, len));
        }
        let found: Vec<_> = tree.newest().range(FILMS, ..).map(Result::unwrap).collect();
        assert_eq!(found.len(), LENS.len());
        for ((key, value), len) in found.into_iter().zip(LENS) {
            assert!(key == name(len) && value == film(1, len));
        }
    }
}

#[test]
fn values_from_memory_lie_in_pieces_too() {
    let tree = open(&Env::memory(1));
    let mut tx = tree.begin_write();
    for len in LENS {
        tx.put(FILMS, name(len), film(2, len)).unwrap();
    }
    tx.commit().unwrap();
    check(&tree);
    for len in LENS {
        check_value(&*tree.newest(), &name(len), &film(2, len));
    }
    let mut reader = tree.newest().value_reader(FILMS, &name(40 * PIECE + 7));
    let reader = reader.as_mut().unwrap().as_mut().unwrap();
    assert_eq!(reader.fill_buf().unwrap().len(), PIECE, "a piece at a time");
    assert!(
        tree.newest()
            .value_reader(FILMS, b"none")
            .unwrap()
            .is_none()
    );
    assert!(
        tree.newest()
            .value_reader(OTHER, b"none")
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_reader_reads_on_when_its_value_is_replaced() {
    let tree = open(&Env::memory(1));
    let len = 9 * PIECE + 3;
    put_stream(&tree, b"film", &film(1, len));
    let mut reader = tree.newest().value_reader(FILMS, b"film").unwrap().unwrap();
    let mut read = vec![0; 100];
    reader.read_exact(&mut read).unwrap();
    for seed in 2..6 {
        put_stream(&tree, b"film", &film(seed, len));
    }
    reader.read_to_end(&mut read).unwrap();
    assert!(read == film(1, len));
    check_value(&*tree.newest(), b"film", &film(5, len));
}

/// All pages of values that are replaced, deleted or dropped are free again.
#[test]
fn what_goes_frees_all_its_pieces() {
    let env = Env::memory(1);
    let tree = open(&env);
    let used = |tree: &BTree| {
        let stats = tree.stats();
        stats.file_bytes - stats.free_bytes - stats.pinned_bytes
    };
    let len = 30 * PIECE;
    for seed in 1..4 {
        put_stream(&tree, b"film", &film(seed, len));
        check(&tree);
        assert!(used(&tree) < 40 * PIECE as u64, "{}", used(&tree));
    }
    let mut tx = tree.begin_write();
    tx.put(FILMS, "film", "short now").unwrap();
    tx.commit().unwrap();
    check(&tree);
    assert!(used(&tree) < 3 * PIECE as u64);
    put_stream(&tree, b"film", &film(1, len));
    let mut tx = tree.begin_write();
    tx.delete(FILMS, "film").unwrap();
    tx.commit().unwrap();
    check(&tree);
    assert!(used(&tree) < 3 * PIECE as u64);
    put_stream(&tree, b"film", &film(1, len));
    let mut tx = tree.begin_write();
    tx.drop_keyspace(FILMS);
    tx.commit().unwrap();
    check(&tree);
    assert!(used(&tree) < 3 * PIECE as u64);
}

#[test]
fn a_transaction_reads_what_it_streamed_and_frees_what_it_replaced() {
    let tree = open(&Env::memory(1));
    let len = 11 * PIECE;
    put_stream(&tree, b"b", &film(9, len));
    let mut tx = tree.begin_write();
    for seed in 1..4 {
        tx.put_stream(FILMS, "a", &film(seed, len)[..]).unwrap();
    }
    tx.put_stream(FILMS, "c", &film(7, len)[..]).unwrap();
    tx.put(FILMS, "c", "short").unwrap();
    tx.put_stream(OTHER, "gone", &film(7, len)[..]).unwrap();
    tx.drop_keyspace(OTHER);
    assert!(tx.get(FILMS, b"a").unwrap().unwrap() == film(3, len));
    let found: Vec<_> = tx.range(FILMS, ..).map(Result::unwrap).collect();
    assert!(found[0].1 == film(3, len) && found[1].1 == film(9, len));
    assert_eq!((found.len(), &found[2].1[..]), (3, &b"short"[..]));
    assert!(tree.newest().get(FILMS, b"a").unwrap().is_none());
    tx.commit().unwrap();
    check(&tree);
    check_value(&*tree.newest(), b"a", &film(3, len));
    assert_eq!(tree.newest().keyspaces().unwrap(), [FILMS]);
}

/// Gives some bytes, then fails.
struct Breaks(usize);

impl Read for Breaks {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the line is dead"));
        }
        let len = buf.len().min(self.0);
        buf[..len].fill(1);
        self.0 -= len;
        Ok(len)
    }
}

#[test]
fn a_stream_that_fails_leaves_nothing_and_the_transaction_goes_on() {
    let tree = open(&Env::memory(1));
    let mut tx = tree.begin_write();
    for len in [0, 10, 4 * PIECE + 1, 20 * PIECE + 3] {
        let broken = tx.put_stream(FILMS, "film", Breaks(len)).unwrap_err();
        assert!(
            matches!(broken, EngineError::Stream { offset, .. } if offset == len as u64),
            "{broken:?}"
        );
    }
    assert!(tx.get(FILMS, b"film").unwrap().is_none());
    tx.put_stream(FILMS, "other", &film(1, 6 * PIECE)[..])
        .unwrap();
    tx.commit().unwrap();
    check(&tree);
    assert!(tree.newest().get(FILMS, b"film").unwrap().is_none());
    let mut tx = tree.begin_write();
    tx.put_stream(FILMS, "film", &film(1, 6 * PIECE)[..])
        .unwrap();
    tx.rollback();
    put_stream(&tree, b"film", &film(2, 6 * PIECE));
    check(&tree);
    check_value(&*tree.newest(), b"film", &film(2, 6 * PIECE));
}

/// A long value of one byte, in pieces of any length.
#[derive(Debug)]
struct Ones {
    len: u64,
    piece: usize,
}

impl LongValue for Ones {
    fn byte_len(&self) -> u64 {
        self.len
    }

    fn piece(&self, offset: u64) -> Result<Piece, EngineError> {
        let start = offset / self.piece as u64 * self.piece as u64;
        let len = (self.len - start).min(self.piece as u64);
        Ok(Piece {
            start,
            bytes: Bytes::from(vec![1; usize::try_from(len).unwrap()]),
        })
    }
}

fn ones(len: u64, piece: usize) -> Arc<dyn LongValue> {
    Arc::new(Ones { len, piece })
}

#[test]
fn a_merge_takes_long_values_whatever_their_pieces() {
    let env = Env::memory(1);
    let tree = open(&env);
    for (round, piece) in (1..).zip([1000, PIECE, 100_000]) {
        let values = LENS.map(|len| ones(len as u64, piece));
        let names = LENS.map(name);
        let change = |idx: usize| Change {
            keyspace: FILMS,
            key: &names[idx],
            op: Op::PutLong(&values[idx]),
        };
        let changes: Vec<_> = (0..LENS.len()).map(change).collect();
        let mut changes = SliceChanges::new(&[], &changes);
        tree.merge(&mut changes, Lsn(round)).unwrap();
        check(&tree);
        for len in LENS {
            check_value(&*tree.newest(), &name(len), &vec![1; len]);
        }
    }
    let too_long = ones(MAX_LONG_VALUE_BYTES + 1, 1 << 20);
    let change = Change {
        keyspace: FILMS,
        key: b"too long",
        op: Op::PutLong(&too_long),
    };
    let refused = tree.merge(&mut SliceChanges::new(&[], &[change]), Lsn(9));
    assert!(
        matches!(refused, Err(EngineError::ValueTooLarge { len, max }) if len == max + 1),
        "{refused:?}"
    );
}

#[test]
fn stages_with_values_in_pieces_are_adopted_or_leave_nothing() {
    for is_adopted in [true, false] {
        let env = Env::memory(1);
        let tree = open(&env);
        put_stream(&tree, b"film", &film(1, 9 * PIECE));
        let value = ones(12 * PIECE as u64, 1 << 20);
        let change = Change {
            keyspace: FILMS,
            key: b"film",
            op: Op::PutLong(&value),
        };
        let stage = tree.stage(&mut SliceChanges::new(&[], &[change]));
        let stage = stage.unwrap();
        check(&tree);
        drop(tree);
        let tree = open(&env);
        check_value(&*tree.newest(), b"film", &film(1, 9 * PIECE));
        check_value(&*tree.staged().unwrap().1, b"film", &vec![1; 12 * PIECE]);
        match is_adopted {
            true => tree.adopt(stage).unwrap(),
            false => tree.discard(stage).unwrap(),
        }
        check(&tree);
        match is_adopted {
            true => check_value(&*tree.newest(), b"film", &vec![1; 12 * PIECE]),
            false => check_value(&*tree.newest(), b"film", &film(1, 9 * PIECE)),
        }
    }
}

/// In slices that end within a value, too.
#[test]
fn compaction_moves_pieces_and_gives_the_space_back() {
    let tree = open(&Env::memory(1));
    put_stream(&tree, b"a", &film(1, 60 * PIECE));
    put_stream(&tree, b"b", &film(2, 50 * PIECE));
    let older = tree.newest();
    let mut tx = tree.begin_write();
    tx.delete(FILMS, "a").unwrap();
    tx.commit().unwrap();
    drop(older);
    let before = tree.stats().file_bytes;
    let mut slices = 0;
    while tree
        .compact(Budget {
            bytes: PIECE as u64,
        })
        .unwrap()
        == Progress::More
    {
        slices += 1;
        assert!(slices < 1000, "it never ends");
        check(&tree);
        check_value(&*tree.newest(), b"b", &film(2, 50 * PIECE));
    }
    let after = tree.stats().file_bytes;
    assert!(slices > 10, "{slices} slices");
    assert!(
        before > 110 * PIECE as u64 && after < 55 * PIECE as u64,
        "{before} to {after}"
    );
}

/// Commits with values in pieces that come, replace each other, move and go.
fn workload(env: &Env, witness: &Witness) {
    let tree = open_at(env, &Path::new(CRASH_FOLDER).join("btree"));
    for round in 1..=3u8 {
        witness.begin(u64::from(round));
        let mut tx = tree.begin_write();
        let kept = film(round, 5 * PIECE);
        tx.put_stream(FILMS, "film", &kept[..]).unwrap();
        tx.put_stream(FILMS, vec![round], &kept[..4 * PIECE + 1])
            .unwrap();
        tx.delete(FILMS, vec![round - 1]).unwrap();
        tx.commit().unwrap();
        witness.acknowledge(u64::from(round));
        tree.compact(Budget { bytes: 1 }).unwrap();
    }
    let mut tx = tree.begin_write();
    tx.put_stream(FILMS, "never", &film(9, 5 * PIECE)[..])
        .unwrap();
    tx.rollback();
}

fn open_at(env: &Env, folder: &Path) -> BTree {
    let options = BTreeOptions {
        page_bytes: MIN_PAGE_BYTES,
        ..BTreeOptions::default()
    };
    BTree::open(env, folder, options).unwrap()
}

#[test]
fn a_power_cut_leaves_whole_values_and_no_piece_of_others() {
    let check = |env: &Env, promises: &Promises<'_>| -> Checked {
        let tree = open_at(env, &Path::new(CRASH_FOLDER).join("btree"));
        let round = tree.merged_lsn().0;
        let promised = promises.last_acknowledged()..=promises.last_begun();
        assert!(promised.contains(&round), "opened at {round}");
        let snapshot = tree.newest();
        let found: Vec<_> = snapshot.range(FILMS, ..).collect::<Result<_, _>>()?;
        assert_eq!(found.len(), if round == 0 { 0 } else { 2 });
        let kept = film(u8::try_from(round).unwrap(), 5 * PIECE);
        for (key, value) in found {
            let len = if key == "film" {
                kept.len()
            } else {
                4 * PIECE + 1
            };
            assert!(value == kept[..len], "{key:?} at {round}");
        }
        let report = tree.verify()?;
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        Ok(())
    };
    let report = CrashPoints::new("values in pieces").run(workload, check);
    assert!(report.points > 50, "{report:?}");
}

/// Each page of a value is found out when a bit of it is turned over, and only what it holds cannot be read.
#[test]
fn a_bit_turned_over_in_any_page_of_a_value_is_found() {
    let disk = SimFileSystem::with_folder(3, "/db");
    let (len, folder) = (7 * PIECE, PathBuf::from("/db/btree"));
    let tree = open_at(&disk.env(), &folder);
    put_stream(&tree, b"film", &film(1, len));
    drop(tree);
    disk.settle();
    let path = folder.join("data");
    let file_len = disk.image(&path).unwrap().len();
    let (mut refused, mut wounded_pieces) = (0, 0);
    for offset in (4 * 4096..file_len).step_by(1021) {
        let wounded = disk.crash(CrashPolicy::KeepAll);
        wounded.flip_bit(&path, offset, 3).unwrap();
        let options = BTreeOptions {
            page_bytes: MIN_PAGE_BYTES,
            ..BTreeOptions::default()
        };
        let Ok(tree) = BTree::open(&wounded.env(), &folder, options) else {
            refused += 1;
            continue;
        };
        let snapshot = tree.newest();
        let mut reader = match snapshot.value_reader(FILMS, b"film") {
            Ok(reader) => reader.unwrap(),
            Err(error) => {
                assert!(matches!(error, EngineError::Corrupt { .. }), "{error}");
                assert!(!tree.verify().unwrap().findings.is_empty());
                refused += 1;
                continue;
            }
        };
        let mut unread = 0;
        for piece in 0..7 {
            reader
                .seek(SeekFrom::Start((piece * PIECE) as u64))
                .unwrap();
            match reader.fill_buf() {
                Ok(read) => assert!(read == &film(1, len)[piece * PIECE..(piece + 1) * PIECE]),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                    unread += 1;
                }
            }
        }
        assert!(unread <= 1, "byte {offset}: {unread} pieces");
        assert_eq!(unread == 0, snapshot.get(FILMS, b"film").is_ok());
        assert_eq!(
            unread,
            tree.verify().unwrap().findings.len(),
            "byte {offset}"
        );
        wounded_pieces += unread;
    }
    assert!(
        wounded_pieces > 80,
        "{wounded_pieces} of {file_len}, {refused} refused"
    );
}
