//! Texts to start from, and words that random bytes seldom spell.

/// Of SQL.
pub const SQL_WORDS: &[&str] = &[
    "SELECT ",
    " FROM ",
    " WHERE ",
    " GROUP BY ",
    " HAVING ",
    " ORDER BY ",
    " LIMIT ",
    " OFFSET ",
    " JOIN ",
    " LEFT JOIN ",
    " RIGHT JOIN ",
    " FULL JOIN ",
    " ON ",
    " USING ",
    " UNION ALL ",
    " EXCEPT ",
    " INTERSECT ",
    "INSERT INTO ",
    " VALUES ",
    "UPDATE ",
    " SET ",
    "DELETE FROM ",
    " RETURNING ",
    " ON CONFLICT ",
    " DO NOTHING",
    " DO UPDATE SET ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    " UNIQUE ",
    " PRIMARY KEY ",
    "DROP TABLE ",
    "TRUNCATE ",
    "BEGIN;",
    "COMMIT;",
    "ROLLBACK;",
    "SAVEPOINT s;",
    "ROLLBACK TO s;",
    "EXPLAIN ",
    " WITH ",
    " RECURSIVE ",
    " AS ",
    " IN (",
    " EXISTS (",
    " BETWEEN ",
    " LIKE ",
    " ILIKE ",
    " ESCAPE ",
    " IS NOT DISTINCT FROM ",
    " IS NULL",
    "NOT ",
    " AND ",
    " OR ",
    "CASE WHEN ",
    " THEN ",
    " ELSE ",
    " END",
    "::",
    "CAST(",
    " INTERVAL ",
    "TIMESTAMP '",
    "NULL",
    "true",
    "$1",
    "'",
    "''",
    "\"",
    "E'",
    "$$",
    "--",
    "/*",
    "*/",
    ";",
    "->",
    "->>",
    "#>",
    "@>",
    "<->",
    "<=>",
    "<#>",
    "||",
    "<>",
    "!=",
    "vector(3)",
    "'[1,2,3]'",
    "'{\"k\": 1}'",
    "jsonb",
    "bytea",
    "timestamp",
    "double precision",
    "bigint",
    "integer",
    "text",
    "boolean",
    "count(*)",
    "sum(",
    "avg(",
    "min(",
    "string_agg(",
    " FILTER (WHERE ",
    " DISTINCT ",
    "coalesce(",
    "nullif(",
    "substring(",
    "to_char(",
    "extract(",
    "date_trunc(",
    "now()",
    "t",
    "u",
    "w",
    "9223372036854775807",
    "-9223372036854775808",
    "2147483648",
    "1e308",
    "1e-400",
    "'NaN'",
    "0x7f",
    "1_000",
    " NULLS LAST",
    " DESC",
    " OVER (",
    " LATERAL ",
    "generate_series(",
    "ANALYZE ",
    "DEFAULT",
    "x",
    ".",
    "*",
    "(",
    ")",
];

/// Of values.
pub const VALUE_WORDS: &[&str] = &[
    "Infinity",
    "-infinity",
    "NaN",
    "1e308",
    "1e-324",
    "e+",
    "9223372036854775808",
    "-2147483649",
    "\\x",
    "\\\\",
    "\\000",
    "\\377",
    "2024-02-29",
    "23:59:60",
    " BC",
    "+14",
    "-15:59:59",
    "T",
    "Z",
    "epoch",
    "infinity",
    "294276",
    "4713-01-01",
    "[1,2,3]",
    "3.4e38",
    "1e39",
    "true",
    "off",
    "{\"a\": ",
    "\\u0000",
    "\\ud800",
    "VECTOR(16)",
    "double precision",
    "varchar(3)",
    " ",
    ".",
    ",",
];

/// Of JSON.
pub const JSON_WORDS: &[&str] = &[
    "{\"a\": ",
    "[",
    "]",
    "}",
    ",",
    ":",
    "null",
    "true",
    "false",
    "1e308",
    "1e999",
    "-0",
    "0.0",
    "1E+2",
    "18446744073709551615",
    "-9223372036854775809",
    "\\u0000",
    "\\ud83d\\ude00",
    "\\ud800",
    "\\\"",
    "\n",
    "[[[[[[[[",
];

