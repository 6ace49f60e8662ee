//! Making documents and taking them apart.

use super::*;

#[test]
fn taking_apart() {
    check(
        "text",
        &[
            ("jsonb_typeof", &["'1'"], "number"),
            ("jsonb_typeof", &["'null'"], "null"),
            ("json_typeof", &["'[]'"], "array"),
            ("jsonb_typeof", &["'{}'"], "object"),
            ("jsonb_typeof", &["'true'"], "boolean"),
            ("jsonb_typeof", &["'\"a\"'"], "string"),
            (
                "jsonb_extract_path_text",
                &["'{\"a\":{\"b\":\"x\"}}'", "'a'", "'b'"],
                "x",
            ),
            (
                "jsonb_extract_path_text",
                &["'{\"a\":null}'", "'a'"],
                "NULL",
            ),
        ],
    );
    check(
        "integer",
        &[
            ("jsonb_array_length", &["'[1,2]'"], "2"),
            (
                "jsonb_array_length",
                &["'1'"],
                "22023: cannot get array length of a scalar",
            ),
            (
                "jsonb_array_length",
                &["'{}'"],
                "22023: cannot get array length of a non-array",
            ),
        ],
    );
    check(
        "jsonb",
        &[
            (
                "jsonb_extract_path",
                &["'{\"a\":{\"b\":[1,2]}}'", "'a'", "'b'", "'1'"],
                "2",
            ),
            (
                "jsonb_extract_path",
                &["'{\"a\":1}'", "'a'", "NULL"],
                "NULL",
            ),
            ("jsonb_extract_path", &["'{\"a\":1}'", "'b'"], "NULL"),
            (
                "jsonb_strip_nulls",
                &["'{\"a\":null,\"b\":[null,{\"c\":null}]}'"],
                "{\"b\": [null, {}]}",
            ),
        ],
    );
}

#[test]
fn making() {
    check(
        "jsonb",
        &[
            (
                "jsonb_build_object",
                &[
                    "'a'",
                    "int 1",
                    "'b'",
                    "NULL",
                    "'c'",
                    "bool t",
                    "'d'",
                    "double 1.5",
                ],
                "{\"a\": 1, \"b\": null, \"c\": true, \"d\": 1.5}",
            ),
            (
                "json_build_object",
                &[
                    "'e'",
                    "text x",
                    "'f'",
                    "jsonb [1]",
                    "'g'",
                    "timestamp 2024-01-01 01:02:03.5",
                ],
                "{\"e\": \"x\", \"f\": [1], \"g\": \"2024-01-01T01:02:03.5\"}",
            ),
            (
                "jsonb_build_object",
                &["'a'"],
                "22023: argument list must have even number of elements",
            ),
            (
                "jsonb_build_object",
                &["NULL", "int 1"],
                "22023: key must not be null",
            ),
            ("jsonb_build_object", &["int 1", "int 2"], "{\"1\": 2}"),
            ("jsonb_build_object", &["bool t", "int 2"], "{\"true\": 2}"),
            ("jsonb_build_object", &[], "{}"),
            (
                "jsonb_build_object",
                &["jsonb {}", "int 1"],
                "22023: key value must be scalar, not array, composite, or json",
            ),
            (
                "jsonb_build_array",
                &["int 1", "'a'", "NULL", "bool t"],
                "[1, \"a\", null, true]",
            ),
            ("jsonb_build_array", &[], "[]"),
            (
                "jsonb_build_array",
                &["double 1", "double 1e-7", "double 1e15"],
                "[1, 0.0000001, 1000000000000000]",
            ),
            ("to_jsonb", &["text a"], "\"a\""),
            ("to_jsonb", &["int 1"], "1"),
            ("to_jsonb", &["double NaN"], "\"NaN\""),
            ("to_jsonb", &["double 0.1"], "0.1"),
            ("to_jsonb", &["bytea \\x01"], "\"\\\\x01\""),
            (
                "to_jsonb",
                &["timestamp 2024-01-01 01:02:03.5"],
                "\"2024-01-01T01:02:03.5\"",
            ),
            ("to_jsonb", &["int NULL"], "NULL"),
        ],
    );
}

#[test]
fn setting() {
    check(
        "jsonb",
        &[
            ("jsonb_set", &["'{\"a\":1}'", "'{a}'", "'2'"], "{\"a\": 2}"),
            (
                "jsonb_set",
                &["'{\"a\":1}'", "'{b}'", "'2'"],
                "{\"a\": 1, \"b\": 2}",
            ),
            (
                "jsonb_set",
                &["'{\"a\":1}'", "'{b}'", "'2'", "bool f"],
                "{\"a\": 1}",
            ),
            (
                "jsonb_set",
                &["'{\"a\":[1,2]}'", "'{a,0}'", "'9'"],
                "{\"a\": [9, 2]}",
            ),
            (
                "jsonb_set",
                &["'{\"a\":[1,2]}'", "'{a,5}'", "'9'"],
                "{\"a\": [1, 2, 9]}",
            ),
            (
                "jsonb_set",
                &["'{\"a\":[1,2]}'", "'{a,-5}'", "'9'"],
                "{\"a\": [9, 1, 2]}",
            ),
            (
                "jsonb_set",
                &["'{\"a\":1}'", "'{b,c}'", "'2'"],
                "{\"a\": 1}",
            ),
            ("jsonb_set", &["'{\"a\":1}'", "'{}'", "'2'"], "{\"a\": 1}"),
            (
                "jsonb_set",
                &["'1'", "'{a}'", "'2'"],
                "22023: cannot set path in scalar",
            ),
            (
                "jsonb_set",
                &["'[1,2]'", "'{x}'", "'2'"],
                "22P02: path element is not an integer, but leads into an array",
            ),
            ("jsonb_set", &["jsonb NULL", "'{a}'", "'2'"], "NULL"),
        ],
    );
}

#[test]
fn printing() {
    let expected = "text {\n    \"a\": [\n        1,\n        {\n            \"b\": 2\n        }\n    ],\n    \
                    \"c\": {\n    },\n    \"d\": [\n    ]\n}";
    let found = answer(
        "jsonb_pretty",
        &["'{\"a\":[1,{\"b\":2}],\"c\":{},\"d\":[]}'"],
    );
    assert_eq!(found, expected);
    assert_eq!(answer("jsonb_pretty", &["'\"x\"'"]), "text \"x\"");
}

#[test]
fn documents_nest_only_so_deep() {
    let mut document = Value::parse(&DataType::Jsonb, "1").unwrap();
    let build = resolve("jsonb_build_array", &[Some(DataType::Jsonb)]).unwrap();
    for _ in 0..drystone_record::MAX_JSON_DEPTH {
        document = build.call(&[document], &context()).unwrap();
    }
    let error = build.call(&[document], &context()).unwrap_err();
    assert_eq!(error.sqlstate(), "54001");
}
