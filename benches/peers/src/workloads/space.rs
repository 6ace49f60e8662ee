//! Space on disk, and bytes that reach it.

use anyhow::{Result, ensure};

use crate::data::DataSet;
use crate::draw::Draw;
use crate::peer::{Change, Durability, Order, Peer};
use crate::supply::Supply;
use crate::verify;
use crate::work::{FIRST_VERSION, Outcome, Work};

const BATCHES: u64 = 20;
const BATCH_ROWS: u64 = 1_000;
const SINGLES: u64 = 200;
/// One row of so many is loaded, and one of so many of these removed.
const LOADED_SHARE: u64 = 4;
const REMOVED_SHARE: u64 = 10;

/// Makes the files as small as they get. Who runs this measures them.
pub(crate) fn compact(work: &Work) -> Result<Outcome> {
    work.open(Durability::Sync, 1)?.compact()?;
    let peer = work.open(Durability::Sync, 1)?;
    verify::scan(&mut *peer.reader()?, &work.data)?;
    peer.close()?;
    Ok(Outcome::default())
}

/// The same work for every engine, from an empty folder to closed files, however long it takes: a load in random order,
/// durable batches, durable single commits, removals. What waits in memory is brought to its place at the end, so that
/// no engine is ahead by what it puts off.
pub(crate) fn bytes_written(work: &Work) -> Result<Outcome> {
    let data = DataSet::new((work.data.rows() / LOADED_SHARE).max(1), work.seed);
    let peer = work.open(Durability::Sync, 1)?;
    let put = |place| change(&data, data.shuffled(place), FIRST_VERSION);
    peer.bulk(&mut Supply::new(data.rows(), Order::Random, &put))?;
    let mut draw = Draw::new(work.seed);
    let mut commit = |rows| commit(&*peer, &data, &mut draw, rows, work.version);
    (0..BATCHES).try_for_each(|_| commit(BATCH_ROWS))?;
    (0..SINGLES).try_for_each(|_| commit(1))?;
    let remove = |place| Change {
        value: None,
        ..put(place)
    };
    let removed = data.rows() / REMOVED_SHARE;
    peer.bulk(&mut Supply::new(removed, Order::Random, &remove))?;
    peer.settle()?;
    let left = verify::count(&mut *peer.reader()?)?;
    ensure!(left == data.rows() - removed, "{left} rows are left");
    peer.close()?;
    let committed = data.rows() + BATCHES * BATCH_ROWS + SINGLES + removed;
    Ok(Outcome::of("bytes_written", work.meter.bytes_written()?).committing(committed))
}

/// A load of rows whose values are text, in random order: what compression saves of their files.
pub(crate) fn load_text(work: &Work) -> Result<Outcome> {
    let data = DataSet::of_text((work.data.rows() / LOADED_SHARE).max(1), work.seed);
    let peer = work.open(Durability::Sync, 1)?;
    let put = |place| change(&data, data.shuffled(place), FIRST_VERSION);
    peer.bulk(&mut Supply::new(data.rows(), Order::Random, &put))?;
    peer.settle()?;
    {
        let mut reader = peer.reader()?;
        verify::scan(&mut *reader, &data)?;
        verify::sample(&mut *reader, &data, &mut work.draw(0), FIRST_VERSION)?;
    }
    peer.close()?;
    Ok(Outcome::default().committing(data.rows()))
}

fn commit(peer: &dyn Peer, data: &DataSet, draw: &mut Draw, rows: u64, version: u64) -> Result<()> {
    let changes: Vec<Change> = (0..rows)
        .map(|_| change(data, draw.below(data.rows()), version))
        .collect();
    peer.commit(&changes)
}

fn change(data: &DataSet, number: u64, version: u64) -> Change {
    Change {
        key: data.key(number),
        value: Some(data.value(number, version)),
    }
}