/// Of CSV.
pub const CSV_WORDS: &[&str] = &[
    "\"",
    "\"\"",
    ",",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "a,b,c\n",
    "1,2,3\n",
    "NaN",
    "2024-01-01",
    "2000",
    "9999999999999999999",
    "true",
    "-",
    "1e5",
    "007",
    "\u{feff}",
    "\u{0}",
];

/// Of commands.
pub const DOT_WORDS: &[&str] = &[
    ".help", ".open ", ".tables", ".schema ", ".import ", ".export ", ".mode ", ".timer ",
    ".read ", ".stats", ".verify", ".quit", "'", "\"", " ", "on", "csv", "table", "\t", "\u{3000}",
];

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Single statements, one of each kind.
pub fn statements() -> Vec<Vec<u8>> {
    bytes(&[
        "SELECT a, b || 'x', c * 2 FROM t WHERE a IN (1, 2) AND b LIKE 'x%' ORDER BY a DESC LIMIT 3",
        "SELECT u.b, count(*) FILTER (WHERE u.a > 1), sum(t.d) FROM t LEFT JOIN u ON t.a = u.a GROUP BY u.b HAVING count(*) > 0",
        "SELECT j->'k'->1->>'n', j #>> '{k,0}', j @> '[]' FROM u",
        "SELECT b FROM u ORDER BY v <-> '[1,2,3]' LIMIT 2",
        "WITH q AS (SELECT a FROM t UNION SELECT x FROM w) SELECT * FROM q WHERE EXISTS (SELECT 1 FROM u WHERE u.a = q.a)",
        "INSERT INTO t (a, b) VALUES (7, 'y'), (8, DEFAULT) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING *",
        "UPDATE t SET c = c + 1, b = upper(b) WHERE a BETWEEN 1 AND 3 RETURNING a, c",
        "DELETE FROM w WHERE (y, x) = ('p', 1)",
        "CREATE TABLE n (id INTEGER PRIMARY KEY, x DOUBLE PRECISION DEFAULT 1.5, s TEXT NOT NULL, UNIQUE (s, x))",
        "CREATE UNIQUE INDEX n_x ON t (d, c)",
        "CREATE INDEX IF NOT EXISTS n_v ON u USING hnsw (v vector_cosine_ops) WITH (m = 8, ef_construction = 32)",
        "DROP TABLE IF EXISTS t, u CASCADE",
        "EXPLAIN ANALYZE SELECT * FROM t JOIN u USING (a)",
        "TRUNCATE TABLE t",
        "SELECT CASE a WHEN 1 THEN 'one' ELSE E'\\n\\x41' END, $1, $$text$$ FROM t -- end",
        "SELECT extract(year FROM s), date_trunc('month', s), to_char(s, 'YYYY-MM-DD HH24:MI:SS') FROM u",
        "VALUES (1, 'a'), (2, NULL) ORDER BY 1",
        "ALTER TABLE t ADD COLUMN z INTEGER",
    ])
}

/// Several statements each.
pub fn scripts() -> Vec<Vec<u8>> {
    let mut scripts = statements();
    scripts.extend(bytes(&[
        "BEGIN; INSERT INTO t VALUES (10, 'new'); SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT; SELECT * FROM t;",
        "CREATE TABLE p (a INTEGER, b TEXT); INSERT INTO p SELECT a, b FROM t; CREATE INDEX p_b ON p (b); SELECT * FROM p WHERE b = 'x'; DROP TABLE p;",
        "INSERT INTO u (b, v) VALUES ('n', '[9,9,9]'); SELECT b FROM u ORDER BY v <=> '[1,0,0]'; UPDATE u SET v = NULL;",
        ".open x\n-- note\nSELECT ';'; /* ; */ SELECT 1\n.tables",
    ]));
    scripts
}

/// Expressions over the columns of the tables `t` and `u`.
pub fn expressions() -> Vec<Vec<u8>> {
    bytes(&[
        "a + 1",
        "coalesce(b, 'none') || a::text",
        "CASE WHEN c > 1 THEN 1 ELSE d END",
        "(SELECT max(u.a) FROM u WHERE u.b = t.b)",
        "a IN (SELECT u.a FROM u)",
        "NOT (a = 1 OR b IS NULL)",
        "round(c, 2)",
        "substring(b FROM 2 FOR 1)",
        "to_char(now(), 'Day')",
        "'{\"a\": [1,2]}'::jsonb #> '{a,1}'",
        "'[1,2,3]'::vector(3) <-> '[3,2,1]'",
        "b SIMILAR TO 'x'",
        "b ILIKE '%X_' ESCAPE '!'",
        "-(-9223372036854775808)",
        "1.0 / 3 % 2 ^ 2",
        "timestamp '2024-01-31' + interval '1 month'",
        "encode('\\xff00'::bytea, 'base64')",
        "lpad(b, 10, 'ab')",
        "greatest(a, d, 3)",
        "a::boolean::integer",
    ])
}

