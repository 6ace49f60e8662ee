//! Text forms: what is printed is read back, and no text makes a reader panic.

use drystone_record::{DataType, Value};
use proptest::prelude::*;

use crate::strategy;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn printed_values_are_read_back(
        (data_type, value) in strategy::any_type()
            .prop_flat_map(|data_type| (Just(data_type), strategy::value(data_type))),
    ) {
        let printed = value.to_string();
        prop_assert_eq!(Value::parse(&data_type, &printed), Ok(value));
    }

    #[test]
    fn any_text_gives_a_value_or_an_error_within_it(
        data_type in strategy::any_type(),
        text in prop_oneof![
            any::<String>(),
            "[-+0-9eE.:, TZ\\[\\]{}\"\\\\xaé]{0,24}",
        ],
    ) {
        match Value::parse(&data_type, &text) {
            Ok(value) => prop_assert!(value.data_type() == Some(data_type)),
            Err(why) => prop_assert!(text.is_char_boundary(why.position), "{}", why),
        }
    }

    #[test]
    fn any_name_gives_a_type_or_an_error(name in "[a-z(), 0-9]{0,16}") {
        if let Ok(data_type) = name.parse::<DataType>() {
            prop_assert_eq!(data_type.to_string().parse(), Ok(data_type));
        }
    }
}
