//! Stages: seen by nobody before they are adopted, decided for good, also after a reopen.

use std::path::Path;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{
    Budget, Change, Engine, EngineError, Op, Progress, SliceChanges, Snapshot, StageId, Staging,
};
use drystone_lsm::{Lsm, WriteBatch};

use crate::small;

const MAIN: KeyspaceId = KeyspaceId(1);
const NEW: KeyspaceId = KeyspaceId(2);

fn open(env: &Env) -> Lsm {
    Lsm::open(env, Path::new("lsm"), small()).unwrap()
}

fn stage(lsm: &Lsm) -> StageId {
    let change = |keyspace, key: &'static [u8], op| Change { keyspace, key, op };
    let changes = [
        change(MAIN, b"a", Op::Put(b"staged")),
        change(MAIN, b"b", Op::Delete),
        change(NEW, b"c", Op::Put(b"staged")),
    ];
    lsm.stage(&mut SliceChanges::new(&[], &changes)).unwrap()
}

fn base(env: &Env) -> Lsm {
    let lsm = open(env);
    let mut batch = WriteBatch::new();
    batch.put(MAIN, "a", "base");
    batch.put(MAIN, "b", "base");
    lsm.write_batch(&batch).unwrap();
    lsm
}

fn contents(snapshot: &dyn Snapshot) -> [Option<bytes::Bytes>; 3] {
    [(MAIN, "a"), (MAIN, "b"), (NEW, "c")]
        .map(|(keyspace, key)| snapshot.get(keyspace, key.as_bytes()).unwrap())
}

fn of(values: [Option<&'static str>; 3]) -> [Option<bytes::Bytes>; 3] {
    values.map(|value| value.map(bytes::Bytes::from))
}

const BASE: [Option<&str>; 3] = [Some("base"), Some("base"), None];
const STAGED: [Option<&str>; 3] = [Some("staged"), None, Some("staged")];

#[test]
fn a_stage_is_seen_once_it_is_adopted() {
    for (is_adopted, is_reopened) in [(true, false), (true, true), (false, false), (false, true)] {
        let env = Env::memory(1);
        let mut lsm = base(&env);
        let number = stage(&lsm);
        if is_reopened {
            drop(lsm);
            lsm = open(&env);
        }
        assert_eq!(contents(&*lsm.newest()), of(BASE));
        let (found, staged) = lsm.staged().unwrap();
        assert_eq!((found, contents(&*staged)), (number, of(STAGED)));
        let refused = lsm.write_batch(&WriteBatch::new());
        assert!(matches!(refused, Err(EngineError::Undecided { .. })));
        let wrong = lsm.adopt(StageId(number.0 + 1));
        assert!(matches!(wrong, Err(EngineError::NoSuchStage { .. })));
        while lsm.step(Budget { bytes: 100 }).unwrap() == Progress::More {}
        match is_adopted {
            true => lsm.adopt(number).unwrap(),
            false => lsm.discard(number).unwrap(),
        }
        let expected = if is_adopted { STAGED } else { BASE };
        assert!(lsm.staged().is_none());
        assert_eq!(
            (contents(&*lsm.newest()), lsm.merged_lsn()),
            (of(expected), Lsn(1))
        );
        assert_eq!(lsm.adopted().0, u64::from(is_adopted));
        drop(staged);
        while lsm.step(Budget { bytes: 100 }).unwrap() == Progress::More {}
        drop(lsm);
        let lsm = open(&env);
        assert_eq!(contents(&*lsm.newest()), of(expected));
        assert_eq!(stage(&lsm), StageId(number.0 + 1), "numbers are given once");
        assert!(lsm.verify().unwrap().findings.is_empty());
    }
}
