//! An engine that is plainly right: a map in memory, and one file that is replaced whole by every merge.
//!
//! It shows that the laws can be kept, and serves as the oracle beside a real engine. It is not meant to be fast.
//!
//! ```text
//! offset  size  field
//!      0     8  crc64    CRC-64/NVME of bytes 8.. to the end
//!      8     8  lsn      state of this file
//!     16        entries  to the end: keyspace (varint), then key and value, each as length (varint) and bytes;
//!                        a keyspace that is there but empty: keyspace, then the number 0 alone.
//!                        Key lengths are stored plus 1, so that they are never 0
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId, Lsn, OpenMode, checksum, varint};
use drystone_engine::{
    Budget, Change, Changes, Cursor, Engine, EngineError, EngineStats, Malformed, Op, Progress,
    Snapshot, VerifyReport, read_whole,
};
use parking_lot::{Mutex, RwLock};

type Entries = BTreeMap<Bytes, Bytes>;

/// The reference engine. Reads a state of its own per snapshot; a merge writes everything.
#[derive(Debug)]
pub struct ModelEngine {
    env: Env,
    dir: PathBuf,
    state: RwLock<Arc<ModelSnapshot>>,
    /// Held for a whole merge (E5 asks that nobody tries two at a time).
    merging: Mutex<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ModelSnapshot {
    lsn: Lsn,
    keyspaces: BTreeMap<KeyspaceId, Arc<Entries>>,
}

impl ModelEngine {
    /// Opens the engine in folder `dir`, or makes a new one there.
    ///
    /// # Errors
    /// Failed I/O; [`EngineError::Corrupt`] when any byte of its file is not as it was written.
    pub fn open(env: &Env, dir: &Path) -> Result<ModelEngine, EngineError> {
        make_folder(env, dir).map_err(|source| failed("create", dir, source))?;
        let path = dir.join("state");
        let state = match read(env, &path).map_err(|source| failed("read", &path, source))? {
            Some(bytes) => decode(&bytes).map_err(|why| EngineError::Corrupt {
                path,
                offset: 0,
                why,
            })?,
            None => ModelSnapshot::default(),
        };
        Ok(ModelEngine {
            env: env.clone(),
            dir: dir.to_owned(),
            state: RwLock::new(Arc::new(state)),
            merging: Mutex::new(0),
        })
    }

    fn write(&self, state: &ModelSnapshot) -> io::Result<()> {
        let next = self.dir.join("state.next");
        let file = self.env.files.open(&next, OpenMode::Create)?;
        file.set_len(0)?;
        file.write_all_at(&encode(state), 0)?;
        file.sync()?;
        self.env.files.rename(&next, &self.dir.join("state"))?;
        self.env.files.sync_dir(&self.dir)
    }
}

/// Creates a folder whose name survives a crash.
fn make_folder(env: &Env, dir: &Path) -> io::Result<()> {
    env.files.create_dir_all(dir)?;
    match dir.parent() {
        Some(above) if !above.as_os_str().is_empty() => env.files.sync_dir(above),
        _ => Ok(()),
    }
}

fn read(env: &Env, path: &Path) -> io::Result<Option<Vec<u8>>> {
    if !env.files.exists(path)? {
        return Ok(None);
    }
    let file = env.files.open(path, OpenMode::Read)?;
    let len = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Some(bytes))
}

fn failed(op: &'static str, path: &Path, source: io::Error) -> EngineError {
    EngineError::Io {
        op,
        path: path.to_owned(),
        offset: 0,
        source,
    }
}

