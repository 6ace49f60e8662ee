//! Reading fields of a record one after another. Total on any bytes.

use drystone_base::{Malformed, varint};

use crate::error::cut;

/// Numbers of records are below this, so that one more is a number, too.
pub(crate) const NUMBER_END: u64 = 1 << 62;

/// What is left of a record.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { left: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub(crate) fn number(&mut self, what: &'static str) -> Result<u64, Malformed> {
        let (number, len) = varint::decode(self.left).ok_or_else(|| cut(what))?;
        self.left = &self.left[len..];
        if number >= NUMBER_END {
            return Err(Malformed::new(
                what,
                "a number below 2^62",
                number.to_string(),
            ));
        }
        Ok(number)
    }

    pub(crate) fn number32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        let number = self.number(what)?;
        let too_large = |_| Malformed::new(what, "a number of 32 bits", number.to_string());
        u32::try_from(number).map_err(too_large)
    }

    pub(crate) fn len(&mut self, what: &'static str) -> Result<usize, Malformed> {
        Ok(usize::try_from(self.number(what)?).unwrap_or(usize::MAX))
    }

    pub(crate) fn fixed(&mut self, what: &'static str) -> Result<u64, Malformed> {
        let (number, left) = self
            .left
            .split_first_chunk::<8>()
            .ok_or_else(|| cut(what))?;
        self.left = left;
        Ok(u64::from_le_bytes(*number))
    }

    pub(crate) fn byte(&mut self, what: &'static str) -> Result<u8, Malformed> {
        let (byte, left) = self.left.split_first().ok_or_else(|| cut(what))?;
        self.left = left;
        Ok(*byte)
    }

    /// A length, then so many bytes.
    pub(crate) fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.len(what)?;
        let (bytes, left) = self.left.split_at_checked(len).ok_or_else(|| cut(what))?;
        self.left = left;
        Ok(bytes)
    }
}
