//! `MANIFEST`: what a directory is. Written once, when the database is created.
//!
//! # Invariants
//! - I1. A directory with `MANIFEST` holds a whole database: the rename that makes it is the last step of creation.
//! - I2. It never changes afterwards.

mod format;

use std::path::Path;

use drystone_base::planted::is_planted;
use drystone_base::{Env, OpenMode};

pub(crate) use format::{EngineKind, Manifest, NotAManifest};
#[cfg(fuzzing)]
pub(crate) use format::{decode, encode};

use crate::error::{Error, Result};

const FILE: &str = "MANIFEST";

impl Manifest {
    /// Whether `directory` has one.
    pub(crate) fn exists(env: &Env, directory: &Path) -> Result<bool> {
        let path = directory.join(FILE);
        let found = env.files.exists(&path);
        found.map_err(|source| Error::io("look for", &path, source))
    }

    /// The manifest of `directory`; `None` where there is none.
    pub(crate) fn read(env: &Env, directory: &Path) -> Result<Option<Manifest>> {
        if !Manifest::exists(env, directory)? {
            return Ok(None);
        }
        let path = directory.join(FILE);
        let file = env
            .files
            .open(&path, OpenMode::Read)
            .map_err(|source| Error::io("open", &path, source))?;
        // One byte more than it may have, so that a longer file is noticed.
        let mut bytes = [0; format::NAMED_BYTES + 1];
        let read = file
            .read_at(&mut bytes, 0)
            .map_err(|source| Error::io("read", &path, source))?;
        let manifest =
            format::decode(&bytes[..read]).map_err(|why| Error::from_manifest(path, why))?;
        Ok(Some(manifest))
    }

    /// A manifest for a new database, with an identity of its own.
    pub(crate) fn fresh(env: &Env, engine: EngineKind) -> Manifest {
        let mut id = [0; 16];
        env.random.fill(&mut id);
        Manifest {
            id,
            engine,
            created: env.clock.now(),
        }
    }
}

/// The manifest of a database that is being created: durable as `MANIFEST.new`, and not yet in force.
#[must_use]
pub(crate) struct NewManifest(());

impl NewManifest {
    /// Its name in the directory: a creation was begun there, and not finished.
    pub(crate) const FILE: &str = "MANIFEST.new";

    /// Marks `directory` as one in which a database is being created.
    pub(crate) fn begin(env: &Env, directory: &Path, manifest: Manifest) -> Result<NewManifest> {
        let path = directory.join(NewManifest::FILE);
        let file = env
            .files
            .open(&path, OpenMode::Create)
            .map_err(|source| Error::io("create", &path, source))?;
        file.set_len(0)
            .map_err(|source| Error::io("truncate", &path, source))?;
        file.write_all_at(&format::encode(manifest), 0)
            .map_err(|source| Error::io("write", &path, source))?;
        if !is_planted("facade-manifest-unsynced") {
            file.sync()
                .map_err(|source| Error::io("sync", &path, source))?;
        }
        env.files
            .sync_dir(directory)
            .map_err(|source| Error::io("sync", directory, source))?;
        Ok(NewManifest(()))
    }

    /// Puts it in force: from now on the directory is a database.
    pub(crate) fn finish(self, env: &Env, directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        env.files
            .rename(&directory.join(NewManifest::FILE), &path)
            .map_err(|source| Error::io("rename", &path, source))?;
        if is_planted("facade-manifest-name-unsynced") {
            return Ok(());
        }
        env.files
            .sync_dir(directory)
            .map_err(|source| Error::io("sync", directory, source))
    }
}

#[cfg(test)]
mod tests;