fn encode(state: &ModelSnapshot) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    bytes.extend(state.lsn.0.to_le_bytes());
    for (keyspace, entries) in &state.keyspaces {
        if entries.is_empty() {
            varint::encode(u64::from(keyspace.0), &mut bytes);
            varint::encode(0, &mut bytes);
        }
        for (key, value) in entries.iter() {
            varint::encode(u64::from(keyspace.0), &mut bytes);
            varint::encode(key.len() as u64 + 1, &mut bytes);
            bytes.extend_from_slice(key);
            varint::encode(value.len() as u64, &mut bytes);
            bytes.extend_from_slice(value);
        }
    }
    let crc = checksum::crc64(&bytes[8..]);
    bytes[..8].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Result<ModelSnapshot, Malformed> {
    let short = || Malformed::new("length", "16 bytes or more", bytes.len().to_string());
    let (crc, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
    let found = checksum::crc64(rest);
    if found != u64::from_le_bytes(*crc) {
        let expected = format!("{:#x}", u64::from_le_bytes(*crc));
        return Err(Malformed::new("checksum", expected, format!("{found:#x}")));
    }
    let (lsn, entries) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    let cut = || Malformed::new("entry", "a whole one", "the end of the file");
    Ok(ModelSnapshot {
        lsn: Lsn(u64::from_le_bytes(*lsn)),
        keyspaces: decode_entries(entries).ok_or_else(cut)?,
    })
}

fn decode_entries(mut bytes: &[u8]) -> Option<BTreeMap<KeyspaceId, Arc<Entries>>> {
    let mut keyspaces: BTreeMap<KeyspaceId, Entries> = BTreeMap::new();
    while !bytes.is_empty() {
        let keyspace = KeyspaceId(u32::try_from(take_number(&mut bytes)?).ok()?);
        let entries = keyspaces.entry(keyspace).or_default();
        let Some(key_len) = take_number(&mut bytes)?.checked_sub(1) else {
            continue;
        };
        let key = take_bytes(&mut bytes, key_len)?;
        let value_len = take_number(&mut bytes)?;
        entries.insert(key, take_bytes(&mut bytes, value_len)?);
    }
    let shared = keyspaces.into_iter();
    Some(
        shared
            .map(|(keyspace, entries)| (keyspace, Arc::new(entries)))
            .collect(),
    )
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, len) = varint::decode(bytes)?;
    *bytes = &bytes[len..];
    Some(number)
}

fn take_bytes(bytes: &mut &[u8], len: u64) -> Option<Bytes> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(len).ok()?)?;
    *bytes = rest;
    Some(Bytes::copy_from_slice(taken))
}

impl Engine for ModelEngine {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::clone(&*self.state.read()) as Arc<dyn Snapshot>
    }

    fn merge(&self, changes: &mut dyn Changes, upto: Lsn) -> Result<(), EngineError> {
        let mut merges = self.merging.lock();
        let mut next = ModelSnapshot::clone(&self.state.read());
        next.move_to(upto)?;
        let mut order = Order::new(changes.dropped());
        for keyspace in changes.dropped() {
            next.keyspaces.remove(keyspace);
        }
        while let Some(change) = changes.next_change()? {
            order.check(&change)?;
            next.apply(&change)?;
        }
        self.write(&next)
            .map_err(|source| failed("merge", &self.dir, source))?;
        *self.state.write() = Arc::new(next);
        *merges += 1;
        Ok(())
    }

    fn merged_lsn(&self) -> Lsn {
        self.state.read().lsn
    }

    fn step(&self, _budget: Budget) -> Result<Progress, EngineError> {
        Ok(Progress::Idle)
    }

    fn verify(&self) -> Result<VerifyReport, EngineError> {
        let path = self.dir.join("state");
        let bytes = read(&self.env, &path).map_err(|source| failed("read", &path, source))?;
        let mut report = VerifyReport::default();
        let Some(bytes) = bytes else {
            return Ok(report);
        };
        report.pages = 1;
        report.bytes = bytes.len() as u64;
        match decode(&bytes) {
            Ok(state) => {
                report.entries = state.keyspaces.values().map(|all| all.len() as u64).sum()
            }
            Err(why) => report.findings.push(EngineError::Corrupt {
                path,
                offset: 0,
                why,
            }),
        }
        Ok(report)
    }

    fn stats(&self) -> EngineStats {
        EngineStats {
            kind: "model",
            merges: *self.merging.lock(),
            ..EngineStats::default()
        }
    }
}

impl ModelSnapshot {
    fn move_to(&mut self, upto: Lsn) -> Result<(), EngineError> {
        if upto <= self.lsn {
            let merged = self.lsn;
            return Err(EngineError::Stale { upto, merged });
        }
        self.lsn = upto;
        Ok(())
    }

