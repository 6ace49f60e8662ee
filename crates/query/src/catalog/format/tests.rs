//! Table records as bytes, and bytes that are none.

use drystone_base::KeyspaceId;
use drystone_record::{DataType, Dim};

use super::{decode, encode};
use crate::catalog::{
    ColumnRecord, HnswRecord, IndexKind, IndexRecord, Metric, ObjectId, PrimaryKey, TableRecord,
};

fn column(name: &str, data_type: DataType, default: Option<&str>) -> ColumnRecord {
    ColumnRecord {
        name: name.to_owned(),
        data_type,
        nullable: default.is_some(),
        default: default.map(str::to_owned),
    }
}

fn index(number: u32, columns: Vec<usize>, kind: IndexKind) -> IndexRecord {
    IndexRecord {
        id: ObjectId(number),
        name: format!("index {number}"),
        keyspace: KeyspaceId(number + 500),
        columns,
        kind,
        is_constraint: number == 4,
    }
}

fn table() -> TableRecord {
    let hnsw = HnswRecord {
        graph: KeyspaceId(900),
        metric: Metric::InnerProduct,
        m: 16,
        ef_construction: 64,
    };
    TableRecord {
        id: ObjectId(300),
        name: "tæble".to_owned(),
        keyspace: KeyspaceId(7),
        columns: vec![
            column("id", DataType::BigInt, None),
            column("v", DataType::Vector(Dim::new(768).unwrap()), Some("NULL")),
            column("at", DataType::Timestamp, Some("now()")),
        ],
        primary_key: PrimaryKey::Columns {
            name: "key".to_owned(),
            columns: vec![2, 0],
        },
        indexes: vec![
            index(3, vec![0, 2], IndexKind::BTree { unique: false }),
            index(4, vec![2], IndexKind::BTree { unique: true }),
            index(5, vec![1], IndexKind::Hnsw(hnsw)),
        ],
    }
}

#[test]
fn records_are_read_back() {
    assert_eq!(decode(&encode(&table())).unwrap(), table());
    let keyless = TableRecord {
        primary_key: PrimaryKey::RowId,
        columns: Vec::new(),
        indexes: Vec::new(),
        ..table()
    };
    assert_eq!(decode(&encode(&keyless)).unwrap(), keyless);
}

#[test]
fn no_prefix_and_no_longer_text_is_a_record() {
    let bytes = encode(&table());
    for len in 0..bytes.len() {
        assert!(decode(&bytes[..len]).is_err(), "{len}");
    }
    assert!(decode(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn changed_bytes_never_panic_and_never_point_outside() {
    let bytes = encode(&table());
    for position in 0..bytes.len() {
        for value in [0, 1, 2, 9, 127, 128, 255] {
            let mut changed = bytes.clone();
            changed[position] = value;
            if let Ok(record) = decode(&changed) {
                let columns = record.indexes.iter().flat_map(|index| &index.columns);
                assert!(
                    columns
                        .into_iter()
                        .all(|&column| column < record.columns.len())
                );
            }
        }
    }
}

#[test]
fn a_newer_version_is_refused_by_number() {
    let mut bytes = encode(&table());
    bytes[0] = 2;
    assert_eq!(
        decode(&bytes).unwrap_err().to_string(),
        "version: expected 1, found 2"
    );
}
