//! Acknowledgements are read whole, in order, and by writer.

use super::*;

fn listening(writers: usize) -> (Victim, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    let child = Command::new("true").spawn().unwrap();
    let victim = Victim::new(child, reader.into(), &vec![0; writers]).unwrap();
    (victim, writer)
}

#[test]
fn a_line_that_comes_in_parts_counts_once_it_is_whole() {
    use std::io::Write;

    let (mut victim, mut writer) = listening(2);
    writer.write_all(b"0 1\n1 1\n1 ").unwrap();
    assert!(victim.listen().unwrap());
    assert_eq!(victim.acknowledged, [1, 1]);
    writer.write_all(b"2\n").unwrap();
    drop(writer);
    // A process that another test is just starting may hold the pipe open for a moment.
    while victim.listen().unwrap() {
        victim.wait_for_output(LOOK_INTERVAL).unwrap();
    }
    assert_eq!(victim.acknowledged, [1, 2]);
    let promises = Promises::after(&victim.acknowledged);
    assert_eq!(
        (promises.begun, promises.acknowledged),
        (vec![2, 3], vec![1, 2])
    );
}

#[test]
fn a_number_out_of_order_is_an_error() {
    let mut acknowledged = [4, 7];
    note(&mut acknowledged, "1 8").unwrap();
    assert_eq!(acknowledged, [4, 8]);
    for line in ["1 8", "1 10", "2 1", "1", "one 9", ""] {
        note(&mut acknowledged, line).unwrap_err();
    }
    assert_eq!(acknowledged, [4, 8]);
}