/// A byte for the type (see `Source::data_type`), and a text.
pub fn value_texts() -> Vec<Vec<u8>> {
    let typed = |tag: u8, texts: &[&str]| -> Vec<Vec<u8>> {
        let input = |text: &&str| [&[tag][..], text.as_bytes()].concat();
        texts.iter().map(input).collect()
    };
    let vectors = [&[8, 2][..], b"[1,-2.5e10,3]"].concat();
    [
        typed(0, &["t", "FALSE", " on ", "0"]),
        typed(1, &["-2147483648", "+7", " 12 "]),
        typed(2, &["9223372036854775807", "-1"]),
        typed(3, &["1.5e300", "-inf", "NaN", ".5", "5e-324"]),
        typed(4, &["text", ""]),
        typed(5, &["\\x00FF", "a\\\\b\\001", "\\xde ad"]),
        typed(
            6,
            &[
                "2024-02-29 12:34:56.789+02",
                "0001-01-01",
                "4713-11-24 BC",
                "2024-06-15T00:00:00Z",
            ],
        ),
        typed(7, &["{\"a\": [1, 2.0, \"x\", null]}", "\"\\u00e9\"", "1e2"]),
        vec![vectors],
    ]
    .concat()
}

/// Documents, several in a text.
pub fn json_texts() -> Vec<Vec<u8>> {
    bytes(&[
        "{\"a\": 1, \"bb\": [true, null]}\n[1, 2]\n[]\n{}\n\"x\"",
        "1\n1.0\n1e0\n-0\n0.0\n18446744073709551615",
        "9007199254740993\n9007199254740992.0\n1e308",
        "{\"b\": 1, \"a\": {\"c\": []}}\n{\"a\": {\"c\": []}, \"b\": 1.0}",
    ])
}

/// A byte for the escape, one for the pattern's length, the pattern, the text.
pub fn like_patterns() -> Vec<Vec<u8>> {
    let input = |escape: u8, pattern: &str, text: &str| {
        let len = u8::try_from(pattern.len()).expect("short patterns");
        [&[escape, len][..], pattern.as_bytes(), text.as_bytes()].concat()
    };
    vec![
        input(1, "a%b_", "axxbc"),
        input(0, "%", ""),
        input(1, "\\%\\_%", "%_x"),
        input(3, "a%%aa", "%a"),
        input(1, "_%æ", "øæ"),
        input(1, "%ab%ba%", "aabba"),
    ]
}

/// Lines that start with a dot.
pub fn dot_commands() -> Vec<Vec<u8>> {
    bytes(&[
        ".help",
        ".open 'a b'",
        ".import t \"my file.csv\"",
        ".mode json",
        ".timer on",
        ".schema",
        ". ''",
        ".export 't",
    ])
}

/// CSV files.
pub fn csv_files() -> Vec<Vec<u8>> {
    bytes(&[
        "a,b,c\n1,x,2.5\n2,,\n",
        "id,when,flag\n1,2024-01-01,true\n2,2024-01-02 10:00:00,false\n",
        "\"q\"\"uoted\",\"new\nline\"\r\n\"a,b\",\"\"\r\n",
        "a\n007\n-1\n1e5\nNaN\n",
        "a,b\n1\n",
        "x\n\n9223372036854775808\n",
    ])
}

/// Files of JSON objects.
pub fn json_lines_files() -> Vec<Vec<u8>> {
    bytes(&[
        "{\"a\": 1, \"b\": \"x\"}\n{\"b\": null, \"c\": [1, 2]}\n",
        "{\"v\": [1.5, 2]}\n{\"v\": [3, 4]}\n{\"v\": []}\n",
        "{\"a\": {\"b\": []}}\n\n{\"a\": true}\n",
        "{\"a\": 1, \"a\": 2, \"\": 3}\n",
        "{\"a\": \"\\u0000\"}\n{\"a\": 1e400}\n",
    ])
}
