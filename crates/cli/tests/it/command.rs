//! Each subcommand, its output, its exit status.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    fn new() -> Sandbox {
        Sandbox {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// Runs the program in the sandbox; `input` is its standard input.
    fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        use std::io::Write;
        let mut child = Command::new(env!("CARGO_BIN_EXE_drystone"))
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    /// What it prints when all goes well.
    fn output(&self, arguments: &[&str]) -> String {
        let output = self.run_with(arguments, "");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// What it says when it fails with exit status 1.
    fn failure(&self, arguments: &[&str]) -> String {
        let output = self.run_with(arguments, "");
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?}: {}",
            text(&output.stdout)
        );
        text(&output.stderr)
    }

    fn sql(&self, sql: &str) -> String {
        self.output(&["--mode", "csv", "sql", "db", sql])
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn check_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn sql_shows_rows_in_each_mode() {
    let sandbox = Sandbox::new();
    sandbox.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'a,b'), (2, NULL)");
    let select = "SELECT id, name FROM t ORDER BY id";
    assert_eq!(sandbox.sql(select), "id,name\n1,\"a,b\"\n2,\n");
    assert_eq!(
        sandbox.output(&["--mode", "json", "sql", "db", select]),
        "{\"id\": 1, \"name\": \"a,b\"}\n{\"id\": 2, \"name\": null}\n"
    );
    check_contains(
        &sandbox.output(&["--timer", "sql", "db", select]),
        &["│  1 ┆ a,b  │", "NULL", "2 rows  (", " ms)"],
    );
}

#[test]
fn errors_go_to_standard_error_with_place_and_hint() {
    let sandbox = Sandbox::new();
    sandbox.sql("CREATE TABLE cities (name TEXT)");
    let error = sandbox.failure(&["sql", "db", "SELECT\n  naem FROM cities"]);
    check_contains(&error, &["error: ", "naem", "line 2", "name"]);
    check_contains(&sandbox.failure(&["sql", "db", "SELEC 1"]), &["SELEC"]);
    check_contains(
        &sandbox.failure(&["stats", "nowhere"]),
        &["nowhere", "there is no database here"],
    );
    assert_eq!(sandbox.run_with(&["frobnicate"], "").status.code(), Some(2));
}

#[test]
fn a_script_runs_twice_and_stops_at_the_first_error() {
    let sandbox = Sandbox::new();
    sandbox.write("data.csv", "id,name\n1,one\n2,two\n");
    sandbox.write(
        "good.sql",
        "-- a script\n.open db\nDROP TABLE IF EXISTS t;\n.import t data.csv\n.tables\nSELECT count(*) AS n FROM t;\n",
    );
    for _ in 0..2 {
        check_contains(
            &sandbox.output(&["run", "good.sql"]),
            &["2 rows imported into t", "SELECT count(*)", "│ 2 │"],
        );
    }
    sandbox.write(
        "bad.sql",
        ".open db\nINSERT INTO t VALUES (3, 'three');\n\nSELECT nothing FROM t;\nDROP TABLE t;\n",
    );
    check_contains(
        &sandbox.failure(&["run", "bad.sql"]),
        &["line 4", "nothing"],
    );
    assert_eq!(sandbox.sql("SELECT count(*) FROM t"), "count\n3\n");
}

#[test]
fn the_shell_reads_statements_over_several_lines() {
    let sandbox = Sandbox::new();
    let input = "CREATE TABLE t (id BIGINT);\nINSERT INTO t\n  VALUES (1),\n  (2);\n.mode csv\nSELECT sum(id)\nFROM t;\n.schema t\n";
    let output = sandbox.run_with(&["shell", "db"], input);
    assert!(output.status.success(), "{}", text(&output.stderr));
    check_contains(
        &text(&output.stdout),
        &["2 rows changed", "sum\n3\n", "CREATE TABLE"],
    );
}

#[test]
fn import_infers_types_and_round_trips_through_export() {
    let sandbox = Sandbox::new();
    let rows = "id,code,ratio,seen,ok\n1,007,0.5,2024-02-29 12:00:00,true\n2,NA,1,2024-03-01,false\n3,,,,\n";
    sandbox.write("rows.csv", rows);
    let output = sandbox.run_with(
        &["import", "db", "rows", "rows.csv", "--primary-key", "id"],
        "",
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    check_contains(&text(&output.stderr), &["3 rows imported into rows"]);
    let schema = sandbox.run_with(&["shell", "db"], ".schema\n");
    check_contains(
        &text(&schema.stdout).to_lowercase(),
        &[
            "bigint",
            "primary key",
            "code text",
            "ratio double precision",
            "seen timestamp",
            "ok boolean",
        ],
    );
    sandbox.output(&["export", "db", "rows", "again.jsonl"]);
    sandbox.output(&["import", "db", "copy", "again.jsonl"]);
    let difference = "SELECT count(*) FROM rows r JOIN copy c ON r.id = c.id AND r.code = c.code AND r.ratio = c.ratio";
    assert_eq!(sandbox.sql(difference), "count\n2\n");
}

#[test]
fn malformed_files_are_refused_with_their_line_and_leave_nothing() {
    let sandbox = Sandbox::new();
    sandbox.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT NOT NULL)");
    let cases = [
        (
            "short.csv",
            "id,name\n1,one\n2\n",
            vec!["short.csv", "2 fields", "1 field"],
        ),
        (
            "type.csv",
            "id,name\n1,one\nx,two\n",
            vec!["type.csv line 3", "column \"id\"", "x"],
        ),
        (
            "column.csv",
            "id,nmae\n1,one\n",
            vec!["no column \"nmae\"", "id, name"],
        ),
        ("twice.csv", "id,id\n1,1\n", vec!["names \"id\" twice"]),
        ("empty.csv", "", vec!["no header"]),
        ("bytes.csv", "id,name\n1,\u{0}\n", vec![]),
        (
            "bad.jsonl",
            "{\"id\": 1, \"name\": \"one\"}\n{\"id\": 2,\n",
            vec!["bad.jsonl", "line 2"],
        ),
        ("array.jsonl", "[1, 2]\n", vec!["line 1", "JSON object"]),
        ("empty.jsonl", "", vec!["empty.jsonl", "no object"]),
        ("hollow.jsonl", "{}\n{}\n", vec!["no object", "member"]),
        (
            "type.jsonl",
            "{\"id\": {\"a\": 1}, \"name\": \"one\"}\n",
            vec!["line 1", "column \"id\"", "no bigint"],
        ),
        ("rows.xml", "<a/>", vec![".csv, .tsv, .jsonl or .ndjson"]),
    ];
    for (file, content, parts) in cases {
        sandbox.write(file, content);
        if !parts.is_empty() {
            check_contains(&sandbox.failure(&["import", "db", "t", file]), &parts);
            assert_eq!(
                sandbox.sql("SELECT count(*) FROM t"),
                "count\n0\n",
                "{file} left rows"
            );
        }
    }
    fs::write(sandbox.path("latin.csv"), b"id,name\n1,\xE9\n").unwrap();
    check_contains(
        &sandbox.failure(&["import", "db", "t", "latin.csv"]),
        &["latin.csv", "UTF-8"],
    );
}

