//! Table records as bytes. Specified in `docs/format/catalog.md`, versions 1 and 2.
//!
//! ```text
//! record  := version:u8 id:varint name:string keyspace:varint
//!            count:varint column*  primary_key  count:varint index*
//!            and in version 2: codec:u8 level:u8, as `compress.md` has them
//! column  := name:string type nullable:flag has_default:flag default:string?
//! type    := tag:u8, and for vectors dim:varint
//! primary_key := 1 (row id) | 2 name:string count:varint position:varint*
//! index   := id:varint name:string keyspace:varint count:varint position:varint* is_constraint:flag kind
//! kind    := 1 (B-tree) | 2 (unique B-tree) | 3 graph:varint metric:u8 m:varint ef_construction:varint
//! string  := len:varint bytes (UTF-8)       flag := 0 | 1
//! ```
//!
//! Decoding is total: any bytes give a record whose positions are inside its columns, or [`Malformed`].

use drystone_base::{KeyspaceId, varint};
use drystone_compress::Codec;
use drystone_engine::Malformed;
use drystone_record::{DataType, Dim};

use crate::catalog::record::{
    ColumnRecord, HnswRecord, IndexKind, IndexRecord, Metric, ObjectId, PrimaryKey, TableRecord,
};

/// The version of a table that is stored as the database says: what older builds read, too.
const PLAIN: u8 = 1;
/// The version of one that has a codec of its own.
const WITH_CODEC: u8 = 2;

/// Bytes of a table record.
pub(crate) fn encode(table: &TableRecord) -> Vec<u8> {
    let mut out = vec![table.compression.map_or(PLAIN, |_| WITH_CODEC)];
    put_number(u64::from(table.id.0), &mut out);
    put_string(&table.name, &mut out);
    put_number(u64::from(table.keyspace.0), &mut out);
    put_number(table.columns.len() as u64, &mut out);
    for column in &table.columns {
        put_column(column, &mut out);
    }
    put_primary_key(&table.primary_key, &mut out);
    put_number(table.indexes.len() as u64, &mut out);
    for index in &table.indexes {
        put_index(index, &mut out);
    }
    if let Some(codec) = table.compression {
        out.extend_from_slice(&codec.encode());
    }
    out
}

/// The record that `bytes` hold.
pub(crate) fn decode(bytes: &[u8]) -> Result<TableRecord, Malformed> {
    let mut input = Input { rest: bytes };
    let version = input.byte("version")?;
    if !matches!(version, PLAIN | WITH_CODEC) {
        return Err(Malformed::new("version", "1 or 2", version.to_string()));
    }
    let mut table = input.table()?;
    if version == WITH_CODEC {
        let codec = [input.byte("codec")?, input.byte("level of a codec")?];
        table.compression = Some(Codec::decode(codec)?);
    }
    match input.rest.len() {
        0 => Ok(table),
        left => Err(Malformed::new("end", "no more bytes", left.to_string())),
    }
}

fn put_number(number: u64, out: &mut Vec<u8>) {
    varint::encode(number, out);
}

fn put_string(text: &str, out: &mut Vec<u8>) {
    put_number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn put_positions(positions: &[usize], out: &mut Vec<u8>) {
    put_number(positions.len() as u64, out);
    for &position in positions {
        put_number(position as u64, out);
    }
}

fn put_column(column: &ColumnRecord, out: &mut Vec<u8>) {
    put_string(&column.name, out);
    put_type(column.data_type, out);
    out.push(u8::from(column.nullable));
    out.push(u8::from(column.default.is_some()));
    if let Some(default) = &column.default {
        put_string(default, out);
    }
}

fn put_type(data_type: DataType, out: &mut Vec<u8>) {
    out.push(match data_type {
        DataType::Boolean => 1,
        DataType::Integer => 2,
        DataType::BigInt => 3,
        DataType::Double => 4,
        DataType::Text => 5,
        DataType::Bytea => 6,
        DataType::Timestamp => 7,
        DataType::Jsonb => 8,
        DataType::Vector(_) => 9,
    });
    if let DataType::Vector(dim) = data_type {
        put_number(u64::from(dim.get()), out);
    }
}

fn put_primary_key(key: &PrimaryKey, out: &mut Vec<u8>) {
    match key {
        PrimaryKey::RowId => out.push(1),
        PrimaryKey::Columns { name, columns } => {
            out.push(2);
            put_string(name, out);
            put_positions(columns, out);
        }
    }
}

fn put_index(index: &IndexRecord, out: &mut Vec<u8>) {
    put_number(u64::from(index.id.0), out);
    put_string(&index.name, out);
    put_number(u64::from(index.keyspace.0), out);
    put_positions(&index.columns, out);
    out.push(u8::from(index.is_constraint));
    match index.kind {
        IndexKind::BTree { unique: false } => out.push(1),
        IndexKind::BTree { unique: true } => out.push(2),
        IndexKind::Hnsw(hnsw) => {
            out.push(3);
            put_number(u64::from(hnsw.graph.0), out);
            out.push(match hnsw.metric {
                Metric::L2 => 1,
                Metric::Cosine => 2,
                Metric::InnerProduct => 3,
            });
            put_number(u64::from(hnsw.m), out);
            put_number(u64::from(hnsw.ef_construction), out);
        }
    }
}

/// What is left to read.
struct Input<'a> {
    rest: &'a [u8],
}

