//! Whether what was read is what was written. A fast wrong answer is no answer.

use anyhow::{Result, ensure};

use crate::data::{DataSet, VALUE_BYTES, tag_of};
use crate::draw::Draw;
use crate::peer::Reader;

/// How many rows a sample has.
const SAMPLE_ROWS: u64 = 1_000;

/// Reads row `number`, and checks what every version of it has in common. Cheap enough to be timed with the read.
pub(crate) fn get(reader: &mut dyn Reader, data: &DataSet, number: u64) -> Result<()> {
    let mut seen = (0, 0);
    reader.get(&data.key(number), &mut |value| {
        seen = (tag_of(value), value.len());
    })?;
    ensure!(
        seen == (data.tag(number), VALUE_BYTES),
        "row {number} is not what was written"
    );
    Ok(())
}

/// Reads row `number`, which must be in this version, byte for byte.
pub(crate) fn version(
    reader: &mut dyn Reader,
    data: &DataSet,
    number: u64,
    version: u64,
) -> Result<()> {
    let expected = data.value(number, version);
    let mut is_same = false;
    reader.get(&data.key(number), &mut |value| is_same = value == expected)?;
    ensure!(is_same, "row {number} is not in version {version}");
    Ok(())
}

/// Reads some rows, which must be in this version, byte for byte.
pub(crate) fn sample(
    reader: &mut dyn Reader,
    data: &DataSet,
    draw: &mut Draw,
    expected: u64,
) -> Result<()> {
    for _ in 0..SAMPLE_ROWS.min(data.rows()) {
        version(reader, data, draw.below(data.rows()), expected)?;
    }
    Ok(())
}

/// Reads `count` rows from row `first` on, and checks that they are as many, and which are the first and the last.
/// Each value is looked at. Cheap enough to be timed with the read.
pub(crate) fn range(reader: &mut dyn Reader, data: &DataSet, first: u64, count: u64) -> Result<()> {
    let mut seen = Seen::default();
    let limit = usize::try_from(count)?;
    reader.range(&data.key(first), limit, &mut |key, value| {
        seen.add(key, value)
    })?;
    seen.check(data, first, count, data.tags(first..first + count))
}

/// Reads all rows in order, as [`range`].
pub(crate) fn scan(reader: &mut dyn Reader, data: &DataSet) -> Result<()> {
    let mut seen = Seen::default();
    reader.range(&[], usize::MAX, &mut |key, value| seen.add(key, value))?;
    seen.check(data, 0, data.rows(), data.tags_of_all())
}

/// How many rows there are.
pub(crate) fn count(reader: &mut dyn Reader) -> Result<u64> {
    let mut rows = 0;
    reader.range(&[], usize::MAX, &mut |_, _| rows += 1)?;
    Ok(rows)
}

/// What a range read saw.
#[derive(Default)]
struct Seen {
    count: u64,
    /// Heads of the first key and of the last.
    heads: [u64; 2],
    /// All tags, combined in a way that does not care for order.
    tags: u64,
}

impl Seen {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        let head = key
            .first_chunk()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes));
        if self.count == 0 {
            self.heads[0] = head;
        }
        self.heads[1] = head;
        self.tags ^= tag_of(value);
        self.count += 1;
    }

    fn check(&self, data: &DataSet, first: u64, count: u64, tags: u64) -> Result<()> {
        ensure!(self.count == count, "{} rows, not {count}", self.count);
        let last = first + count - 1;
        let heads = [first, last].map(|number| head(data, number));
        ensure!(self.heads == heads, "not the rows {first} to {last}");
        ensure!(self.tags == tags, "values of rows {first} to {last} differ");
        Ok(())
    }
}

fn head(data: &DataSet, number: u64) -> u64 {
    let key = data.key(number);
    key.first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
