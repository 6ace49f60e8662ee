//! The engines, each behind a feature but Drystone and the bare loop. A file for each says how it is told what.

mod bare;
mod drystone;
#[cfg(feature = "peer-fjall")]
mod fjall;
#[cfg(feature = "peer-lmdb")]
mod lmdb;
#[cfg(feature = "peer-redb")]
mod redb;
#[cfg(feature = "peer-rocksdb")]
mod rocksdb;
#[cfg(feature = "peer-sqlite")]
mod sqlite;

use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::peer::{Peer, Settings};

/// Who is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Engine {
    /// No database: 4 KiB blocks of a written file, overwritten one by one, with `fdatasync` after each
    Bare,
    Drystone,
    /// The same with pages compressed by LZ4; only where it is named
    #[value(name = "drystone-lz4")]
    DrystoneLz4,
    Redb,
    Lmdb,
    Fjall,
    Sqlite,
    Rocksdb,
}

impl Engine {
    /// Its name, as in the command line and in the figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Engine::Bare => "bare",
            Engine::Drystone => "drystone",
            Engine::DrystoneLz4 => "drystone-lz4",
            Engine::Redb => "redb",
            Engine::Lmdb => "lmdb",
            Engine::Fjall => "fjall",
            Engine::Sqlite => "sqlite",
            Engine::Rocksdb => "rocksdb",
        }
    }

    /// Whether this program was built with it.
    pub(crate) fn is_built(self) -> bool {
        self.built().is_some()
    }

    /// Whether it keeps rows, so that they can be read back.
    pub(crate) fn keeps_rows(self) -> bool {
        self != Engine::Bare
    }

    /// Whether Drystone is measured against it.
    pub(crate) fn is_rival(self) -> bool {
        !matches!(self, Engine::Bare | Engine::Drystone | Engine::DrystoneLz4)
    }

    /// Whether it takes part where no engines are named.
    pub(crate) fn is_default(self) -> bool {
        self.is_built() && self != Engine::DrystoneLz4
    }

    /// Opens it in `folder`, which exists.
    pub(crate) fn open(self, folder: &Path, settings: &Settings) -> Result<Box<dyn Peer>> {
        let name = self.name();
        let built = self.built();
        let built = built.with_context(|| format!("it needs the feature peer-{name}"))?;
        (built.open)(folder, settings)
    }

    /// What it says of itself, if this program was built with it.
    pub(crate) fn about(self) -> Option<About> {
        Some(self.built()?.about)
    }

    fn built(self) -> Option<Built> {
        let (open, about): (Open, About) = match self {
            Engine::Bare => (bare::open, bare::ABOUT),
            Engine::Drystone => (drystone::open, drystone::ABOUT),
            Engine::DrystoneLz4 => (drystone::open_lz4, drystone::ABOUT_LZ4),
            #[cfg(feature = "peer-redb")]
            Engine::Redb => (redb::open, redb::ABOUT),
            #[cfg(not(feature = "peer-redb"))]
            Engine::Redb => return None,
            #[cfg(feature = "peer-lmdb")]
            Engine::Lmdb => (lmdb::open, lmdb::ABOUT),
            #[cfg(not(feature = "peer-lmdb"))]
            Engine::Lmdb => return None,
            #[cfg(feature = "peer-fjall")]
            Engine::Fjall => (fjall::open, fjall::ABOUT),
            #[cfg(not(feature = "peer-fjall"))]
            Engine::Fjall => return None,
            #[cfg(feature = "peer-sqlite")]
            Engine::Sqlite => (sqlite::open, sqlite::ABOUT),
            #[cfg(not(feature = "peer-sqlite"))]
            Engine::Sqlite => return None,
            #[cfg(feature = "peer-rocksdb")]
            Engine::Rocksdb => (rocksdb::open, rocksdb::ABOUT),
            #[cfg(not(feature = "peer-rocksdb"))]
            Engine::Rocksdb => return None,
        };
        Some(Built { open, about })
    }
}

type Open = fn(&Path, &Settings) -> Result<Box<dyn Peer>>;

/// An engine that this program was built with.
struct Built {
    open: Open,
    about: About,
}

/// What an engine says of itself.
#[derive(Clone, Copy)]
pub(crate) struct About {
    /// Packages of the lock file whose versions matter.
    pub(crate) packages: &'static [&'static str],
    /// The C library within, with its version, where no package has that.
    pub(crate) library: fn() -> String,
    /// How it is told the budget, what commits wait for, and all that is not default.
    pub(crate) settings: &'static str,
}
