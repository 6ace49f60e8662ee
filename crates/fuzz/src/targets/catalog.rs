//! The catalog's records.

/// A table record.
pub fn record(data: &[u8]) {
    drystone_query::fuzzing::check_catalog_record(data);
}
