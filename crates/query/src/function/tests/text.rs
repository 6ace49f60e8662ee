//! Text, its parts, its encodings.

use super::*;

#[test]
fn lengths() {
    check(
        "integer",
        &[
            ("length", &["text héllo"], "5"),
            ("length", &["'héllo'"], "5"),
            ("length", &["bytea \\xabcd"], "2"),
            ("char_length", &["'héllo'"], "5"),
            ("character_length", &["''"], "0"),
            ("octet_length", &["'héllo'"], "6"),
            ("octet_length", &["bytea \\xabcd"], "2"),
            ("bit_length", &["'ab'"], "16"),
            ("length", &["NULL"], "NULL"),
            ("ascii", &["'é'"], "233"),
            ("ascii", &["''"], "0"),
            ("strpos", &["'hello'", "'l'"], "3"),
            ("strpos", &["'héllo'", "'lo'"], "4"),
            ("strpos", &["'hello'", "''"], "1"),
            ("strpos", &["'hello'", "'z'"], "0"),
        ],
    );
}

#[test]
fn letters() {
    check(
        "text",
        &[
            ("lower", &["'ÀB'"], "àb"),
            ("upper", &["'àb'"], "ÀB"),
            (
                "initcap",
                &["'hELLO wORLD-foo bar_baz 3ab'"],
                "Hello World-Foo Bar_Baz 3ab",
            ),
            ("reverse", &["'héllo'"], "olléh"),
            ("repeat", &["'ab'", "int 3"], "ababab"),
            ("repeat", &["'ab'", "int -1"], ""),
            (
                "repeat",
                &["'ab'", "int 2147483647"],
                "54000: requested length too large",
            ),
            ("replace", &["'aXbX'", "'X'", "'yy'"], "ayybyy"),
            ("replace", &["'abc'", "''", "'x'"], "abc"),
            ("translate", &["'12345'", "'143'", "'ax'"], "a2x5"),
        ],
    );
}

#[test]
fn padding() {
    check(
        "text",
        &[
            ("lpad", &["'hi'", "int 5", "'xy'"], "xyxhi"),
            ("lpad", &["'hello'", "int 2"], "he"),
            ("lpad", &["'hi'", "int 5"], "   hi"),
            ("lpad", &["'hi'", "int 5", "''"], "hi"),
            ("lpad", &["'hi'", "int -1", "'x'"], ""),
            ("lpad", &["'é'", "int 2", "'à'"], "àé"),
            ("rpad", &["'hi'", "int 5", "'xy'"], "hixyx"),
            ("rpad", &["'hello'", "int 3", "'x'"], "hel"),
            (
                "rpad",
                &["'a'", "int 2147483647"],
                "54000: requested length too large",
            ),
        ],
    );
}

#[test]
fn joining() {
    check(
        "text",
        &[
            (
                "concat",
                &["'a'", "int 1", "NULL", "bool t", "double 1.5"],
                "a1t1.5",
            ),
            ("concat", &["NULL"], ""),
            (
                "concat_ws",
                &["','", "'a'", "NULL", "'b'", "int 2"],
                "a,b,2",
            ),
            ("concat_ws", &["NULL", "'a'"], "NULL"),
            ("concat_ws", &["','", "NULL"], ""),
        ],
    );
}

#[test]
fn parts() {
    check(
        "text",
        &[
            ("substring", &["'hello'", "int 2", "int 3"], "ell"),
            ("substring", &["'hello'", "int 0", "int 3"], "he"),
            ("substring", &["'hello'", "int -1", "int 3"], "h"),
            ("substring", &["'hello'", "int -5", "int 3"], ""),
            ("substring", &["'hello'", "int 4"], "lo"),
            ("substring", &["'hello'", "int 10"], ""),
            ("substring", &["'hello'", "int -5"], "hello"),
            (
                "substring",
                &["'hello'", "int 2", "int -1"],
                "22011: negative substring length not allowed",
            ),
            (
                "substring",
                &["'hello'", "int 2147483647", "int 2147483647"],
                "",
            ),
            ("substr", &["'héllo'", "int 2", "int 1"], "é"),
            ("left", &["'hello'", "int 2"], "he"),
            ("left", &["'hello'", "int -2"], "hel"),
            ("left", &["'hello'", "int -9"], ""),
            ("left", &["'hello'", "int 0"], ""),
            ("left", &["'hello'", "int -2147483648"], ""),
            ("right", &["'hello'", "int 2"], "lo"),
            ("right", &["'hello'", "int -2"], "llo"),
            ("right", &["'hello'", "int 9"], "hello"),
            ("right", &["'hello'", "int 0"], ""),
            ("split_part", &["'a,b,c'", "','", "int 2"], "b"),
            ("split_part", &["'a,b,c'", "','", "int -1"], "c"),
            ("split_part", &["'a,b,c'", "','", "int 9"], ""),
            (
                "split_part",
                &["'a,b,c'", "','", "int 0"],
                "22023: field position must not be zero",
            ),
            ("split_part", &["'abc'", "''", "int 1"], "abc"),
            ("split_part", &["'abc'", "''", "int -1"], "abc"),
            ("split_part", &["'abc'", "''", "int 2"], ""),
            ("split_part", &["''", "'x'", "int 1"], ""),
        ],
    );
}

