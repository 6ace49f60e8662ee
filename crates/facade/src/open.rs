//! From a directory to its parts.
//!
//! A database comes into being in this order, each step durable before the next: `MANIFEST.new`; the engine's folder and
//! the log's; `MANIFEST.new` renamed to `MANIFEST`. So a directory with `MANIFEST` is whole, one with only
//! `MANIFEST.new` is what a crash left of a creation and is made anew, and one with neither, but with other files, is
//! refused: it is somebody else's, or has lost its manifest.

use std::path::Path;
use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::{Env, LockError, LockGuard};
use drystone_compress::Codec;
use drystone_engine::Engine;
use drystone_mvcc::{Durability, IsolationLevel, Store, StoreOptions};
use drystone_wal::{Log, LogOptions};

use crate::background::Background;
use crate::error::{Error, FileProblem, Result};
use crate::locked_files::under_lock;
use crate::manifest::{EngineKind, Manifest, NewManifest};
use crate::options::{CreateMode, Options};

const LOCK: &str = "LOCK";
const LOG: &str = "log";
/// Where large transactions are until they commit.
const SPILL: &str = "spill";
/// What a creation may have made, whichever engine it was for.
const FOLDERS: [&str; 4] = [
    LOG,
    EngineKind::BTREE_FOLDER,
    EngineKind::CUSTOM_FOLDER,
    SPILL,
];
/// Memory for the writes of a transaction, at most: with as much again a log record could not take it where it cannot spill.
const TRANSACTION_BYTES_MAX: u64 = 512 << 20;

/// The most files of the log that are kept to be used again.
const SPARES_MAX: usize = 16;

/// How many full memtables are kept for transactions that began before them.
const CONFLICT_MEMTABLES: u64 = 8;
/// One part in so many of the cache's budget may hold pinned inner nodes.
#[cfg(feature = "btree")]
const PINNED_SHARE: usize = 8;
/// And never more than this.
#[cfg(feature = "btree")]
const PINNED_BYTES_MAX: usize = 16 << 20;
/// Holds nothing; creating it is the first commit of every database.
const FIRST_KEYSPACE: &str = "@drystone";

/// The parts of an open database.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) lock: Arc<dyn LockGuard>,
}

/// Opens the database in `directory`, or creates it.
pub(crate) fn open(env: &Env, directory: &Path, options: &Options) -> Result<Opened> {
    check_page_bytes(directory, options)?;
    check_codec(directory, options.compression)?;
    let exists = Manifest::exists(env, directory)?;
    match options.create {
        CreateMode::Never if !exists => {
            return Err(Error::file(directory.to_owned(), FileProblem::Missing));
        }
        CreateMode::MustBeNew if exists => {
            return Err(Error::file(directory.to_owned(), FileProblem::Exists));
        }
        _ => {}
    }
    if !exists {
        create_directory(env, directory)?;
        refuse_foreign(env, directory)?;
    }
    let lock: Arc<dyn LockGuard> = Arc::from(take_lock(env, directory)?);
    let env = &under_lock(env, Arc::clone(&lock));
    // Whoever held the lock may have created it meanwhile.
    let store = match Manifest::read(env, directory)? {
        Some(manifest) => {
            check_engine(directory, manifest.engine, EngineKind::of(options))?;
            open_parts(env, directory, options)?
        }
        None => create_parts(env, directory, options)?,
    };
    Ok(Opened { store, lock })
}

/// Starts the threads that drive the background work of `store`.
pub(crate) fn start_threads(
    directory: &Path,
    store: &Store,
    options: &Options,
) -> Result<Background> {
    Background::start(store, options).map_err(|source| {
        Error::file(
            directory.to_owned(),
            FileProblem::Io {
                op: "start the threads of",
                source,
            },
        )
    })
}

#[cfg(feature = "sql")]
pub(crate) fn open_sql(
    env: &Env,
    store: &Store,
    options: &Options,
) -> Result<drystone_query::SqlEngine> {
    let sql_options = drystone_query::SqlOptions {
        statement_memory_bytes_max: options.statement_bytes,
        statement_time_max: options.statement_time,
        conflict_retries_max: options.attempts_max,
        ..drystone_query::SqlOptions::default()
    };
    Ok(drystone_query::SqlEngine::open(
        store.clone(),
        env,
        sql_options,
    )?)
}

fn create_directory(env: &Env, directory: &Path) -> Result<()> {
    let created = env.files.create_dir_durable(directory);
    created.map_err(|source| Error::io("create", directory, source))
}

