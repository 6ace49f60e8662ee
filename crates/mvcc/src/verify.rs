//! Verification of a whole store.

use std::collections::BTreeMap;

use drystone_base::KeyspaceId;

use crate::catalog;
use crate::commit_record;
use crate::error::StoreError;
use crate::recover::check_follows;
use crate::shared::{Shared, log_error};
use crate::view::View;

/// What [`Store::verify`](crate::Store::verify) saw.
#[derive(Debug, Default)]
pub struct VerifyReport {
    /// What the base saw.
    pub engine: drystone_engine::VerifyReport,
    /// Log records that the base lacks, read and checked.
    pub log_records: u64,
    /// Keyspaces in the catalog.
    pub keyspaces: u64,
    /// What is wrong with log and catalog, in the order it was found. Findings in the base are in `engine`.
    pub findings: Vec<StoreError>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.engine.findings.is_empty() && self.findings.is_empty()
    }
}

pub(crate) fn verify(store: &Shared) -> Result<VerifyReport, StoreError> {
    let view = store.view();
    let mut report = VerifyReport {
        engine: store.engine.verify()?,
        ..VerifyReport::default()
    };
    if let Err(finding) = check_log(store, &mut report) {
        report.findings.push(finding);
    }
    if let Err(finding) = check_catalog(&view, &mut report) {
        report.findings.push(finding);
    }
    Ok(report)
}

/// Every record that is needed for recovery is there and is a commit.
fn check_log(store: &Shared, report: &mut VerifyReport) -> Result<(), StoreError> {
    // No merge meanwhile, which would trim what is read here.
    let _merges = store.merges.lock();
    let log = store.log()?;
    log.sync().map_err(|error| log_error(&log, error))?;
    let mut last = store.engine.merged_lsn();
    for record in log.read_from(last.next()) {
        let record = record?;
        let lsn = record.lsn;
        check_follows(last, lsn)?;
        commit_record::decode(&record.payload)
            .map_err(|why| StoreError::CorruptRecord { lsn, why })?;
        report.log_records += 1;
        last = lsn;
    }
    Ok(())
}

/// Names and numbers point to each other, numbers are below the next one, and no entry lies in an unknown keyspace.
fn check_catalog(view: &View, report: &mut VerifyReport) -> Result<(), StoreError> {
    let next = view.get(KeyspaceId::CATALOG, catalog::NEXT_KEY)?;
    let next = catalog::decode_next(next.as_ref())?;
    let by_name: BTreeMap<_, _> = view
        .keyspaces()?
        .into_iter()
        .map(|(name, id)| (id, name))
        .collect();
    let mut by_number = BTreeMap::new();
    for entry in view.range(KeyspaceId::CATALOG, catalog::numbers()) {
        let (key, name) = entry?;
        by_number.insert(catalog::decode_number(&key)?, name);
    }
    report.keyspaces = by_name.len() as u64;
    let names = by_name.iter().map(|(id, name)| (id, name.as_bytes()));
    let numbers = by_number.iter().map(|(id, name)| (id, name.as_ref()));
    if !names.eq(numbers) {
        return Err(catalog::corrupt(
            "keyspaces by name",
            "those by number",
            "others",
        ));
    }
    let last = by_name.last_key_value().map(|(&id, _)| id);
    if let Some(last) = last.filter(|&last| last >= next) {
        return Err(catalog::corrupt("next keyspace", last, next));
    }
    let is_known = |id: &KeyspaceId| *id == KeyspaceId::CATALOG || by_number.contains_key(id);
    check_base(view, is_known)
}

/// Every keyspace of the base is known, or was dropped after the base.
fn check_base(view: &View, is_known: impl Fn(&KeyspaceId) -> bool) -> Result<(), StoreError> {
    let mut keyspaces = view.base().keyspaces()?.into_iter();
    let stray = keyspaces.find(|id| !is_known(id) && !view.layers().is_dropped(*id, view.lsn()));
    stray.map_or(Ok(()), |stray| {
        let expected = "those of the catalog";
        Err(catalog::corrupt("keyspaces in the base", expected, stray))
    })
}
