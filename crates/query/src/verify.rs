//! Checking that indexes agree with their tables: every entry has its row, and every row its entries.

use bytes::Bytes;
use drystone_mvcc::{KeyRange, View};

use crate::catalog::Table;
use crate::dml::row_writer::index_entry;
use crate::engine::SqlEngine;
use crate::error::SqlError;
use crate::exec::operator::Row;
use crate::exec::reader::Reader;
use crate::exec::scan::{damaged, row_key};

impl SqlEngine {
    /// Reads all tables and indexes of the newest committed state, vector graphs included, and returns what is wrong with
    /// them, a sentence each.
    /// Nothing for a sound database.
    ///
    /// # Errors
    /// When the store fails or the catalog is damaged.
    pub fn verify_indexes(&self) -> Result<Vec<String>, SqlError> {
        let view = self.store().view();
        let mut findings = self.verify_indexes_of(&view)?;
        findings.extend(self.vectors().verify(&view)?);
        Ok(findings)
    }

    /// As [`SqlEngine::verify_indexes`], of another state, and without the graphs, which have one state only.
    ///
    /// # Errors
    /// As [`SqlEngine::verify_indexes`].
    pub fn verify_indexes_of(&self, view: &View) -> Result<Vec<String>, SqlError> {
        let catalog = self.catalog(&Reader::View(view.clone()))?;
        let mut findings = Vec::new();
        for table in catalog.tables() {
            Check {
                table,
                view,
                findings: &mut findings,
            }
            .run()?;
        }
        Ok(findings)
    }
}

struct Check<'c> {
    table: &'c Table,
    view: &'c View,
    findings: &'c mut Vec<String>,
}

impl Check<'_> {
    fn run(&mut self) -> Result<(), SqlError> {
        let mut expected = vec![0u64; self.table.indexes().len()];
        for entry in self.view.range(self.table.keyspace(), KeyRange::all()) {
            let (key, bytes) = entry?;
            let mut row = Row::new();
            if let Err(error) = decode(self.table, &bytes, &mut row) {
                self.findings.push(error.message().to_owned());
                continue;
            }
            self.check_key(&key, &row)?;
            for (index_idx, count) in expected.iter_mut().enumerate() {
                *count += u64::from(self.check_entry(index_idx, &key, &row)?);
            }
        }
        for (index_idx, expected) in expected.into_iter().enumerate() {
            self.check_index(index_idx, expected)?;
        }
        Ok(())
    }

    /// The row lies under the key that its columns say.
    fn check_key(&mut self, key: &Bytes, row: &[drystone_record::Value]) -> Result<(), SqlError> {
        if self.table.has_row_ids() || crate::dml::row_writer::key_of(self.table, row)? == *key {
            return Ok(());
        }
        self.find("a row is stored under the key of another".to_owned());
        Ok(())
    }

    /// The row's entry is in the index. Whether it must have one.
    fn check_entry(
        &mut self,
        index_idx: usize,
        key: &Bytes,
        row: &[drystone_record::Value],
    ) -> Result<bool, SqlError> {
        let Some(entry) = index_entry(self.table, index_idx, row, key)? else {
            return Ok(false);
        };
        let index = &self.table.indexes()[index_idx];
        if self.view.get(index.keyspace, &entry.key)?.as_ref() != Some(&entry.value) {
            let name = &index.name;
            self.find(format!("index \"{name}\" lacks the entry of row {key:?}"));
        }
        Ok(true)
    }

    /// The index has as many entries as rows call for, and each names a row.
    fn check_index(&mut self, index_idx: usize, expected: u64) -> Result<(), SqlError> {
        let index = &self.table.indexes()[index_idx];
        let is_vector = matches!(index.kind, crate::catalog::IndexKind::Hnsw(_));
        let mut found = 0;
        for entry in self.view.range(index.keyspace, KeyRange::all()) {
            let (key, value) = entry?;
            found += 1;
            let row = match is_vector {
                true => key,
                false => row_key(self.table, index_idx, &key, value)?,
            };
            if self.view.get(self.table.keyspace(), &row)?.is_none() {
                let name = &index.name;
                self.find(format!(
                    "index \"{name}\" has an entry for row {row:?}, which is not there"
                ));
            }
        }
        if found != expected {
            let name = &index.name;
            self.find(format!(
                "index \"{name}\" has {found} entries where rows call for {expected}"
            ));
        }
        Ok(())
    }

    fn find(&mut self, what: String) {
        self.findings
            .push(format!("table \"{}\": {what}", self.table.name()));
    }
}

fn decode(table: &Table, bytes: &Bytes, row: &mut Row) -> Result<(), SqlError> {
    drystone_record::RowReader::new(table.row_layout(), bytes)
        .and_then(|reader| reader.columns(row))
        .map_err(|why| damaged(table, why))
}
