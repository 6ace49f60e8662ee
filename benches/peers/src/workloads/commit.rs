//! Commits one after the other, of one row or of a thousand, on one thread or on eight.
//!
//! They set random rows that are there already, so that the data is as large for an engine that commits often as for one
//! that does not. The last ones are read back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::draw::Draw;
use crate::pace::{on_threads, repeat};
use crate::peer::{Change, Durability, Peer};
use crate::statistics::{Latencies, Percent};
use crate::verify;
use crate::work::{Outcome, Work};

/// How many rows of each thread's are read back.
const RECENT_ROWS: usize = 2_000;

/// One row, on stable media, one thread.
pub(crate) fn sync_1(work: &Work) -> Result<Outcome> {
    commits(work, "commit_sync_1", DURABLE)
}

/// One row, on stable media, eight threads.
pub(crate) fn sync_8(work: &Work) -> Result<Outcome> {
    let kind = Kind {
        threads: 8,
        ..DURABLE
    };
    commits(work, "commit_sync_8", kind)
}

/// A thousand random rows, on stable media. The figure counts rows.
pub(crate) fn batch_sync_1000(work: &Work) -> Result<Outcome> {
    let kind = Kind {
        rows: 1_000,
        ..DURABLE
    };
    commits(work, "batch_sync_1000", kind)
}

/// One row, waiting for nothing, one thread.
pub(crate) fn nosync_1(work: &Work) -> Result<Outcome> {
    let kind = Kind {
        durability: Durability::Buffered,
        ..DURABLE
    };
    commits(work, "commit_nosync_1", kind)
}

/// What is committed.
#[derive(Clone, Copy)]
struct Kind {
    durability: Durability,
    threads: u64,
    /// Of each commit.
    rows: u64,
}

const DURABLE: Kind = Kind {
    durability: Durability::Sync,
    threads: 1,
    rows: 1,
};

fn commits(work: &Work, figure: &str, kind: Kind) -> Result<Outcome> {
    let peer = work.open(kind.durability, kind.threads)?;
    let committers = on_threads(kind.threads, |thread, start| {
        let mut committer = Committer::new(work, &*peer, kind, thread);
        start.ready(repeat(work.warm_up, 1, || committer.commit()))?;
        committer.latencies = Latencies::default();
        let before = committer.spent;
        let pace = repeat(work.time, 1, || committer.commit())?;
        let pace = pace.without(committer.spent - before);
        Ok((committer.done(), pace.rate()))
    })?;
    let mut latencies = Latencies::default();
    let (mut rate, mut committed) = (0.0, 0);
    for (done, own_rate) in committers {
        read_back(work, &*peer, &done.recent)?;
        latencies.append(done.latencies);
        rate += own_rate;
        committed += done.rows;
    }
    peer.settle()?;
    peer.close()?;
    let half = latencies.micros(Percent(50));
    let most = latencies.micros(Percent(99));
    Ok(Outcome::of(figure, rate * as_factor(kind.rows))
        .and(&format!("{figure}_p50"), half)
        .and(&format!("{figure}_p99"), most)
        .committing(committed))
}

#[expect(clippy::cast_precision_loss, reason = "one or a thousand")]
fn as_factor(rows: u64) -> f64 {
    rows as f64
}

fn read_back(work: &Work, peer: &dyn Peer, recent: &VecDeque<u64>) -> Result<()> {
    if !work.engine.keeps_rows() {
        return Ok(());
    }
    let mut reader = peer.reader()?;
    for number in recent {
        verify::version(&mut *reader, &work.data, *number, work.version)?;
    }
    Ok(())
}

/// One thread's commits.
struct Committer<'a> {
    work: &'a Work,
    peer: &'a dyn Peer,
    draw: Draw,
    changes: Vec<Change>,
    rows: u64,
    recent: VecDeque<u64>,
    latencies: Latencies,
    rows_of_each: u64,
    /// How long it took to make the rows: nobody's merit.
    spent: Duration,
}

/// What is left of a thread's commits.
struct Done {
    rows: u64,
    recent: VecDeque<u64>,
    latencies: Latencies,
}

impl<'a> Committer<'a> {
    fn new(work: &'a Work, peer: &'a dyn Peer, kind: Kind, thread: u64) -> Committer<'a> {
        Committer {
            work,
            peer,
            draw: work.draw(thread),
            changes: Vec::new(),
            rows: 0,
            recent: VecDeque::new(),
            latencies: Latencies::default(),
            rows_of_each: kind.rows,
            spent: Duration::ZERO,
        }
    }

    fn commit(&mut self) -> Result<()> {
        let began = Instant::now();
        self.changes.clear();
        for _ in 0..self.rows_of_each {
            let number = self.draw.below(self.work.data.rows());
            self.changes.push(self.work.update(number));
            self.remember(number);
        }
        let started = Instant::now();
        self.spent += started - began;
        self.peer.commit(&self.changes)?;
        self.latencies.add(started.elapsed());
        self.rows += self.rows_of_each;
        Ok(())
    }

    fn remember(&mut self, number: u64) {
        if self.recent.len() == RECENT_ROWS {
            self.recent.pop_front();
        }
        self.recent.push_back(number);
    }

    fn done(self) -> Done {
        Done {
            rows: self.rows,
            recent: self.recent,
            latencies: self.latencies,
        }
    }
}
