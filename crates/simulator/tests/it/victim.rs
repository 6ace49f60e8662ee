//! The program for real file systems: killed, it loses nothing; and its checker finds what is lost.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const WRITERS: usize = 3;
/// Commits that are waited for before the program is killed.
const COMMITS: usize = 25;

fn victim(seed: u64, life: u64) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drystone-victim"));
    command
        .env("RUST_BACKTRACE", "0")
        .args(["--seed", &seed.to_string(), "--life", &life.to_string()])
        .args(["--writers", &WRITERS.to_string()]);
    command
}

/// Lets it write on until some commits are acknowledged, and kills it. Takes in the last commit of each writer.
fn write_and_kill(database: &Path, life: u64, acknowledged: &mut [u64]) {
    let mut child = victim(7, life)
        .arg("write")
        .arg(database)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut take_in = |line: String| {
        let (writer, number) = line.split_once(' ').unwrap();
        acknowledged[writer.parse::<usize>().unwrap()] = number.parse().unwrap();
    };
    lines
        .by_ref()
        .take(COMMITS)
        .map(Result::unwrap)
        .for_each(&mut take_in);
    child.kill().unwrap();
    child.wait().unwrap();
    lines.map(Result::unwrap).for_each(take_in);
}

fn list(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    numbers.join(",")
}

fn check(seed: u64, database: &Path, acknowledged: &[u64], begun: &[u64]) -> Output {
    victim(seed, 1)
        .arg("check")
        .args(["--acknowledged", &list(acknowledged)])
        .args(["--begun", &list(begun)])
        .arg(database)
        .output()
        .unwrap()
}

fn expect_failure(output: &Output, word: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "expected {word}");
    assert!(said.contains(word), "{said}");
}

#[test]
fn a_killed_writer_loses_nothing_and_the_checker_would_know() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let database = folder.path().join("db");
    let mut found = vec![0; WRITERS];
    for life in 0..5 {
        let mut acknowledged = found.clone();
        write_and_kill(&database, life, &mut acknowledged);
        let begun: Vec<u64> = acknowledged.iter().map(|number| number + 1).collect();
        let output = check(7, &database, &acknowledged, &begun);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        found = said
            .trim()
            .split(',')
            .map(|number| number.parse().unwrap())
            .collect();
    }
    let more: Vec<u64> = found.iter().map(|number| number + 1).collect();
    expect_failure(&check(7, &database, &more, &more), "LOST");
    let fewer: Vec<u64> = found
        .iter()
        .map(|number| number.saturating_sub(1))
        .collect();
    expect_failure(&check(7, &database, &fewer, &fewer), "INVENTED");
    expect_failure(&check(8, &database, &found, &found), "TORN");
}
