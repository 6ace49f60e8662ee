//! Opening: a database that was closed, and one whose process was killed.
//!
//! Both times end with the first row that is read, so that what an engine puts off until then counts.

use std::time::Instant;

use anyhow::Result;

use crate::peer::Durability;
use crate::verify;
use crate::work::{Outcome, Work};

/// The version of the values that [`crash`] leaves. No other workload uses it.
const CRASH_VERSION: u64 = u64::MAX;
const CRASH_ROWS: u64 = 100_000;
const CRASH_BATCH_ROWS: u64 = 5_000;

/// Opens what was closed.
pub(crate) fn open(work: &Work) -> Result<Outcome> {
    open_and_read(work, "open", |_| Ok(()))
}

/// Opens what [`crash`] left, and checks that nothing committed is missing.
pub(crate) fn recover(work: &Work) -> Result<Outcome> {
    open_and_read(work, "recover", |reader| {
        for place in 0..crash_rows(work) {
            let number = work.data.shuffled(place);
            verify::version(reader, &work.data, number, CRASH_VERSION)?;
        }
        Ok(())
    })
}

/// Commits random rows in durable batches, to a database in which nothing else waits, and leaves without closing: whoever calls this kills the process.
pub(crate) fn crash(work: &Work) -> Result<Outcome> {
    let peer = work.open(Durability::Sync, 1)?;
    peer.settle()?;
    let rows = crash_rows(work);
    for start in (0..rows).step_by(usize::try_from(CRASH_BATCH_ROWS)?) {
        let places = start..(start + CRASH_BATCH_ROWS).min(rows);
        let changes: Vec<_> = places
            .map(|place| work.put(work.data.shuffled(place), CRASH_VERSION))
            .collect();
        peer.commit(&changes)?;
    }
    // Whatever its destructor would put in order is left undone.
    std::mem::forget(peer);
    Ok(Outcome::default().committing(rows))
}

fn crash_rows(work: &Work) -> u64 {
    CRASH_ROWS.min(work.data.rows())
}

fn open_and_read(
    work: &Work,
    figure: &str,
    check: impl FnOnce(&mut dyn crate::peer::Reader) -> Result<()>,
) -> Result<Outcome> {
    let started = Instant::now();
    let peer = work.open(Durability::Sync, 1)?;
    let mut reader = peer.reader()?;
    verify::get(&mut *reader, &work.data, 0)?;
    let elapsed = started.elapsed();
    check(&mut *reader)?;
    drop(reader);
    peer.close()?;
    Ok(Outcome::of(figure, elapsed.as_secs_f64() * 1e3))
}
