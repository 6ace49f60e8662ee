//! Check: whether what was committed since a large commit's view touches what it wrote or guards, some of it at a time.
//!
//! Most of it is checked while others go on; what they commit meanwhile is told by its LSNs, and checked next. The last
//! look, under the commit latch, has little left to find.

use std::sync::Arc;

use drystone_base::Lsn;
use drystone_wal::Log;

use crate::conflicts::Claims;
use crate::error::StoreError;
use crate::link::Link;
use crate::shared::Shared;
use crate::spill::Layers;
use crate::view::View;
use crate::write_set::WriteSet;

/// What a large commit is checked for, and against what.
pub(super) struct Basis<'a> {
    pub(super) view: View,
    /// What is newer was not there to be seen, and conflicts.
    pub(super) seen: Lsn,
    pub(super) link: Arc<Link>,
    pub(super) writes: &'a WriteSet,
}

/// How far a large commit was checked against those since its view.
pub(super) struct Checked {
    /// Commits up to here were.
    pub(super) upto: Lsn,
    /// All later ones are in this link or behind it.
    pub(super) link: Arc<Link>,
}

impl Checked {
    /// Commits that were seen need no check.
    pub(super) fn nothing(basis: &Basis<'_>) -> Checked {
        Checked {
            upto: basis.seen,
            link: Arc::clone(&basis.link),
        }
    }
}

impl Shared {
    /// Checks a large commit against those that were not checked yet; returns how far it was checked then.
    pub(super) fn check_claims(
        &self,
        log: &Log,
        basis: &Basis<'_>,
        layers: &Layers,
        checked: Checked,
    ) -> Result<Checked, StoreError> {
        let reached = self.newest_commit(log);
        self.check_since(log, basis, layers, &checked)?;
        Ok(reached)
    }

    /// All commits by now: those that begin from here on have higher LSNs, and are in this link or behind it.
    fn newest_commit(&self, log: &Log) -> Checked {
        let head = self.head.lock();
        Checked {
            upto: log.appended_lsn(),
            link: Arc::clone(head.chain.last()),
        }
    }

    pub(super) fn check_since(
        &self,
        log: &Log,
        basis: &Basis<'_>,
        layers: &Layers,
        checked: &Checked,
    ) -> Result<(), StoreError> {
        let claims = Claims {
            seen: checked.upto,
            writes: basis.writes,
            layers: Some(layers),
        };
        match claims.find_in_view_or(&basis.view, checked.link.commits())? {
            None => Ok(()),
            Some(what) => {
                log.check()?;
                self.counters.conflicts.add(1);
                Err(StoreError::Conflict { what })
            }
        }
    }
}