impl Input<'_> {
    fn byte(&mut self, what: &'static str) -> Result<u8, Malformed> {
        let (&byte, rest) = self
            .rest
            .split_first()
            .ok_or_else(|| Malformed::new(what, "a byte", "the end"))?;
        self.rest = rest;
        Ok(byte)
    }

    fn flag(&mut self, what: &'static str) -> Result<bool, Malformed> {
        match self.byte(what)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Malformed::new(what, "0 or 1", other.to_string())),
        }
    }

    fn number(&mut self, what: &'static str) -> Result<u32, Malformed> {
        let (number, len) = varint::decode(self.rest)
            .ok_or_else(|| Malformed::new(what, "a varint", "other bytes"))?;
        self.rest = &self.rest[len..];
        u32::try_from(number).map_err(|_| Malformed::new(what, "32 bits", number.to_string()))
    }

    /// A number of things that take at least a byte each, so that a wrong one reserves no memory.
    fn count(&mut self, what: &'static str) -> Result<usize, Malformed> {
        let count = self.number(what)? as usize;
        if count > self.rest.len() {
            return Err(Malformed::new(
                what,
                format!("at most {}", self.rest.len()),
                count.to_string(),
            ));
        }
        Ok(count)
    }

    fn string(&mut self, what: &'static str) -> Result<String, Malformed> {
        let len = self.count(what)?;
        let (text, rest) = self.rest.split_at(len);
        self.rest = rest;
        let text = std::str::from_utf8(text)
            .map_err(|why| Malformed::new(what, "UTF-8", why.to_string()))?;
        Ok(text.to_owned())
    }

    fn many<T>(
        &mut self,
        what: &'static str,
        mut one: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.count(what)?;
        (0..count).map(|_| one(self)).collect()
    }

    fn positions(&mut self, columns: usize) -> Result<Vec<usize>, Malformed> {
        self.many("key columns", |input| {
            let position = input.number("column position")? as usize;
            if position >= columns {
                return Err(Malformed::new(
                    "column position",
                    format!("below {columns}"),
                    position.to_string(),
                ));
            }
            Ok(position)
        })
    }

    fn table(&mut self) -> Result<TableRecord, Malformed> {
        let id = ObjectId(self.number("table id")?);
        let name = self.string("table name")?;
        let keyspace = KeyspaceId(self.number("keyspace")?);
        let columns = self.many("columns", Input::column)?;
        let primary_key = self.primary_key(columns.len())?;
        let indexes = self.many("indexes", |input| input.index(columns.len()))?;
        Ok(TableRecord {
            id,
            name,
            keyspace,
            columns,
            primary_key,
            indexes,
            compression: None,
        })
    }

    fn column(&mut self) -> Result<ColumnRecord, Malformed> {
        let name = self.string("column name")?;
        let data_type = self.data_type()?;
        let nullable = self.flag("nullable")?;
        let default = match self.flag("has default")? {
            true => Some(self.string("default")?),
            false => None,
        };
        Ok(ColumnRecord {
            name,
            data_type,
            nullable,
            default,
        })
    }

    fn data_type(&mut self) -> Result<DataType, Malformed> {
        Ok(match self.byte("type")? {
            1 => DataType::Boolean,
            2 => DataType::Integer,
            3 => DataType::BigInt,
            4 => DataType::Double,
            5 => DataType::Text,
            6 => DataType::Bytea,
            7 => DataType::Timestamp,
            8 => DataType::Jsonb,
            9 => DataType::Vector(self.dim()?),
            other => return Err(Malformed::new("type", "1 to 9", other.to_string())),
        })
    }

    fn dim(&mut self) -> Result<Dim, Malformed> {
        let dim = self.number("dim")?;
        Dim::new(dim)
            .ok_or_else(|| Malformed::new("dim", format!("1 to {}", Dim::MAX), dim.to_string()))
    }

    fn primary_key(&mut self, columns: usize) -> Result<PrimaryKey, Malformed> {
        match self.byte("primary key")? {
            1 => Ok(PrimaryKey::RowId),
            2 => Ok(PrimaryKey::Columns {
                name: self.string("primary key name")?,
                columns: self.positions(columns)?,
            }),
            other => Err(Malformed::new("primary key", "1 or 2", other.to_string())),
        }
    }

    fn index(&mut self, columns: usize) -> Result<IndexRecord, Malformed> {
        Ok(IndexRecord {
            id: ObjectId(self.number("index id")?),
            name: self.string("index name")?,
            keyspace: KeyspaceId(self.number("index keyspace")?),
            columns: self.positions(columns)?,
            is_constraint: self.flag("is constraint")?,
            kind: self.index_kind()?,
        })
    }

    fn index_kind(&mut self) -> Result<IndexKind, Malformed> {
        Ok(match self.byte("index kind")? {
            1 => IndexKind::BTree { unique: false },
            2 => IndexKind::BTree { unique: true },
            3 => IndexKind::Hnsw(self.hnsw()?),
            other => return Err(Malformed::new("index kind", "1 to 3", other.to_string())),
        })
    }

    fn hnsw(&mut self) -> Result<HnswRecord, Malformed> {
        Ok(HnswRecord {
            graph: KeyspaceId(self.number("graph keyspace")?),
            metric: match self.byte("metric")? {
                1 => Metric::L2,
                2 => Metric::Cosine,
                3 => Metric::InnerProduct,
                other => return Err(Malformed::new("metric", "1 to 3", other.to_string())),
            },
            m: self.number("m")?,
            ef_construction: self.number("ef_construction")?,
        })
    }
}

#[cfg(test)]
mod tests;
