//! What is stored of a codec, and which levels there are.

use super::*;

/// With the bytes that are stored: they never change.
const ALL: [(Codec, [u8; CODEC_BYTES]); 7] = [
    (Codec::None, [0, 0]),
    (Codec::Lz4, [1, 0]),
    (Codec::Snappy, [2, 0]),
    (Codec::Zstd(1), [3, 1]),
    (Codec::Zstd(22), [3, 22]),
    (Codec::Gzip(1), [4, 1]),
    (Codec::Gzip(9), [4, 9]),
];

#[test]
fn options_come_back_from_their_bytes() {
    for (codec, bytes) in ALL {
        assert_eq!(codec.encode(), bytes);
        assert_eq!(Codec::decode(bytes).unwrap(), codec);
        assert_eq!(CodecId::from_byte(bytes[0]).unwrap(), codec.id());
    }
}

#[test]
fn no_bytes_but_those_of_a_codec_decode() {
    for id in 0..=u8::MAX {
        for level in 0..=u8::MAX {
            match Codec::decode([id, level]) {
                Ok(codec) => assert_eq!(codec.encode(), [id, level]),
                Err(_) => assert!(!ALL.iter().any(|(_, bytes)| *bytes == [id, level])),
            }
        }
    }
}

#[test]
fn an_unknown_codec_is_named() {
    let why = CodecId::from_byte(9).unwrap_err();
    assert_eq!(why.to_string(), "codec: expected 0 to 4, found 9");
    let why = Codec::decode([3, 23]).unwrap_err();
    assert_eq!(
        why.to_string(),
        "level of a codec: expected 1 to 22, found 23"
    );
    assert!(Codec::decode([1, 1]).is_err());
}

#[test]
fn levels_are_checked() {
    for codec in [
        Codec::Zstd(0),
        Codec::Zstd(23),
        Codec::Gzip(0),
        Codec::Gzip(10),
    ] {
        let refused = codec.check().unwrap_err();
        assert!(
            matches!(refused, CompressError::Level { codec: id, .. } if id == codec.id()),
            "{refused}"
        );
    }
    let refused = Codec::Gzip(10).check().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "gzip at level 10; its levels are 1 to 9"
    );
}

#[test]
fn a_codec_that_is_not_built_names_its_feature() {
    for (codec, _) in ALL {
        let is_built = match codec.id() {
            CodecId::None => true,
            CodecId::Lz4 => cfg!(feature = "lz4"),
            CodecId::Snappy => cfg!(feature = "snappy"),
            CodecId::Zstd => cfg!(feature = "zstd"),
            CodecId::Gzip => cfg!(feature = "gzip"),
        };
        assert_eq!(codec.check().is_ok(), is_built, "{codec:?}");
    }
    let lacking = NotBuilt {
        codec: CodecId::Zstd,
        feature: "zstd",
    };
    assert_eq!(
        lacking.to_string(),
        "Zstd is not in this build: it comes with the feature `zstd`"
    );
}
