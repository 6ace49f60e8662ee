//! What libFuzzer says is read right.

use super::*;

#[test]
fn a_run_has_figures() {
    let said = "\
INFO: Loaded 1 modules
#2048\tpulse  cov: 300 ft: 900 corp: 80/2Kb lim: 8 exec/s: 1024 rss: 50Mb
#4096\tDONE   cov: 310 ft: 950 corp: 85/3Kb lim: 8 exec/s: 1365 rss: 51Mb
stat::number_of_executed_units: 4096
stat::average_exec_per_sec:     1365
stat::peak_rss_mb:              51
";
    let figures = Figures {
        executions: 4096,
        coverage: 310,
        mebibytes: 51,
    };
    assert_eq!(Figures::of(said), Some(figures));
    assert_eq!(Figures::of("INFO: Loaded 1 modules"), None);
}

#[test]
fn a_find_is_named_with_the_command_that_runs_it_again() {
    let log = Path::new("logs/json_text");
    let said = "==1== ERROR: libFuzzer: timeout\nartifact_prefix='a/'; Test unit written to a/timeout-0f\n";
    let message = found("json_text", said, log);
    assert!(
        message.ends_with("cargo xtask fuzz json_text --replay a/timeout-0f"),
        "{message}"
    );
    let message = found("json_text", "ParseDictionaryFile: bad", log);
    assert!(message.contains("logs/json_text"), "{message}");
}

#[test]
fn a_find_among_the_first_inputs_has_figures() {
    let said = "\
INFO: seed corpus: files: 32 min: 14b max: 14b total: 448b rss: 95Mb
==1== ERROR: libFuzzer: deadly signal
artifact_prefix='a/'; Test unit written to a/crash-0f
stat::number_of_executed_units: 7
stat::peak_rss_mb:              96
";
    let figures = Figures {
        executions: 7,
        coverage: 0,
        mebibytes: 96,
    };
    assert_eq!(Figures::of(said), Some(figures));
    assert_eq!(input(said), Some("a/crash-0f"));
}

#[test]
fn a_slow_input_is_no_find() {
    let slow = "artifact_prefix='a/'; Test unit written to a/slow-unit-0f\n";
    assert_eq!(input(slow), None);
    let crash = format!("Test unit written to a/crash-01\n{slow}");
    assert_eq!(input(&crash), Some("a/crash-01"));
}
