//! Vectors as the source keyspace has them: 32-bit floats, little-endian, one after the other.

use drystone_engine::{Malformed, Snapshot};

use super::VectorIndexOptions;
use super::load::for_each;
use crate::error::VectorError;
use crate::hnsw::format::floats;

/// The bytes that a source keyspace holds for a vector.
///
/// ```
/// # use drystone_index_vector::encode_vector;
/// assert_eq!(encode_vector(&[1.0, -2.0]), [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]);
/// ```
#[must_use]
pub fn encode_vector(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The vector that a value of the source holds; `None` where it has another length. That one is no vector of this
/// index: no search finds it. It is no error either, because a merge that ended with it would end so for ever.
pub(super) fn decode<'a>(
    options: &VectorIndexOptions,
    value: &'a [u8],
) -> Option<impl Iterator<Item = f32> + use<'a>> {
    (value.len() == vector_bytes(options)).then(|| floats(value))
}

/// The entries of the source whose values are no vectors of this index.
pub(super) fn misfits(
    options: &VectorIndexOptions,
    base: &dyn Snapshot,
) -> Result<Vec<Malformed>, VectorError> {
    let mut findings = Vec::new();
    for_each(base, options.source, |key, value| {
        if decode(options, &value).is_none() {
            findings.push(misfit(options, key, &value));
        }
        Ok(())
    })?;
    Ok(findings)
}

fn misfit(options: &VectorIndexOptions, key: &[u8], value: &[u8]) -> Malformed {
    let expected = format!("{} bytes", vector_bytes(options));
    let found = format!("{} at key \"{}\"", value.len(), key.escape_ascii());
    Malformed::new("length of a vector", expected, found)
}

fn vector_bytes(options: &VectorIndexOptions) -> usize {
    options.parameters.dim * size_of::<f32>()
}
