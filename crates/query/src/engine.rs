//! The SQL engine over a store: catalog, plans, vector indexes. Cheap to clone, shared by all sessions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use drystone_base::sync::atomic::{AtomicI64, Ordering};
use drystone_base::sync::{Mutex, RwLock};
use drystone_base::{Clock, Env, KeyspaceId, Lsn};
use drystone_mvcc::{Durability, IsolationLevel, Store, StoreError, Transaction};

use crate::catalog::store::{self, CATALOG_KEYSPACE, CatalogWriter};
use crate::catalog::{Catalog, CatalogVersion, Table};
use crate::codecs::Codecs;
use crate::error::SqlError;
use crate::exec::reader::Reader;
use crate::function::EvalContext;
use crate::prepared::{PlanCache, Prepared};
use crate::session::Session;
use crate::sql_state::SqlState;
use crate::vectors::VectorIndexes;

/// What an engine can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlOptions {
    /// The most memory that the rows kept by one statement may take: those it sorts, hashes, groups, or collects within
    /// a transaction. A statement that needs more fails; nothing of it remains.
    pub statement_memory_bytes_max: usize,
    /// How long a statement may take, rows that are asked for later included; `None` for as long as it needs. It is then
    /// ended at the next rows that it reads or joins, and nothing of it remains. The time is that of the environment's
    /// clock.
    pub statement_time_max: Option<Duration>,
    /// How often a statement outside a transaction is run again when another transaction got in its way.
    pub conflict_retries_max: u32,
    /// How many statements' plans are kept by their text.
    pub cached_plans_max: usize,
    /// How wide the beam of a search through a vector index is, at least: wider finds more of the true neighbors, and
    /// takes longer.
    pub vector_search_ef: usize,
}

impl Default for SqlOptions {
    fn default() -> SqlOptions {
        SqlOptions {
            statement_memory_bytes_max: 256 << 20,
            statement_time_max: None,
            conflict_retries_max: 32,
            cached_plans_max: 1_024,
            vector_search_ef: 100,
        }
    }
}

/// SQL over a store.
#[derive(Clone)]
pub struct SqlEngine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    env: Env,
    options: SqlOptions,
    catalog_keyspace: KeyspaceId,
    /// The state of the catalog that was used last.
    catalog: RwLock<Arc<Catalog>>,
    /// The version of the catalog in the committed state that was asked for last.
    version_at: RwLock<(Option<Lsn>, CatalogVersion)>,
    plans: PlanCache,
    /// The last row number given, by table.
    row_ids: Mutex<BTreeMap<KeyspaceId, Arc<AtomicI64>>>,
    vectors: VectorIndexes,
    codecs: Codecs,
}

impl SqlEngine {
    /// Opens the SQL side of a store: reads the catalog, which is created in a new store, and attaches the vector
    /// indexes.
    ///
    /// # Errors
    /// When the store fails or the catalog is damaged.
    pub fn open(store: Store, env: &Env, options: SqlOptions) -> Result<SqlEngine, SqlError> {
        let catalog_keyspace = catalog_keyspace(&store)?;
        let catalog = store::load(&Reader::View(store.view()), catalog_keyspace)?;
        let engine = SqlEngine {
            inner: Arc::new(Inner {
                store,
                env: env.clone(),
                options,
                catalog_keyspace,
                catalog: RwLock::new(Arc::new(catalog)),
                version_at: RwLock::new((None, CatalogVersion::default())),
                plans: PlanCache::new(options.cached_plans_max),
                row_ids: Mutex::new(BTreeMap::new()),
                vectors: VectorIndexes::default(),
                codecs: Codecs::default(),
            }),
        };
        engine.follow_catalog()?;
        engine.follow_codecs();
        Ok(engine)
    }

    /// A new session, outside any transaction.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// The store underneath.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What it was told.
    #[must_use]
    pub fn options(&self) -> &SqlOptions {
        &self.inner.options
    }

    /// Parses a statement, to be run any number of times by any session of this engine. Names are looked up, and types
    /// settled, now and again whenever the catalog has changed.
    ///
    /// # Errors
    /// Syntax errors, unknown names, types that do not fit.
    pub fn prepare(&self, text: &str) -> Result<Prepared, SqlError> {
        let prepared = self.inner.plans.prepared(text)?;
        let reader = Reader::View(self.inner.store.view());
        let catalog = self.catalog(&reader)?;
        prepared.plan(&catalog, reader.view())?;
        Ok(prepared)
    }

    pub(crate) fn parsed(&self, text: &str) -> Result<Prepared, SqlError> {
        self.inner.plans.prepared(text)
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.env.clock
    }

    pub(crate) fn env(&self) -> &Env {
        &self.inner.env
    }

    pub(crate) fn catalog_keyspace(&self) -> KeyspaceId {
        self.inner.catalog_keyspace
    }

    pub(crate) fn vectors(&self) -> &VectorIndexes {
        &self.inner.vectors
    }

    /// What functions see that run now.
    pub(crate) fn eval_context(&self) -> EvalContext {
        EvalContext {
            now: self.inner.env.clock.now(),
            env: self.inner.env.clone(),
        }
    }

    /// The catalog that a reader sees.
    pub(crate) fn catalog(&self, reader: &Reader<'_>) -> Result<Arc<Catalog>, SqlError> {
        let version = self.catalog_version(reader)?;
        let cached = Arc::clone(&self.inner.catalog.read());
        if cached.version() == version {
            return Ok(cached);
        }
        let catalog = Arc::new(store::load(reader, self.inner.catalog_keyspace)?);
        *self.inner.catalog.write() = Arc::clone(&catalog);
        Ok(catalog)
    }