fn take_lock(env: &Env, directory: &Path) -> Result<Box<dyn LockGuard>> {
    let path = directory.join(LOCK);
    let program = std::env::current_exe().ok();
    let name = program
        .as_deref()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let holder = format!(
        "process {} ({})",
        std::process::id(),
        name.unwrap_or_else(|| "unknown program".to_owned())
    );
    let locked = match env.files.try_lock(&path, &holder) {
        Err(LockError::Held { .. }) if is_planted("facade-second-opening") => {
            env.files.try_lock(&directory.join("LOCK.second"), &holder)
        }
        locked => locked,
    };
    locked.map_err(|source| Error::locked(directory.to_owned(), name_holder(source, &holder)))
}

/// Says so where the holder is this very process: what to look for is in its own code.
fn name_holder(error: LockError, this: &str) -> LockError {
    match error {
        LockError::Held { holder } if holder == this => LockError::Held {
            holder: format!(
                "{this}, which is this process: a handle of it, a snapshot, an iterator, a transaction or a session \
                 still lives"
            ),
        },
        other => other,
    }
}

/// What an engine wrote, another one cannot read.
fn check_engine(directory: &Path, recorded: EngineKind, named: EngineKind) -> Result<()> {
    if recorded == named {
        return Ok(());
    }
    let problem = FileProblem::OtherEngine {
        recorded: recorded.to_string(),
        named: named.to_string(),
    };
    Err(Error::file(directory.to_owned(), problem))
}

#[cfg(feature = "btree")]
fn check_page_bytes(directory: &Path, options: &Options) -> Result<()> {
    use drystone_btree::{MAX_PAGE_BYTES, MIN_PAGE_BYTES};

    let found = options.page_bytes;
    if (MIN_PAGE_BYTES..=MAX_PAGE_BYTES).contains(&found) {
        return Ok(());
    }
    let problem = FileProblem::PageBytes {
        found,
        min: MIN_PAGE_BYTES,
        max: MAX_PAGE_BYTES,
    };
    Err(Error::file(directory.to_owned(), problem))
}

#[cfg(not(feature = "btree"))]
fn check_page_bytes(_: &Path, _: &Options) -> Result<()> {
    Ok(())
}

/// Refuses a codec that this build lacks, or a level that it lacks.
#[cfg(feature = "btree")]
pub(crate) fn check_codec(directory: &Path, codec: Codec) -> Result<()> {
    codec.check().map_err(|why| {
        let problem = FileProblem::Compression(why);
        Error::file(directory.to_owned(), problem)
    })
}

/// An engine of the application's own decides by itself.
#[cfg(not(feature = "btree"))]
pub(crate) fn check_codec(_: &Path, _: Codec) -> Result<()> {
    Ok(())
}

fn open_parts(env: &Env, directory: &Path, options: &Options) -> Result<Store> {
    let log = directory.join(LOG);
    if !Log::exists(env, &log)? {
        return Err(Error::file(log, FileProblem::PartMissing));
    }
    // An engine of the application's own may have written nothing yet. What it has lost, the log misses.
    if options.engine.is_none() {
        check_not_empty(env, &directory.join(EngineKind::BTREE_FOLDER))?;
    }
    wire(env, directory, options)
}

fn check_not_empty(env: &Env, folder: &Path) -> Result<()> {
    let names = names_in(env, folder)?;
    match names.is_empty() {
        true => Err(Error::file(folder.to_owned(), FileProblem::PartMissing)),
        false => Ok(()),
    }
}

fn create_parts(env: &Env, directory: &Path, options: &Options) -> Result<Store> {
    discard_unfinished(env, directory)?;
    let fresh = Manifest::fresh(env, EngineKind::of(options));
    let manifest = NewManifest::begin(env, directory, fresh)?;
    let store = wire(env, directory, options)?;
    // The names of the parts' folders, before the manifest says that they are there.
    env.files
        .sync_dir(directory)
        .map_err(|source| Error::io("sync", directory, source))?;
    commit_creation(&store)?;
    manifest.finish(env, directory)?;
    Ok(store)
}

/// A first commit, so that a database always has a log: one without has lost it.
fn commit_creation(store: &Store) -> Result<()> {
    let mut transaction = store.begin(IsolationLevel::RepeatableRead)?;
    transaction.create_keyspace(FIRST_KEYSPACE)?;
    transaction.commit(Durability::Sync)?;
    Ok(())
}

/// Opens the engine and the log, and joins them.
fn wire(env: &Env, directory: &Path, options: &Options) -> Result<Store> {
    let engine = open_engine(env, directory, options)?;
    let log_options = LogOptions {
        segment_bytes: options.segment_bytes,
        archive_bytes_max: options.log_archive_bytes_max,
        retain_bytes: options.log_retain_bytes,
        recovery: options.recovery,
        spare_segments_max: spare_segments(options),
        ..LogOptions::default()
    };
    let log = Log::open(env, &directory.join(LOG), log_options, engine.merged_lsn())?;
    if let Some(archive) = &options.log_archive {
        log.set_archive(archive.open(env)?);
    }
    let store_options = StoreOptions {
        memtable_bytes: options.memtable_bytes,
        spill_bytes: options.transaction_bytes.min(TRANSACTION_BYTES_MAX),
        step_bytes: options.merge_slice_bytes,
        conflict_bytes_max: options.memtable_bytes.saturating_mul(CONFLICT_MEMTABLES),
        ..StoreOptions::default()
    };
    let spill = directory.join(SPILL);
    Ok(Store::open_spilling(
        env,
        store_options,
        log,
        engine,
        &spill,
    )?)
}

