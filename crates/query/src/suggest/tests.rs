//! Near names.

use super::nearest;

#[test]
fn misspellings_find_their_name() {
    let names = ["customers", "orders", "order_lines", "id"];
    for (name, expected) in [
        ("custmers", Some("customers")),
        ("cutsomers", Some("customers")),
        ("ORDERS", Some("orders")),
        ("order", Some("orders")),
        ("oder_line", Some("order_lines")),
        ("di", Some("id")),
        ("invoices", None),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(nearest(name, names), expected, "{name}");
    }
}

#[test]
fn a_swap_is_one_edit() {
    assert_eq!(nearest("nmae", ["nose", "name"]), Some("name"));
}