#[test]
fn an_import_that_breaks_a_constraint_leaves_nothing_and_says_which_lines() {
    let sandbox = Sandbox::new();
    sandbox.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT NOT NULL)");
    sandbox.write("dup.csv", "id,name\n1,one\n1,again\n");
    check_contains(
        &sandbox.failure(&["import", "db", "t", "dup.csv"]),
        &["duplicate", "dup.csv line 2 and dup.csv line 3", "(id)=(1)"],
    );
    assert_eq!(sandbox.sql("SELECT count(*) FROM t"), "count\n0\n");
    sandbox.sql("INSERT INTO t VALUES (7, 'seven')");
    sandbox.write(
        "known.jsonl",
        "{\"id\":5,\"name\":\"a\"}\n{\"id\":7,\"name\":\"b\"}\n",
    );
    check_contains(
        &sandbox.failure(&["import", "db", "t", "known.jsonl"]),
        &["duplicate", "known.jsonl line 2", "(id)=(7)"],
    );
    assert_eq!(sandbox.sql("SELECT count(*) FROM t"), "count\n1\n");
    // The table that it was to make is not there either.
    sandbox.failure(&["import", "db", "u", "dup.csv", "--primary-key", "id"]);
    check_contains(&sandbox.failure(&["sql", "db", "SELECT * FROM u"]), &["u"]);
}

#[test]
fn verify_and_stats_speak_of_the_database() {
    let sandbox = Sandbox::new();
    sandbox.sql("CREATE TABLE t (id BIGINT); INSERT INTO t VALUES (1)");
    check_contains(&sandbox.output(&["verify", "db"]), &["no damage found"]);
    check_contains(&sandbox.output(&["stats", "db"]), &["commits", "cache"]);
    damage(&sandbox.path("db/btree/data"));
    let output = sandbox.run_with(&["verify", "db"], "");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}

#[test]
fn repair_says_what_is_damaged_and_gives_it_up_when_told_to() {
    let sandbox = Sandbox::new();
    sandbox.sql("CREATE TABLE t (id BIGINT PRIMARY KEY)");
    check_contains(&sandbox.output(&["repair", "db"]), &["nothing to repair"]);
    sandbox.sql("INSERT INTO t VALUES (1)");
    sandbox.sql("INSERT INTO t VALUES (2)");
    // The last record of a closed log: its marker says that it was there.
    let log = sandbox.path("db/log/00000000000000000001.log");
    let mut bytes = fs::read(&log).unwrap();
    let records = bytes.len() - 4096;
    let last = bytes[..records]
        .iter()
        .rposition(|&byte| byte != 0)
        .unwrap();
    bytes[last] ^= 1;
    fs::write(&log, &bytes).unwrap();
    let told = sandbox.failure(&["repair", "db"]);
    check_contains(
        &told,
        &[
            "segment 1 is damaged at offset",
            "nothing was changed",
            "--apply",
        ],
    );
    assert!(fs::read(&log).unwrap() == bytes);
    let told = sandbox.output(&["repair", "db", "--apply"]);
    check_contains(
        &told,
        &["lost: ", "00000000000000000001.damaged", "no damage found"],
    );
    assert_eq!(sandbox.sql("SELECT count(*) FROM t"), "count\n1\n");
    check_contains(
        &sandbox.output(&["repair", "db", "--apply"]),
        &["nothing to repair"],
    );
}

#[test]
fn repair_says_so_where_the_damage_is_not_the_log_s() {
    let sandbox = Sandbox::new();
    sandbox.sql("CREATE TABLE t (id BIGINT PRIMARY KEY)");
    damage(&sandbox.path("db/btree/data"));
    for arguments in [&["repair", "db"][..], &["repair", "db", "--apply"]] {
        let told = sandbox.failure(arguments);
        check_contains(&told, &["engine's, not the log", "nothing was changed"]);
        assert!(!told.contains("the log is damaged"), "{told}");
    }
}

/// Overwrites all of a file but its length.
fn damage(path: &Path) {
    let len = fs::metadata(path).unwrap().len();
    fs::write(path, vec![0x5A; usize::try_from(len).unwrap()]).unwrap();
}
