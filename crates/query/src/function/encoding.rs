//! Bytes as text and back; characters as numbers and back.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use drystone_record::{DataType, Value};
use md5::{Digest, Md5};

use crate::eval_error::EvalError;
use crate::function::{BIGINT, BYTEA, Definition, EvalContext, INTEGER, TEXT, mismatch, take};

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("encode", &[BYTEA, TEXT], TEXT, encode),
    Definition::new("decode", &[TEXT, TEXT], BYTEA, decode),
    Definition::new("md5", &[TEXT], TEXT, md5_hex),
    Definition::new("md5", &[BYTEA], TEXT, md5_hex),
    Definition::new("to_hex", &[INTEGER], TEXT, to_hex),
    Definition::new("to_hex", &[BIGINT], TEXT, to_hex),
    Definition::new("ascii", &[TEXT], INTEGER, ascii),
    Definition::new("chr", &[INTEGER], TEXT, chr),
];

/// Base64 as PostgreSQL writes it: padded. Padding must be there when it is read.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);
/// Characters of base64 in a line.
const BASE64_LINE: usize = 76;

/// A way to write bytes as text.
enum Encoding {
    Hex,
    Base64,
    Escape,
}

impl Encoding {
    fn of_name(name: &str) -> Result<Encoding, EvalError> {
        match name.to_lowercase().as_str() {
            "hex" => Ok(Encoding::Hex),
            "base64" => Ok(Encoding::Base64),
            "escape" => Ok(Encoding::Escape),
            _ => Err(EvalError::Unrecognized {
                what: "encoding",
                found: name.to_owned(),
            }),
        }
    }
}

fn encode(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Bytea(bytes), Text(encoding));
    Ok(match Encoding::of_name(encoding)? {
        Encoding::Hex => hex(bytes),
        Encoding::Base64 => in_lines(&BASE64.encode(bytes)),
        Encoding::Escape => escaped(bytes),
    }
    .into())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}

/// ASCII text in lines of [`BASE64_LINE`] characters.
fn in_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / BASE64_LINE);
    for (idx, character) in text.chars().enumerate() {
        if idx > 0 && idx % BASE64_LINE == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    lines
}

/// ASCII as it is, a backslash twice, zero and everything beyond as `\ooo`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            1..=0x7F => text.push(char::from(byte)),
            _ => write!(text, "\\{byte:03o}").expect("writing to a String cannot fail"),
        }
    }
    text
}

fn decode(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text), Text(encoding));
    match Encoding::of_name(encoding)? {
        Encoding::Hex => Ok(Value::parse(&DataType::Bytea, &format!("\\x{text}"))?),
        Encoding::Base64 => {
            let digits: String = text.split_ascii_whitespace().collect();
            let bytes = BASE64.decode(digits);
            bytes
                .map(Value::from)
                .map_err(|_| EvalError::InvalidParameter("invalid base64 text"))
        }
        Encoding::Escape if text.starts_with("\\x") => {
            Err(EvalError::InvalidParameter("invalid escape text"))
        }
        Encoding::Escape => Ok(Value::parse(&DataType::Bytea, text)?),
    }
}

fn md5_hex(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let bytes = match args {
        [Value::Text(text)] => text.as_bytes(),
        [Value::Bytea(bytes)] => bytes,
        _ => return Err(mismatch(args)),
    };
    Ok(hex(&Md5::digest(bytes)).into())
}

fn to_hex(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    match args {
        [Value::Integer(number)] => Ok(format!("{number:x}").into()),
        [Value::BigInt(number)] => Ok(format!("{number:x}").into()),
        _ => Err(mismatch(args)),
    }
}

/// The number of the first character; 0 of an empty text.
fn ascii(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(text));
    let first = text.chars().next().map_or(0, u32::from);
    Ok(Value::Integer(first.cast_signed()))
}

fn chr(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Integer(number));
    let number = u32::try_from(*number)
        .map_err(|_| EvalError::InvalidParameter("character number must be positive"))?;
    match char::from_u32(number) {
        Some('\0') => Err(EvalError::LimitExceeded("null character not permitted")),
        Some(character) => Ok(character.to_string().into()),
        None => Err(EvalError::LimitExceeded(
            "requested character not valid for encoding",
        )),
    }
}
