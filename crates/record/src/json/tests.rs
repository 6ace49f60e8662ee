//! JSON: text form, order and limits, against PostgreSQL 15's `jsonb`.

use drystone_base::checksum::crc64;

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text).unwrap_or_else(|why| panic!("{why}"))
}

/// A hasher whose answer does not depend on the process.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn finish(&self) -> u64 {
        crc64(&self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fn hash_of(json: &Json) -> u64 {
    let mut hasher = Bytes::default();
    json.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn documents_print_as_jsonb() {
    for (text, expected) in [
        (
            r#"{"bb":1,"a":[1,2,{}],"a":null}"#,
            r#"{"a": null, "bb": 1}"#,
        ),
        (
            r#"{"b":1,"ab":2,"a":3,"é":4}"#,
            r#"{"a": 3, "b": 1, "ab": 2, "é": 4}"#,
        ),
        ("[1.0,-0.0, 1e-5, 1.25]", "[1.0, 0.0, 0.00001, 1.25]"),
        (r#""\u001f\t\u00e9\/\"\\""#, r#""\u001f\té/\"\\""#),
        (" [ ] ", "[]"),
        ("18446744073709551615", "18446744073709551615"),
        ("true", "true"),
    ] {
        assert_eq!(json(text).to_string(), expected);
        assert_eq!(json(expected), json(text));
    }
}

#[test]
fn printed_doubles_are_read_back_as_themselves() {
    for double in [
        1e300,
        5e-324,
        f64::MAX,
        1.0,
        0.1 + 0.2,
        123_456_789.123_456_79,
        1e22,
    ] {
        let printed = json(&format!("{double:e}")).to_string();
        assert_eq!(json(&printed).tree().as_f64(), Some(double), "{printed}");
    }
}

#[test]
fn the_order_is_that_of_jsonb() {
    let ascending = [
        "[]",
        "null",
        r#""""#,
        r#""a""#,
        r#""b""#,
        "-1",
        "1",
        "1.5",
        "2",
        "false",
        "true",
        "[3]",
        "[[]]",
        "[1,2]",
        "[1,3]",
        "{}",
        r#"{"a":1}"#,
        r#"{"b":0}"#,
        r#"{"aa":0}"#,
        r#"{"a":1,"b":2}"#,
        r#"{"a":2,"b":1}"#,
    ];
    for pair in ascending.windows(2) {
        assert!(json(pair[0]) < json(pair[1]), "{pair:?}");
    }
}

#[test]
fn equal_documents_hash_alike() {
    for (left, right) in [
        ("1", "1.0"),
        ("[0]", "[-0.0]"),
        (r#"{"a":1,"b":2}"#, r#"{"b":2.0,"a":1}"#),
        ("18446744073709551616", "18446744073709551616.0"),
    ] {
        assert_eq!(json(left), json(right));
        assert_eq!(hash_of(&json(left)), hash_of(&json(right)), "{left}");
    }
    assert_ne!(json("9007199254740993"), json("9007199254740992.0"));
    assert_ne!(hash_of(&json("[1]")), hash_of(&json("[2]")));
}

#[test]
fn depth_is_limited_on_both_ways_in() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let tree = |depth: usize| (0..depth).fold(Tree::Null, |tree, _| Tree::Array(vec![tree]));
    assert!(Json::parse(&nested(MAX_JSON_DEPTH)).is_ok());
    assert!(Json::parse(&nested(MAX_JSON_DEPTH + 1)).is_err());
    let deepest = Json::new(tree(MAX_JSON_DEPTH)).unwrap();
    assert_eq!(Json::decode(deepest.to_string().as_bytes()), Ok(deepest));
    assert_eq!(Json::new(tree(MAX_JSON_DEPTH + 1)), Err(JsonTooDeep));
}

#[test]
fn bad_documents_say_where() {
    let error = Json::parse("{\n\"a\": }").unwrap_err();
    assert_eq!(error.position, 7);
    assert_eq!(
        error.to_string(),
        "invalid input syntax for type jsonb: \"{\n\"a\": }\", at byte 7: expected value"
    );
    assert_eq!(Json::parse("").unwrap_err().position, 0);
    assert_eq!(Json::parse("1 2").unwrap_err().position, 2);
    assert!(Json::decode(b"\xFF").is_err());
}
