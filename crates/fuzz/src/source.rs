//! Choices out of bytes: a fuzzer that changes a byte changes a choice. When the bytes are used up, all choices are zero.

use drystone_base::Timestamp;
use drystone_record::{DataType, Dim, Json, TIMESTAMP_MAX, TIMESTAMP_MIN, Value, Vector};

/// Bytes that become choices, from the front.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    rest: &'a [u8],
}

impl<'a> Source<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Source<'a> {
        Source { rest: bytes }
    }

    /// Whether there are none left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        *byte
    }

    /// Two bytes.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Four bytes.
    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) | u32::from(self.u16()) << 16
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> u64 {
        u64::from(self.u32()) | u64::from(self.u32()) << 32
    }

    /// A number in `0..end`; 0 where `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let number = match end {
            0..=0x100 => usize::from(self.byte()),
            0x101..=0x1_0000 => usize::from(self.u16()),
            _ => self.u32() as usize,
        };
        number.checked_rem(end).unwrap_or(0)
    }

    /// One of `choices`, which are not empty.
    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// True about `in_256` times of 256.
    pub fn chance(&mut self, in_256: u8) -> bool {
        self.byte() > u8::MAX - in_256
    }

    /// Up to `max` bytes, as many as the next byte says.
    pub fn bytes(&mut self, max: usize) -> &'a [u8] {
        let len = self.below(max + 1).min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(len);
        self.rest = rest;
        bytes
    }

    /// As [`Source::bytes`], as text.
    pub fn text(&mut self, max: usize) -> String {
        String::from_utf8_lossy(self.bytes(max)).into_owned()
    }

    /// A type.
    pub fn data_type(&mut self) -> DataType {
        match self.byte() % 9 {
            0 => DataType::Boolean,
            1 => DataType::Integer,
            2 => DataType::BigInt,
            3 => DataType::Double,
            4 => DataType::Text,
            5 => DataType::Bytea,
            6 => DataType::Timestamp,
            7 => DataType::Jsonb,
            _ => DataType::Vector(self.dim()),
        }
    }

    fn dim(&mut self) -> Dim {
        let dim = u32::from(self.byte() % 16) + 1;
        Dim::new(dim).expect("1 to 16 is a dimension")
    }

    /// A type whose values have an order.
    pub fn key_type(&mut self) -> DataType {
        match self.data_type() {
            data_type if data_type.is_key() => data_type,
            _ => DataType::Text,
        }
    }

    /// A value of a type.
    pub fn value(&mut self, data_type: DataType) -> Value {
        match data_type {
            DataType::Boolean => Value::Boolean(self.byte() & 1 == 1),
            DataType::Integer => Value::Integer(self.integer() as i32),
            DataType::BigInt => Value::BigInt(self.integer()),
            DataType::Double => Value::Double(self.double()),
            DataType::Text => Value::from(self.text(40)),
            DataType::Bytea => Value::from(self.bytes(40).to_vec()),
            DataType::Timestamp => Value::Timestamp(self.timestamp()),
            DataType::Jsonb => Value::Json(self.json()),
            DataType::Vector(dim) => Value::Vector(self.vector(dim)),
        }
    }

    /// A value of a type, or NULL.
    pub fn value_or_null(&mut self, data_type: DataType) -> Value {
        match self.chance(40) {
            true => Value::Null,
            false => self.value(data_type),
        }
    }

    /// Numbers at the edges, small ones, and any.
    fn integer(&mut self) -> i64 {
        const EDGES: [i64; 12] = [
            i64::MIN,
            i64::MIN + 1,
            i64::MAX,
            i64::MAX - 1,
            i32::MIN as i64,
            i32::MIN as i64 - 1,
            i32::MAX as i64,
            i32::MAX as i64 + 1,
            -1,
            0,
            1,
            1 << 53,
        ];
        match self.byte() % 4 {
            0 => *self.pick(&EDGES),
            1 => self.u64().cast_signed(),
            _ => i64::from(self.byte().cast_signed()),
        }
    }

    fn double(&mut self) -> f64 {
        const EDGES: [f64; 16] = [
            0.0,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            9_223_372_036_854_775_808.0,
            -9_223_372_036_854_775_808.0,
            2_147_483_647.5,
            0.5,
            -1.5,
            1e15,
            1e-5,
        ];
        match self.byte() % 4 {
            0 => *self.pick(&EDGES),
            1 => f64::from_bits(self.u64()),
            2 => f64::from(self.byte().cast_signed()) / 4.0,
            _ => self.integer() as f64,
        }
    }

    fn timestamp(&mut self) -> Timestamp {
        let micros = match self.byte() % 4 {
            0 => *self.pick(&[TIMESTAMP_MIN.0, TIMESTAMP_MAX.0, 0, -1, 1]),
            1 => self.u64().cast_signed(),
            2 => i64::from(self.u32()) * 1_000_000,
            _ => i64::from(self.u16()) * 86_400_000_000,
        };
        Timestamp(micros.clamp(TIMESTAMP_MIN.0, TIMESTAMP_MAX.0))
    }

    fn json(&mut self) -> Json {
        let tree = self.tree(3);
        Json::new(tree).expect("three levels are not too deep")
    }

    fn tree(&mut self, depth: u8) -> serde_json::Value {
        let kinds = if depth == 0 { 6 } else { 8 };
        match self.byte() % kinds {
            0 => serde_json::Value::Null,
            1 => (self.byte() & 1 == 1).into(),
            2 => self.integer().into(),
            3 => self.u64().into(),
            4 => self.double().into(),
            5 => self.text(12).into(),
            6 => {
                let count = self.below(4);
                (0..count).map(|_| self.tree(depth - 1)).collect()
            }
            _ => {
                let count = self.below(4);
                let member = |source: &mut Self| (source.text(6), source.tree(depth - 1));
                let members: serde_json::Map<_, _> = (0..count).map(|_| member(self)).collect();
                members.into()
            }
        }
    }

    fn vector(&mut self, dim: Dim) -> Vector {
        let elements: Vec<f32> = (0..dim.get()).map(|_| self.element()).collect();
        Vector::new(elements).expect("finite elements, as many as a vector may have")
    }

    fn element(&mut self) -> f32 {
        let element = match self.byte() % 4 {
            0 => f32::from_bits(self.u32()),
            1 => *self.pick(&[0.0, -0.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45]),
            _ => f32::from(self.byte().cast_signed()),
        };
        if element.is_finite() { element } else { 1.0 }
    }
}
