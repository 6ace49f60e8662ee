//! What libFuzzer says is read right.

use super::*;

#[test]
fn a_summary_has_the_figures() {
    let said = "\
INFO: Loaded 1 modules
#2048\tpulse  cov: 300 ft: 900 corp: 80/2Kb lim: 8 exec/s: 1024 rss: 50Mb
#4096\tDONE   cov: 310 ft: 950 corp: 85/3Kb lim: 8 exec/s: 1365 rss: 51Mb
stat::number_of_executed_units: 4096
stat::average_exec_per_sec:     1365
stat::peak_rss_mb:              51
";
    assert_eq!(
        summary("json_text", said),
        "json_text                  4096 executions    1365/s, coverage    310,   51 MiB"
    );
    assert!(summary("json_text", "").contains('?'));
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