/// As many files of the log as a merge of two memtables gives back, so that under steady load the log is not filled with zeros
/// again and again.
fn spare_segments(options: &Options) -> usize {
    let segments = options.memtable_bytes.saturating_mul(2) / options.segment_bytes.max(1);
    usize::try_from(segments)
        .unwrap_or(SPARES_MAX)
        .clamp(2, SPARES_MAX)
}

fn open_engine(env: &Env, directory: &Path, options: &Options) -> Result<Arc<dyn Engine>> {
    let folder = directory.join(EngineKind::of(options).folder());
    match &options.engine {
        Some(custom) => {
            create_directory(env, &folder)?;
            Ok(custom.open(env, &folder)?)
        }
        None => open_btree(env, &folder, options),
    }
}

#[cfg(feature = "btree")]
fn open_btree(env: &Env, folder: &Path, options: &Options) -> Result<Arc<dyn Engine>> {
    // What is pinned counts as cached: both together keep to the budget.
    let pinned_bytes_max = (options.cache_bytes / PINNED_SHARE).min(PINNED_BYTES_MAX);
    let mut btree_options = drystone_btree::BTreeOptions {
        page_bytes: options.page_bytes,
        codec: options.compression,
        pinned_bytes_max: pinned_bytes_max as u64,
        ..drystone_btree::BTreeOptions::default()
    };
    btree_options.pager.cache_bytes = options.cache_bytes - pinned_bytes_max;
    btree_options.pager.cache_policy = options.cache_policy;
    btree_options.pager.reads = options.reads;
    let tree = drystone_btree::BTree::open(env, folder, btree_options)?;
    Ok(Arc::new(tree))
}

#[cfg(not(feature = "btree"))]
fn open_btree(_: &Env, _: &Path, _: &Options) -> Result<Arc<dyn Engine>> {
    Err(Error::no_engine())
}

/// Refuses a directory that holds somebody else's files, before the lock's file is left there too. Where that file is there
/// already, who holds the lock may be creating a database: then it is asked again under the lock.
fn refuse_foreign(env: &Env, directory: &Path) -> Result<()> {
    let names = names_in(env, directory)?;
    if names.iter().any(|name| name == LOCK) {
        return Ok(());
    }
    has_unfinished(directory, &names).map(drop)
}

/// Removes what a crash left of a creation; refuses a directory that holds anything else.
fn discard_unfinished(env: &Env, directory: &Path) -> Result<()> {
    if !has_unfinished(directory, &names_in(env, directory)?)? {
        return Ok(());
    }
    for folder in FOLDERS.map(|part| directory.join(part)) {
        if is_planted("facade-leftovers-kept") {
            break;
        }
        empty(env, &folder)?;
    }
    Ok(())
}

/// Whether `names` are those of a creation that was not finished; an error where they are not, and not none either.
fn has_unfinished(directory: &Path, names: &[String]) -> Result<bool> {
    let mut names = names.iter().filter(|name| *name != LOCK).peekable();
    if names.peek().is_none() {
        return Ok(false);
    }
    let (mut is_begun, mut is_ours) = (false, true);
    for name in names {
        is_begun |= name == NewManifest::FILE;
        is_ours &= name == NewManifest::FILE || FOLDERS.contains(&name.as_str());
    }
    if is_begun && is_ours {
        return Ok(true);
    }
    Err(Error::file(directory.to_owned(), FileProblem::NotADatabase))
}

fn names_in(env: &Env, directory: &Path) -> Result<Vec<String>> {
    let names = env.files.list_dir(directory);
    names.map_err(|source| Error::io("list", directory, source))
}

fn empty(env: &Env, folder: &Path) -> Result<()> {
    if !env
        .files
        .exists(folder)
        .map_err(|source| Error::io("look for", folder, source))?
    {
        return Ok(());
    }
    for name in env
        .files
        .list_dir(folder)
        .map_err(|source| Error::io("list", folder, source))?
    {
        let path = folder.join(name);
        env.files
            .remove_file(&path)
            .map_err(|source| Error::io("remove", &path, source))?;
    }
    env.files
        .sync_dir(folder)
        .map_err(|source| Error::io("sync", folder, source))
}