#[test]
fn trimming() {
    check(
        "text",
        &[
            ("btrim", &["'  a '"], "a"),
            ("trim", &["'  a '"], "a"),
            ("btrim", &["'xyabyx'", "'xy'"], "ab"),
            ("btrim", &["'yxTomxx'", "'xyz'"], "Tom"),
            ("ltrim", &["'xxabx'", "'x'"], "abx"),
            ("rtrim", &["'abxyx'", "'xy'"], "ab"),
            ("rtrim", &["'abc  '"], "abc"),
            ("btrim", &["'xxx'", "'x'"], ""),
            ("btrim", &["'abc'", "''"], "abc"),
        ],
    );
    check(
        "boolean",
        &[
            ("starts_with", &["'alphabet'", "'alph'"], "t"),
            ("starts_with", &["'alphabet'", "'bet'"], "f"),
        ],
    );
}

#[test]
fn encodings() {
    let line = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAAA";
    let zeros = format!("bytea \\x{}", "00".repeat(60));
    check(
        "text",
        &[
            ("md5", &["'hello'"], "5d41402abc4b2a76b9719d911017c592"),
            ("md5", &["bytea \\x"], "d41d8cd98f00b204e9800998ecf8427e"),
            ("to_hex", &["int 255"], "ff"),
            ("to_hex", &["int -1"], "ffffffff"),
            ("to_hex", &["bigint -1"], "ffffffffffffffff"),
            ("encode", &["bytea \\x01ff", "'hex'"], "01ff"),
            ("encode", &["bytea \\x01ff00aa", "'base64'"], "Af8Aqg=="),
            ("encode", &[zeros.as_str(), "'base64'"], line),
            (
                "encode",
                &["bytea \\x00616263ff5c", "'escape'"],
                "\\000abc\\377\\\\",
            ),
            (
                "encode",
                &["'a'", "'rot13'"],
                "22023: encoding \"rot13\" not recognized",
            ),
            ("chr", &["int 233"], "é"),
            ("chr", &["int 0"], "54000: null character not permitted"),
            (
                "chr",
                &["int 55296"],
                "54000: requested character not valid for encoding",
            ),
            (
                "chr",
                &["int 1114112"],
                "54000: requested character not valid for encoding",
            ),
            (
                "chr",
                &["int -1"],
                "22023: character number must be positive",
            ),
        ],
    );
    check(
        "bytea",
        &[
            ("decode", &["'01ff'", "'HEX'"], "\\x01ff"),
            ("decode", &["'Af8='", "'base64'"], "\\x01ff"),
            ("decode", &["'A f\n8='", "'base64'"], "\\x01ff"),
            ("decode", &["'A'", "'base64'"], "22023: invalid base64 text"),
            (
                "decode",
                &["'Af8'", "'base64'"],
                "22023: invalid base64 text",
            ),
            ("decode", &["'a\\000b'", "'escape'"], "\\x610062"),
            (
                "decode",
                &["'\\x00'", "'escape'"],
                "22023: invalid escape text",
            ),
        ],
    );
    assert!(answer("decode", &["'0g'", "'hex'"]).starts_with("22P02"));
}

#[test]
fn formats() {
    check(
        "text",
        &[
            (
                "format",
                &["'%s is %I and %L %%'", "'a'", "'B c'", "'it's'"],
                "a is \"B c\" and 'it''s' %",
            ),
            ("format", &["'%2$s %1$s'", "'a'", "'b'"], "b a"),
            ("format", &["'%2$s %s'", "'a'", "'b'", "'c'"], "b c"),
            ("format", &["'%-5s|%5s|'", "'a'", "'b'"], "a    |    b|"),
            ("format", &["'%s|%L'", "NULL", "NULL"], "|NULL"),
            ("format", &["'%s'", "bool t"], "t"),
            ("format", &["'none'"], "none"),
            ("format", &["NULL", "int 1"], "NULL"),
            ("format", &["'%s'"], "22023: too few arguments for format()"),
            (
                "format",
                &["'%'"],
                "22023: unterminated format() type specifier",
            ),
            (
                "format",
                &["'%0$s'", "int 1"],
                "22023: format specifies argument 0, but arguments are numbered from 1",
            ),
            (
                "format",
                &["'%é'", "int 1"],
                "22023: unrecognized format() type specifier; there are %s, %I, %L and %%",
            ),
            (
                "format",
                &["'%99999999999999999999s'", "int 1"],
                "22023: number is out of range",
            ),
            (
                "format",
                &["'%999999999s'", "int 1"],
                "54000: requested length too large",
            ),
            ("quote_literal", &["'it's'"], "'it''s'"),
            ("quote_literal", &["'a\\b'"], "E'a\\\\b'"),
            ("quote_literal", &["int 5"], "'5'"),
            ("quote_nullable", &["NULL"], "NULL"),
            ("quote_nullable", &["'a'"], "'a'"),
            ("quote_ident", &["'A b'"], "\"A b\""),
            ("quote_ident", &["'ab_1'"], "ab_1"),
            ("quote_ident", &["'1a'"], "\"1a\""),
            ("quote_ident", &["'a\"b'"], "\"a\"\"b\""),
        ],
    );
}
