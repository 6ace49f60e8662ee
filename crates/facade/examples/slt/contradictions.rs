//! Records of SQLite's suite that contradict PostgreSQL, whose dialect Drystone speaks. They are not run.

/// The end of a file's path, a line in it, and what PostgreSQL does instead.
const CONTRADICTIONS: [(&str, usize, &str); 17] = [
    ("evidence/in1.test", 279, TEXT_AMONG_INTEGERS),
    ("evidence/in1.test", 290, TEXT_AMONG_INTEGERS),
    ("evidence/in2.test", 81, EMPTY_LIST),
    ("evidence/in2.test", 88, EMPTY_LIST),
    ("evidence/in2.test", 95, EMPTY_LIST),
    ("evidence/in2.test", 102, EMPTY_LIST),
    ("evidence/in2.test", 109, EMPTY_LIST),
    ("evidence/in2.test", 119, EMPTY_LIST),
    ("evidence/in2.test", 129, EMPTY_LIST),
    ("evidence/in2.test", 139, EMPTY_LIST),
    ("evidence/slt_lang_reindex.test", 37, REINDEX_OF_WHAT),
    ("random/expr/slt_good_41.test", 25672, MEAN_IS_NO_INTEGER),
    ("random/expr/slt_good_41.test", 52752, MEAN_IS_NO_INTEGER),
    ("random/expr/slt_good_64.test", 2194, MEAN_IS_NO_INTEGER),
    ("random/expr/slt_good_64.test", 50470, ZERO_DIVIDES),
    ("random/expr/slt_good_64.test", 55354, MEAN_IS_NO_INTEGER),
    ("random/expr/slt_good_64.test", 82533, MEAN_IS_NO_INTEGER),
];

const TEXT_AMONG_INTEGERS: &str =
    "contradicts PostgreSQL: a literal beside an integer is an integer, and 'hello' spells none";
const EMPTY_LIST: &str = "contradicts PostgreSQL: IN () is a syntax error";
const REINDEX_OF_WHAT: &str = "contradicts PostgreSQL: REINDEX wants the word INDEX or TABLE";
const ZERO_DIVIDES: &str =
    "contradicts PostgreSQL: constants divided by zero are an error, also beside NULL";
const MEAN_IS_NO_INTEGER: &str = "contradicts PostgreSQL: COALESCE and NULLIF beside avg() are no integers, and divide with a fraction";

/// Why the record at `line` of a file is left out; `None` for all others.
pub(crate) fn reason(path: &str, line: usize) -> Option<&'static str> {
    let found = CONTRADICTIONS
        .iter()
        .find(|(file, at, _)| *at == line && path.ends_with(file));
    found.map(|(_, _, reason)| *reason)
}
