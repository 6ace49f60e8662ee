//! Short transfers and interruptions end here.

use super::*;

/// What a system does at each call: so many bytes at most, or an error.
type Script = Vec<Result<usize, io::ErrorKind>>;

fn next(script: &mut Script, wanted: usize) -> io::Result<usize> {
    match script.remove(0) {
        Ok(most) => Ok(most.min(wanted)),
        Err(kind) => Err(kind.into()),
    }
}

fn read(mut script: Script) -> io::Result<(usize, [u8; 8])> {
    let mut buf = [0xFF; 8];
    let count = read_full(&mut buf, 100, |buf, offset| {
        let count = next(&mut script, buf.len())?;
        for (byte, number) in buf[..count].iter_mut().zip(offset - 100..) {
            *byte = number.to_le_bytes()[0];
        }
        Ok(count)
    })?;
    Ok((count, buf))
}

fn write(mut script: Script) -> (io::Result<()>, Vec<u8>) {
    let mut taken = Vec::new();
    let outcome = write_full(b"drystone", 100, |buf, offset| {
        assert_eq!(offset, 100 + taken.len() as u64);
        let count = next(&mut script, buf.len())?;
        taken.extend_from_slice(&buf[..count]);
        Ok(count)
    });
    (outcome, taken)
}

#[test]
fn short_and_interrupted_reads_go_on_to_the_end() {
    let interrupted = Err(io::ErrorKind::Interrupted);
    let (count, buf) = read(vec![Ok(3), interrupted, interrupted, Ok(1), Ok(9)]).unwrap();
    assert_eq!((count, buf), (8, [0, 1, 2, 3, 4, 5, 6, 7]));
    let (count, buf) = read(vec![Ok(2), Ok(0)]).unwrap();
    assert_eq!((count, &buf[..3]), (2, &[0, 1, 0xFF][..]));
}

#[test]
fn a_real_error_ends_a_read() {
    let error = read(vec![Ok(3), Err(io::ErrorKind::Other)]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Other);
}

#[test]
fn short_and_interrupted_writes_go_on_to_the_end() {
    let (outcome, taken) = write(vec![Ok(5), Err(io::ErrorKind::Interrupted), Ok(9)]);
    outcome.unwrap();
    assert_eq!(taken, b"drystone");
}

#[test]
fn a_write_that_is_refused_leaves_a_beginning() {
    for (last, kind) in [
        (Err(io::ErrorKind::StorageFull), io::ErrorKind::StorageFull),
        (Ok(0), io::ErrorKind::WriteZero),
    ] {
        let (outcome, taken) = write(vec![Ok(3), last]);
        assert_eq!(outcome.unwrap_err().kind(), kind);
        assert_eq!(taken, b"dry");
    }
}
