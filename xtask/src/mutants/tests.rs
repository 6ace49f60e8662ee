//! What is enough, and what is not.

use super::*;

fn outcome(failed: usize, hung: usize, missed: usize) -> Outcome {
    Outcome {
        failed,
        hung,
        unviable: 7,
        missed: vec!["src/log.rs:1:1: replace > with >=".to_owned(); missed],
    }
}

#[test]
fn enough_are_killed_from_the_limit_on() {
    assert!(outcome(80, 5, 15).is_enough());
    assert!(!outcome(80, 4, 16).is_enough());
    assert!(!outcome(0, 0, 0).is_enough(), "nothing was tried");
}

#[test]
fn the_lists_of_a_run_are_read() {
    let folder = std::env::temp_dir().join(format!("drystone-mutants-{}", std::process::id()));
    let logs = folder.join("mutants.out").join("log");
    fs::create_dir_all(&logs).unwrap();
    Outcome::read(&folder).unwrap_err();
    let ended = "    FAIL [   0.1s] one\n     TIMEOUT [  30.6s] ( 3/81) two\n";
    fs::write(logs.join("a.log"), ended).unwrap();
    fs::write(logs.join("b.log"), "    FAIL [   0.1s] TIMEOUT [\n").unwrap();
    for (name, text) in [
        ("caught.txt", "a\nb\n"),
        ("timeout.txt", "c\n"),
        ("unviable.txt", "d\n"),
        ("missed.txt", "src/log.rs:1:1: replace > with >=\n"),
    ] {
        fs::write(folder.join("mutants.out").join(name), text).unwrap();
    }
    let read = Outcome::read(&folder);
    fs::remove_dir_all(&folder).unwrap();
    let expected = Outcome {
        unviable: 1,
        ..outcome(1, 2, 1)
    };
    assert_eq!(read.unwrap(), expected);
}
