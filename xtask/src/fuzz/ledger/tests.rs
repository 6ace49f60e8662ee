//! Turns add up, over runs.

use super::*;

fn entry(target: &str, seconds: f64, executions: u64, coverage: u64) -> Entry {
    Entry {
        target: target.to_owned(),
        seconds,
        figures: Figures {
            executions,
            coverage,
            mebibytes: 40 + executions,
        },
        found: executions == 3,
    }
}

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("drystone-ledger-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn turns_add_up_and_are_there_again() {
    let folder = folder("adds");
    let mut ledger = Ledger::read(&folder).unwrap();
    for entry in [
        entry("json_text", 60.0, 5, 300),
        entry("wal_open", 1.5, 3, 70),
        entry("json_text", 30.5, 4, 310),
    ] {
        ledger.append(&entry).unwrap();
    }
    let again = Ledger::read(&folder).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(again.totals, ledger.totals);
    let total = Total {
        seconds: 90.5,
        executions: 9,
        coverage: 310,
        mebibytes: 45,
        finds: 0,
    };
    assert_eq!(again.total("json_text"), total);
    assert_eq!(again.total("wal_open").finds, 1);
    assert_eq!(again.total("nothing"), Total::default());
    let shown = again.to_string();
    assert!(
        shown.contains("json_text                1.5 min            9 executions"),
        "{shown}"
    );
}

#[test]
fn a_line_that_says_nothing_is_not_passed_over() {
    let folder = folder("refuses");
    fs::write(folder.join("ledger"), "{\"target\": \"json_text\"}\n").unwrap();
    let refused = Ledger::read(&folder).unwrap_err();
    fs::remove_dir_all(&folder).unwrap();
    assert!(refused.to_string().contains("json_text"), "{refused}");
}
