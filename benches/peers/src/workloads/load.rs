//! Bulk loads into an empty database.

use std::time::Instant;

use anyhow::Result;

use crate::pace::rate;
use crate::peer::{Durability, Order};
use crate::supply::Supply;
use crate::verify;
use crate::work::{FIRST_VERSION, Outcome, Work};

/// All rows in random order. What it leaves behind is what most other workloads work on.
pub(crate) fn random(work: &Work) -> Result<Outcome> {
    load(work, "bulk_random", Order::Random)
}

/// All rows in order of their keys.
pub(crate) fn sorted(work: &Work) -> Result<Outcome> {
    load(work, "bulk_sorted", Order::Sorted)
}

/// As [`random`], with more rows.
pub(crate) fn random_large(work: &Work) -> Result<Outcome> {
    load(work, "bulk_random_large", Order::Random)
}

/// As [`sorted`], with more rows.
pub(crate) fn sorted_large(work: &Work) -> Result<Outcome> {
    load(work, "bulk_sorted_large", Order::Sorted)
}

fn load(work: &Work, figure: &str, order: Order) -> Result<Outcome> {
    let rows = work.data.rows();
    let make = |place| match order {
        Order::Random => work.put(work.data.shuffled(place), FIRST_VERSION),
        Order::Sorted => work.put(place, FIRST_VERSION),
    };
    let peer = work.open(Durability::Sync, 1)?;
    let mut supply = Supply::new(rows, order, &make);
    let started = Instant::now();
    peer.bulk(&mut supply)?;
    let elapsed = started.elapsed() - supply.spent();
    peer.settle()?;
    {
        let mut reader = peer.reader()?;
        verify::scan(&mut *reader, &work.data)?;
        verify::sample(&mut *reader, &work.data, &mut work.draw(0), FIRST_VERSION)?;
    }
    peer.close()?;
    Ok(Outcome::of(figure, rate(rows, elapsed)).committing(rows))
}
