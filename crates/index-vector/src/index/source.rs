//! Vectors as the source keyspace has them: 32-bit floats, little-endian, one after the other.

use drystone_engine::Malformed;

use super::VectorIndexOptions;
use super::load::corrupt;
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

/// The vector that a value of the source holds.
pub(super) fn decode<'a>(
    options: &VectorIndexOptions,
    value: &'a [u8],
) -> Result<impl Iterator<Item = f32> + use<'a>, VectorError> {
    let expected = options.parameters.dim * size_of::<f32>();
    if value.len() != expected {
        let (expected, found) = (format!("{expected} bytes"), value.len().to_string());
        let why = Malformed::new("length of a vector", expected, found);
        return Err(corrupt(options.source, why));
    }
    Ok(floats(value))
}
