//! Reads and writes beside each other: two threads, each of which draws for every step whether it reads or commits.
//!
//! So one thread's reads run beside the other's commits, in exactly the share that the name says. Commits set one
//! existing row and wait for nothing; with waiting, this would measure the disk.

use anyhow::Result;

use crate::draw::Draw;
use crate::pace::{on_threads, repeat};
use crate::peer::{Durability, Peer, Reader};
use crate::verify;
use crate::work::{Outcome, Work};

const THREADS: u64 = 2;
const STRIDE: u64 = 16;

/// 95 reads to 5 commits.
pub(crate) fn mixed_95_5(work: &Work) -> Result<Outcome> {
    mixed(work, "mixed_95_5", 5)
}

/// As many commits as reads.
pub(crate) fn mixed_50_50(work: &Work) -> Result<Outcome> {
    mixed(work, "mixed_50_50", 50)
}

fn mixed(work: &Work, figure: &str, commits_percent: u64) -> Result<Outcome> {
    let peer = work.open(Durability::Buffered, THREADS)?;
    let rates = on_threads(THREADS, |thread, start| {
        let mut mix = Mix {
            work,
            peer: &*peer,
            draw: work.draw(thread),
            commits_percent,
        };
        let prepared = peer.reader().and_then(|mut reader| {
            verify::scan(&mut *reader, &work.data)?;
            repeat(work.warm_up, STRIDE, || mix.step(&mut *reader))?;
            Ok(reader)
        });
        let mut reader = start.ready(prepared)?;
        let pace = repeat(work.time, STRIDE, || mix.step(&mut *reader))?;
        Ok(pace.rate())
    })?;
    verify::scan(&mut *peer.reader()?, &work.data)?;
    peer.settle()?;
    peer.close()?;
    Ok(Outcome::of(figure, rates.iter().sum()))
}

/// One thread's steps.
struct Mix<'a> {
    work: &'a Work,
    peer: &'a dyn Peer,
    draw: Draw,
    commits_percent: u64,
}

impl Mix<'_> {
    fn step(&mut self, reader: &mut dyn Reader) -> Result<()> {
        let number = self.draw.below(self.work.data.rows());
        if self.draw.below(100) < self.commits_percent {
            return self.peer.commit(&[self.work.update(number)]);
        }
        verify::get(reader, &self.work.data, number)
    }
}
