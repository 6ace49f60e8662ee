//! Values as text: what PostgreSQL's input functions take.

use drystone_record::{DataType, Value};

use crate::source::Source;

/// A text that is a value prints as one that is the same value. So do types.
///
/// # Panics
/// When it does not.
pub fn value_text(data: &[u8]) {
    let mut source = Source::new(data);
    let data_type = source.data_type();
    let text = String::from_utf8_lossy(source.rest()).into_owned();
    check_value(&data_type, &text);
    if let Ok(named) = text.parse::<DataType>() {
        assert_eq!(named.to_string().parse::<DataType>().ok(), Some(named));
    }
}

fn check_value(data_type: &DataType, text: &str) {
    match Value::parse(data_type, text) {
        Ok(value) => {
            let printed = value.to_string();
            let again = Value::parse(data_type, &printed).ok();
            assert_eq!(
                again,
                Some(value),
                "{text:?} as {data_type} prints {printed:?}"
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
