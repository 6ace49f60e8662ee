//! Casts.

use drystone_query::fuzzing::check_cast;

use crate::source::Source;

/// A value of any type as one of any other.
pub fn value(data: &[u8]) {
    let mut source = Source::new(data);
    let (from, to) = (source.data_type(), source.data_type());
    check_cast(&source.value(from), &to);
}
