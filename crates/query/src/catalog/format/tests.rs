//! Table records as bytes, and bytes that are none.

use drystone_base::KeyspaceId;
use drystone_compress::Codec;
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
        compression: None,
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

/// What version 1 wrote, byte for byte: it must be read for ever, and is written where no codec is named.
#[test]
fn a_record_of_version_1_is_read_and_written_as_it_was() {
    let golden: &[u8] = &[
        1, 1, 1, b't', 9, 2, 1, b'a', 2, 0, 0, 1, b'b', 5, 1, 1, 2, b'\'', b'\'', 2, 1, b'k', 1, 0,
        1, 2, 1, b'i', 10, 1, 1, 0, 1,
    ];
    let record = decode(golden).unwrap();
    assert_eq!((record.name.as_str(), record.compression), ("t", None));
    assert_eq!((record.columns.len(), record.indexes.len()), (2, 1));
    assert_eq!(encode(&record), golden);
}

#[test]
fn a_codec_of_its_own_makes_a_record_of_version_2() {
    for codec in [Codec::None, Codec::Lz4, Codec::Zstd(19), Codec::Gzip(9)] {
        let compressed = TableRecord {
            compression: Some(codec),
            ..table()
        };
        let bytes = encode(&compressed);
        assert_eq!(bytes[0], 2);
        assert_eq!(bytes[bytes.len() - 2..], codec.encode());
        assert_eq!(bytes[1..bytes.len() - 2], encode(&table())[1..]);
        assert_eq!(decode(&bytes).unwrap(), compressed);
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_err(), "{len}");
        }
    }
    let mut bytes = encode(&TableRecord {
        compression: Some(Codec::Lz4),
        ..table()
    });
    let last = bytes.len() - 1;
    bytes[last] = 1;
    assert!(decode(&bytes).is_err(), "LZ4 has no levels");
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
    bytes[0] = 3;
    assert_eq!(
        decode(&bytes).unwrap_err().to_string(),
        "version: expected 1 or 2, found 3"
    );
}
