//! Patterns, against PostgreSQL 15 and against a plain recursive matcher.

use proptest::prelude::*;

use super::*;

fn check(pattern: &str, text: &str, expected: bool) {
    let compiled = Pattern::new(pattern, Some('\\'), false).unwrap();
    assert_eq!(
        compiled.matches(text),
        expected,
        "{text:?} LIKE {pattern:?}"
    );
}

#[test]
fn percent_stands_for_any_and_underscore_for_one() {
    check("", "", true);
    check("", "a", false);
    check("%", "", true);
    check("%%", "", true);
    check("_", "", false);
    check("_", "é", true);
    check("__", "é", false);
    check("abc", "abc", true);
    check("abc", "abcd", false);
    check("a%", "abc", true);
    check("%c", "abc", true);
    check("%b%", "abc", true);
    check("_b_", "abc", true);
    check("a%%c", "abc", true);
    check("%ab", "aab", true);
    check("ab%ab", "abab", true);
    check("ab%ba", "aba", false);
    check("%a_c%", "xxabcabd", true);
    check("%_", "", false);
    check("_%_", "a", false);
    check("_%_", "ab", true);
    check("%é_%", "xéy", true);
}

#[test]
fn an_escaped_character_stands_for_itself() {
    check(r"a\%", "a%", true);
    check(r"a\%", "ab", false);
    check(r"a\_c", "abc", false);
    check(r"a\\b", r"a\b", true);
    check(r"\a", "a", true);
    let with = |pattern, escape, text: &str| {
        let compiled = Pattern::new(pattern, escape, false);
        compiled.map(|compiled| compiled.matches(text))
    };
    assert_eq!(with("a#%b", Some('#'), "a%b"), Ok(true));
    assert_eq!(with(r"a\b", None, r"a\b"), Ok(true));
    assert_eq!(with(r"a\", None, r"a\"), Ok(true));
    assert_eq!(with("a%%", Some('%'), "a%"), Ok(true));
    assert_eq!(with(r"ab\", Some('\\'), "x"), Err(EvalError::EscapeAtEnd));
}

#[test]
fn ilike_ignores_case() {
    let check = |pattern, text, expected| {
        let compiled = Pattern::new(pattern, Some('\\'), true).unwrap();
        assert_eq!(
            compiled.matches(text),
            expected,
            "{text:?} ILIKE {pattern:?}"
        );
    };
    check("a_C", "AbC", true);
    check("é%", "ÉTÉ", true);
    check("SS", "ß", false);
    check("ΟΔΟΣ", "ΟΔΟΣ", true);
    check("οδοσ", "ΟΔΟΣ", true);
    check("%STONE%", "limestone wall", true);
}

#[test]
fn many_percents_do_not_explode() {
    let pattern = "%a".repeat(40) + "b";
    check(&pattern, &"a".repeat(20_000), false);
    check(&("%a_".repeat(20) + "b"), &"a".repeat(5_000), false);
}

/// The definition, spelled out.
fn slow(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['%', rest @ ..], text) => (0..=text.len()).any(|skip| slow(rest, &text[skip..])),
        (['_', rest @ ..], [_, text @ ..]) => slow(rest, text),
        ([wanted, rest @ ..], [found, text @ ..]) => wanted == found && slow(rest, text),
        (_, []) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn patterns_match_what_they_define(pattern in "[abé%_]{0,8}", text in "[abé]{0,10}") {
        let compiled = Pattern::new(&pattern, None, false).unwrap();
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(compiled.matches(&text), slow(&letters(&pattern), &letters(&text)));
    }

    #[test]
    fn an_escaped_text_matches_itself_alone(text in "[ab%_\\\\é]{0,8}", other in "[ab%_\\\\é]{0,8}") {
        let escaped: String = text.chars().flat_map(|letter| ['#', letter]).collect();
        let compiled = Pattern::new(&escaped, Some('#'), false).unwrap();
        prop_assert!(compiled.matches(&text));
        prop_assert_eq!(compiled.matches(&other), text == other);
    }

    #[test]
    fn any_pattern_and_text_are_taken(pattern in any::<String>(), text in any::<String>()) {
        for ignores_case in [false, true] {
            if let Ok(compiled) = Pattern::new(&pattern, Some('\\'), ignores_case) {
                prop_assert!(compiled.matches(&text) || pattern != "%");
            }
        }
    }
}
