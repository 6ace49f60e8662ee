//! An engine of one's own in place of the B+tree.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use drystone_base::Env;
use drystone_engine::{Engine, EngineError};

/// Opens an engine in a folder that is there, or makes a new one where the folder is empty. Its files lie in that folder
/// itself, and it reads and writes them through the environment alone.
pub type OpenEngine = fn(&Env, &Path) -> Result<Arc<dyn Engine>, EngineError>;

/// An engine of one's own, named by [`Options::engine`](crate::Options::engine): for tests that swap the storage below an
/// application, and for engines that are no part of this crate.
///
/// It keeps the rules of `drystone-engine`, which `drystone_testkit::laws` proves. The database records its name, and is
/// opened again with an engine of that name only.
///
/// ```
/// use std::sync::Arc;
///
/// use drystone::{CustomEngine, Database, Options};
/// use drystone_testkit::{ModelEngine, SimFileSystem};
///
/// # fn main() -> drystone::Result<()> {
/// let model = CustomEngine::new("model", |env, folder| Ok(Arc::new(ModelEngine::open(env, folder)?)));
/// let options = Options { engine: Some(model), ..Options::default() };
/// let disk = SimFileSystem::new(7);
/// let db = Database::open_in(&disk.env(), "db", options)?;
/// db.keyspace("notes")?.put("one", "stone")?;
/// assert_eq!(db.stats().engine.kind, "model");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct CustomEngine {
    name: &'static str,
    open: OpenEngine,
}

impl CustomEngine {
    /// The longest name, in bytes.
    pub const NAME_BYTES_MAX: usize = 32;

    /// An engine of this name: 1 to [`CustomEngine::NAME_BYTES_MAX`] printable characters of ASCII, no spaces.
    ///
    /// # Panics
    /// For any other name.
    #[must_use]
    pub const fn new(name: &'static str, open: OpenEngine) -> CustomEngine {
        assert!(is_name(name.as_bytes()), "no name for an engine");
        CustomEngine { name, open }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn open(&self, env: &Env, folder: &Path) -> Result<Arc<dyn Engine>, EngineError> {
        (self.open)(env, folder)
    }
}

/// Whether an engine can have this name.
pub(crate) const fn is_name(mut name: &[u8]) -> bool {
    if name.is_empty() || name.len() > CustomEngine::NAME_BYTES_MAX {
        return false;
    }
    while let [first, rest @ ..] = name {
        if !first.is_ascii_graphic() {
            return false;
        }
        name = rest;
    }
    true
}

/// By name.
impl PartialEq for CustomEngine {
    fn eq(&self, other: &CustomEngine) -> bool {
        self.name == other.name
    }
}

impl Eq for CustomEngine {}

impl fmt::Debug for CustomEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomEngine").field(&self.name).finish()
    }
}
