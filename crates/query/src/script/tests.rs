//! Where scripts are cut.

use super::statements;

#[track_caller]
fn check(script: &str, expected: &[&str]) {
    let found = statements(script).unwrap();
    let texts: Vec<&str> = found.iter().map(|(_, text)| *text).collect();
    assert_eq!(texts, expected);
    for (start, text) in found {
        assert!(script[start..].starts_with(text));
    }
}

#[test]
fn semicolons_end_statements_outside_strings_and_comments() {
    check("", &[]);
    check(" ;; -- nothing;\n /* ; */ ;", &[]);
    check("SELECT 1", &["SELECT 1"]);
    check(
        "SELECT 'a;b' ; SELECT \"c;d\"\n;",
        &["SELECT 'a;b' ", "SELECT \"c;d\"\n"],
    );
    check("æ;\n  ø -- x;\n ;å", &["æ", "ø -- x;\n ", "å"]);
    check(
        "SELECT $$;$$; SELECT $a$ ; $a$",
        &["SELECT $$;$$", "SELECT $a$ ; $a$"],
    );
}