    /// Which state of the catalog a reader sees. Read once for each committed state, as a rule: most readers see the
    /// state that the one before them saw.
    pub(crate) fn catalog_version(&self, reader: &Reader<'_>) -> Result<CatalogVersion, SqlError> {
        if let Reader::Transaction(transaction) = reader
            && transaction.has_writes()
        {
            return store::version(reader, self.inner.catalog_keyspace);
        }
        let lsn = reader.view().lsn();
        let (known_at, known) = *self.inner.version_at.read();
        if known_at == Some(lsn) {
            return Ok(known);
        }
        let version = store::version(reader, self.inner.catalog_keyspace)?;
        *self.inner.version_at.write() = (Some(lsn), version);
        Ok(version)
    }

    /// Starts a change of the catalog.
    pub(crate) fn change_catalog<'t>(
        &self,
        transaction: &'t mut Transaction,
    ) -> Result<CatalogWriter<'t>, SqlError> {
        let version = CatalogVersion(self.inner.env.random.next_u64().max(1));
        CatalogWriter::new(transaction, self.inner.catalog_keyspace, version)
    }

    /// To be called after a commit of a transaction that ran SQL: takes vector indexes into use that it created, and out
    /// of use that it dropped, and tells the store how tables are compressed. [`Session`]s do so by themselves.
    ///
    /// The graph of a new index is built by the merge that this starts. The commit stands whatever happens here, so
    /// failures are not returned: an index that is not in use yet is tried again after the next commit, a merge by the
    /// store's background work, which reports it to whoever writes. Until then searches scan the vectors, and find all
    /// the same.
    pub fn after_commit(&self) {
        let is_new = self.follow_catalog();
        self.follow_codecs();
        if matches!(is_new, Ok(true)) {
            drop(self.inner.store.flush());
        }
    }

    /// Attaches the vector indexes that the committed catalog has, and detaches those that it lacks. Whether any was
    /// attached.
    fn follow_catalog(&self) -> Result<bool, SqlError> {
        let store = &self.inner.store;
        let known = self.catalog_version(&Reader::View(store.view()))?;
        let newest = || self.catalog(&Reader::View(store.view()));
        self.inner.vectors.follow(known, newest, store)
    }

    /// Tells the store how tables are compressed. What it does not take now (a full disk, say) is told again after the next
    /// change of the catalog, and when the database is opened: until then pages are larger than they might be, and nothing
    /// else.
    fn follow_codecs(&self) {
        let store = &self.inner.store;
        let newest = || self.catalog(&Reader::View(store.view()));
        let known = self.catalog_version(&Reader::View(store.view()));
        drop(known.and_then(|known| self.inner.codecs.follow(known, newest, store)));
    }

    /// The next number for a row of a table without a primary key.
    pub(crate) fn next_row_id(&self, table: &Table, reader: &Reader<'_>) -> Result<i64, SqlError> {
        let known = self.inner.row_ids.lock().get(&table.keyspace()).cloned();
        let counter = match known {
            Some(counter) => counter,
            None => self.new_row_counter(table, reader)?,
        };
        let last = counter.fetch_add(1, Ordering::Relaxed);
        match last < i64::MAX {
            true => Ok(last + 1),
            false => Err(SqlError::new(
                SqlState::ProgramLimitExceeded,
                format!("no row numbers are left in table \"{}\"", table.name()),
            )),
        }
    }

    /// A counter that goes on after the last row that is there.
    fn new_row_counter(
        &self,
        table: &Table,
        reader: &Reader<'_>,
    ) -> Result<Arc<AtomicI64>, SqlError> {
        let newest = Reader::View(self.inner.store.view());
        let mut counters = self.inner.row_ids.lock();
        if let Some(counter) = counters.get(&table.keyspace()) {
            return Ok(Arc::clone(counter));
        }
        let last = last_row_id(table, reader)?.max(last_row_id(table, &newest)?);
        let counter = Arc::new(AtomicI64::new(last));
        counters.insert(table.keyspace(), Arc::clone(&counter));
        Ok(counter)
    }
}

impl std::fmt::Debug for SqlEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlEngine")
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}

/// The keyspace of the catalog, created in a store that has none.
fn catalog_keyspace(store: &Store) -> Result<KeyspaceId, SqlError> {
    loop {
        if let Some(keyspace) = store.view().keyspace(CATALOG_KEYSPACE)? {
            return Ok(keyspace);
        }
        let mut transaction = store.begin(IsolationLevel::RepeatableRead)?;
        if transaction.keyspace(CATALOG_KEYSPACE)?.is_none() {
            transaction.create_keyspace(CATALOG_KEYSPACE)?;
        }
        match transaction.commit(Durability::Sync) {
            // Somebody else created it, or another keyspace, at the same time.
            Err(StoreError::Conflict { .. }) | Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The highest row number in a table; zero when it is empty.
fn last_row_id(table: &Table, reader: &Reader<'_>) -> Result<i64, SqlError> {
    let last = reader
        .range(table.keyspace(), drystone_mvcc::KeyRange::all())
        .next_back();
    let Some(entry) = last else {
        return Ok(0);
    };
    let (key, _) = entry?;
    let mut values = Vec::new();
    table
        .key_layout()
        .decode(&key, &mut values)
        .map_err(|why| crate::exec::scan::damaged(table, why))?;
    match values.first() {
        Some(drystone_record::Value::BigInt(last)) => Ok(*last),
        _ => Ok(0),
    }
}