    fn apply(&mut self, change: &Change<'_>) -> Result<(), EngineError> {
        match change.op {
            Op::Put(value) => self.put(change, Bytes::copy_from_slice(value)),
            Op::PutLong(value) => self.put(change, read_whole(&**value)?),
            Op::Delete => {
                if let Some(entries) = self.keyspaces.get_mut(&change.keyspace) {
                    Arc::make_mut(entries).remove(change.key);
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, change: &Change<'_>, value: Bytes) {
        let entries = self.keyspaces.entry(change.keyspace).or_default();
        let key = Bytes::copy_from_slice(change.key);
        Arc::make_mut(entries).insert(key, value);
    }
}

/// Checks that changes ascend strictly, and that none is in a keyspace that ends.
struct Order {
    dropped: Vec<KeyspaceId>,
    last: Option<(KeyspaceId, Vec<u8>)>,
}

impl Order {
    fn new(dropped: &[KeyspaceId]) -> Order {
        Order {
            dropped: dropped.to_vec(),
            last: None,
        }
    }

    fn check(&mut self, change: &Change<'_>) -> Result<(), EngineError> {
        let at = (change.keyspace, change.key.to_vec());
        let ascends = self.last.as_ref().is_none_or(|last| *last < at);
        if !ascends || self.dropped.contains(&change.keyspace) {
            let keyspace = change.keyspace;
            return Err(EngineError::Unsorted { keyspace });
        }
        self.last = Some(at);
        Ok(())
    }
}

impl Snapshot for ModelSnapshot {
    fn lsn(&self) -> Lsn {
        self.lsn
    }

    fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let entries = self.keyspaces.get(&keyspace);
        Ok(entries.and_then(|entries| entries.get(key)).cloned())
    }

    fn cursor(&self, keyspace: KeyspaceId) -> Result<Box<dyn Cursor>, EngineError> {
        let entries = self.keyspaces.get(&keyspace);
        let list = entries.into_iter().flat_map(|entries| entries.iter());
        Ok(Box::new(ModelCursor {
            entries: list
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            idx: None,
        }))
    }

    fn count(&self, keyspace: KeyspaceId) -> Result<u64, EngineError> {
        let entries = self.keyspaces.get(&keyspace);
        Ok(entries.map_or(0, |entries| entries.len() as u64))
    }

    fn keyspaces(&self) -> Result<Vec<KeyspaceId>, EngineError> {
        Ok(self.keyspaces.keys().copied().collect())
    }
}

/// A position in a copied list of entries.
#[derive(Debug)]
struct ModelCursor {
    entries: Vec<(Bytes, Bytes)>,
    idx: Option<usize>,
}

impl ModelCursor {
    fn to(&mut self, idx: Option<usize>) -> Result<bool, EngineError> {
        self.idx = idx.filter(|idx| *idx < self.entries.len());
        Ok(self.idx.is_some())
    }

    fn entry(&self) -> &(Bytes, Bytes) {
        &self.entries[self.idx.expect("the cursor is on an entry")]
    }
}

impl Cursor for ModelCursor {
    fn first(&mut self) -> Result<bool, EngineError> {
        self.to(Some(0))
    }

    fn last(&mut self) -> Result<bool, EngineError> {
        self.to(self.entries.len().checked_sub(1))
    }

    fn seek(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let idx = self.entries.partition_point(|(at, _)| &at[..] < key);
        self.to(Some(idx))
    }

    fn seek_back(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let idx = self.entries.partition_point(|(at, _)| &at[..] <= key);
        self.to(idx.checked_sub(1))
    }

    fn next(&mut self) -> Result<bool, EngineError> {
        self.to(self.idx.map(|idx| idx + 1))
    }

    fn prev(&mut self) -> Result<bool, EngineError> {
        self.to(self.idx.and_then(|idx| idx.checked_sub(1)))
    }

    fn key(&self) -> &[u8] {
        &self.entry().0
    }

    fn value(&self) -> Result<Bytes, EngineError> {
        Ok(self.entry().1.clone())
    }
}
