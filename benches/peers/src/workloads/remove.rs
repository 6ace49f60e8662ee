//! Removals: a random half of the rows, and they are gone for good when the clock stops.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::pace::rate;
use crate::peer::{Change, Durability, Order, Peer};
use crate::supply::Supply;
use crate::verify;
use crate::work::{Outcome, Work};

/// One row of so many is removed.
const SHARE: u64 = 2;

/// Removes half of the rows, in random order.
pub(crate) fn remove(work: &Work) -> Result<Outcome> {
    let removed = work.data.rows() / SHARE;
    let peer = work.open(Durability::Sync, 1)?;
    let make = |place| Change {
        key: work.data.key(work.data.shuffled(place)),
        value: None,
    };
    let mut supply = Supply::new(removed, Order::Random, &make);
    let started = Instant::now();
    peer.bulk(&mut supply)?;
    let elapsed = started.elapsed() - supply.spent();
    check(work, &*peer, removed)?;
    peer.settle()?;
    peer.close()?;
    Ok(Outcome::of("remove", rate(removed, elapsed)).committing(removed))
}

/// As many are left as should be, none of which was to go.
fn check(work: &Work, peer: &dyn Peer, removed: u64) -> Result<()> {
    let data = &work.data;
    let mut reader = peer.reader()?;
    let left = verify::count(&mut *reader)?;
    ensure!(left == data.rows() - removed, "{left} rows are left");
    for place in removed..(removed + 1_000).min(data.rows()) {
        verify::get(&mut *reader, data, data.shuffled(place))?;
    }
    Ok(())
}
