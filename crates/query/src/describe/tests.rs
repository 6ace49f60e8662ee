//! Names come back as they are.

use super::*;

#[test]
fn only_what_needs_quotes_gets_them() {
    assert_eq!(quote_identifier("cities"), "cities");
    assert_eq!(quote_identifier("Cities"), "\"Cities\"");
    assert_eq!(quote_identifier("select"), "\"select\"");
    assert_eq!(quote_identifier("a \"b\""), "\"a \"\"b\"\"\"");
    assert_eq!(quote_identifier(""), "\"\"");
}
