//! JSON documents: their text, and their order.

use std::cmp::Ordering;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use drystone_record::{DataType, Value};

/// Lines that are documents print as themselves, and their order is total: equal ones hash alike, turning a pair round
/// turns its order round, and of three the order goes on.
///
/// # Panics
/// When one of that does not hold.
pub fn documents(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let documents: Vec<Value> = text
        .lines()
        .take(6)
        .filter_map(|line| Value::parse(&DataType::Jsonb, line).ok())
        .collect();
    for document in &documents {
        let printed = document.to_string();
        let again = Value::parse(&DataType::Jsonb, &printed).ok();
        assert_eq!(again.as_ref(), Some(document), "{printed}");
    }
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    for left in &documents {
        for right in &documents {
            let order = left.sort_cmp(right);
            assert_eq!(right.sort_cmp(left), order.reverse());
            if order == Ordering::Equal {
                assert_eq!(
                    hasher.hash_one(left),
                    hasher.hash_one(right),
                    "{left} and {right}"
                );
            }
            for third in &documents {
                if order == right.sort_cmp(third) {
                    assert_eq!(left.sort_cmp(third), order, "{left}, {right}, {third}");
                }
            }
        }
    }
}
