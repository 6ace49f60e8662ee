//! Records of a stored graph: there and back, and any bytes.

use proptest::prelude::*;

use super::*;

fn parameters() -> HnswParameters {
    HnswParameters::new(3, Metric::Cosine)
}

fn arbitrary_node() -> impl Strategy<Value = Node> {
    let key = prop::collection::vec(any::<u8>(), 0..40);
    let life = (0..1_000u64, prop_oneof![Just(u64::MAX), 1_000..2_000u64]);
    (key, life, 0..=MAX_LEVEL, any::<u32>()).prop_map(|(key, (birth, death), level, vector_crc)| {
        Node {
            key: key.into(),
            birth: Lsn(birth),
            death: Lsn(death),
            level,
            vector_crc,
        }
    })
}

proptest! {
    #[test]
    fn nodes_come_back(node in arbitrary_node()) {
        let bytes = encode_node(&node, &[1.0, -2.0, 0.5]);
        let (back, vector) = decode_node(&bytes, 3).unwrap();
        prop_assert_eq!(format!("{back:?}"), format!("{node:?}"));
        prop_assert_eq!(vector, if node.is_live() { vec![] } else { vec![1.0, -2.0, 0.5] });
    }

    #[test]
    fn links_come_back(
        parent in prop::option::of(0..1000u32),
        levels in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..=16), 1..4),
    ) {
        let level = u8::try_from(levels.len() - 1).unwrap();
        let links = Links { parent, levels };
        prop_assert_eq!(decode_links(&encode_links(&links), level, &parameters()).unwrap(), links);
    }

    #[test]
    fn graphs_come_back(numbers in 0..1000u32, entry in prop::option::of(0..1000u32), lsn: u64) {
        let record = GraphRecord { parameters: parameters(), numbers, entry, lsn: Lsn(lsn) };
        prop_assert_eq!(GraphRecord::decode(&record.encode()).unwrap(), record);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), level in 0..=MAX_LEVEL) {
        // What is accepted says the same again, byte for byte.
        if let Ok(record) = GraphRecord::decode(&bytes) {
            prop_assert_eq!(&record.encode()[..], &bytes[..]);
        }
        if let Ok((node, vector)) = decode_node(&bytes, 3) {
            prop_assert_eq!(&encode_node(&node, &vector)[..], &bytes[..]);
        }
        if let Ok(levels) = decode_links(&bytes, level, &parameters()) {
            prop_assert_eq!(&encode_links(&levels)[..], &bytes[..]);
        }
        if let Ok(key) = RecordKey::decode(&bytes) {
            prop_assert_eq!(&key.encode()[..], &bytes[..]);
        }
    }

    #[test]
    fn every_flipped_bit_is_read_or_refused(node in arbitrary_node(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = encode_node(&node, &[1.0, -2.0, 0.5]).to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok((node, vector)) = decode_node(&bytes, 3) {
            prop_assert_eq!(&encode_node(&node, &vector)[..], &bytes[..]);
        }
    }
}

#[test]
fn the_layout_is_as_specified() {
    let record = GraphRecord {
        parameters: parameters(),
        numbers: 5,
        entry: Some(4),
        lsn: Lsn(9),
    };
    let expected = [
        1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 16, 0, 0, 0, 128, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 0,
        0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(record.encode()[..], expected);
    let node = Node {
        key: Bytes::from_static(b"k"),
        birth: Lsn(1),
        death: Lsn(2),
        level: 3,
        vector_crc: 0x0403_0201,
    };
    let expected = [
        1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 0, 3, 0, 0, 0, b'k',
        0, 0, 0x80, 0x3F,
    ];
    assert_eq!(encode_node(&node, &[1.0])[..], expected);
    let links = encode_links(&Links {
        parent: Some(7),
        levels: vec![vec![7, 8], vec![9]],
    });
    let expected = [
        7, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0,
    ];
    assert_eq!(links[..], expected);
    assert_eq!(RecordKey::Graph.encode()[..], [1]);
    assert_eq!(RecordKey::Node(0x0102).encode()[..], [2, 0, 0, 1, 2]);
    assert_eq!(RecordKey::Links(7).encode()[..], [3, 0, 0, 0, 7]);
}

#[test]
fn another_version_is_refused_by_name() {
    let record = GraphRecord {
        parameters: parameters(),
        numbers: 0,
        entry: None,
        lsn: Lsn(0),
    };
    let mut bytes = record.encode().to_vec();
    bytes[0] = 2;
    let error = GraphRecord::decode(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "version of a graph: expected 1, found 2");
}
