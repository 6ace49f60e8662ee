//! Reads of what the load left: by key, by range, all. Each read is a transaction of its own.

use anyhow::Result;

use crate::draw::Draw;
use crate::pace::{on_threads, repeat};
use crate::peer::{Durability, Memory, Reader};
use crate::verify;
use crate::work::{FIRST_VERSION, Outcome, Work};

/// Random keys, one thread.
pub(crate) fn get_hot_1(work: &Work) -> Result<Outcome> {
    reads(work, "get_hot_1", HOT, 1, get)
}

/// Random keys, two threads.
pub(crate) fn get_hot_2(work: &Work) -> Result<Outcome> {
    reads(work, "get_hot_2", HOT, 2, get)
}

/// Random keys, four threads.
pub(crate) fn get_hot_4(work: &Work) -> Result<Outcome> {
    reads(work, "get_hot_4", HOT, 4, get)
}

/// Random keys, one thread, of data that is several times the cache.
pub(crate) fn get_cold_1(work: &Work) -> Result<Outcome> {
    let cold = Kind {
        memory: Memory::Scarce,
        stride: 8,
    };
    reads(work, "get_cold_1", cold, 1, get)
}

/// Ten rows from a random key on.
pub(crate) fn range_10(work: &Work) -> Result<Outcome> {
    reads(work, "range_10", HOT, 1, |work, reader, draw| {
        range(work, reader, draw, 10)
    })
}

/// A thousand rows from a random key on.
pub(crate) fn range_1000(work: &Work) -> Result<Outcome> {
    reads(work, "range_1000", SCAN, 1, |work, reader, draw| {
        range(work, reader, draw, 1_000)
    })
}

/// All rows in order. The figure counts rows.
pub(crate) fn scan(work: &Work) -> Result<Outcome> {
    let scan = |work: &Work, reader: &mut dyn Reader, _: &mut Draw| {
        verify::scan(reader, &work.data)?;
        Ok(work.data.rows())
    };
    reads(work, "scan", SCAN, 1, scan)
}

/// Does one read, and says how many of what is counted it was.
type Read = fn(&Work, &mut dyn Reader, &mut Draw) -> Result<u64>;

/// What reads have to do with.
#[derive(Clone, Copy)]
struct Kind {
    memory: Memory,
    /// After how many reads the clock is looked at.
    stride: u64,
}

const HOT: Kind = Kind {
    memory: Memory::Ample,
    stride: 64,
};
/// Reads that take long.
const SCAN: Kind = Kind {
    memory: Memory::Ample,
    stride: 1,
};

fn get(work: &Work, reader: &mut dyn Reader, draw: &mut Draw) -> Result<u64> {
    verify::get(reader, &work.data, draw.below(work.data.rows()))?;
    Ok(1)
}

fn range(work: &Work, reader: &mut dyn Reader, draw: &mut Draw, rows: u64) -> Result<u64> {
    let rows = rows.min(work.data.rows());
    let first = draw.below(work.data.rows() - rows + 1);
    verify::range(reader, &work.data, first, rows)?;
    Ok(1)
}

fn reads(work: &Work, figure: &str, kind: Kind, threads: u64, read: Read) -> Result<Outcome> {
    let peer = work.open_in(kind.memory, Durability::Sync, threads)?;
    let rates = on_threads(threads, |thread, start| {
        let mut draw = work.draw(thread);
        let prepared = peer.reader().and_then(|mut reader| {
            warm_up(work, kind, &mut *reader, &mut draw, read)?;
            Ok(reader)
        });
        let mut reader = start.ready(prepared)?;
        let mut counted = 0;
        let pace = repeat(work.time, kind.stride, || {
            counted += read(work, &mut *reader, &mut draw)?;
            Ok(())
        })?;
        verify::sample(&mut *reader, &work.data, &mut draw, FIRST_VERSION)?;
        Ok(pace.rate_of(counted))
    })?;
    peer.close()?;
    Ok(Outcome::of(figure, rates.iter().sum()))
}

/// All rows once, where they fit in memory; then the same reads that are measured.
fn warm_up(
    work: &Work,
    kind: Kind,
    reader: &mut dyn Reader,
    draw: &mut Draw,
    read: Read,
) -> Result<()> {
    if kind.memory == Memory::Ample {
        verify::scan(reader, &work.data)?;
    }
    repeat(work.warm_up, kind.stride, || {
        read(work, reader, draw).map(drop)
    })?;
    Ok(())
}
