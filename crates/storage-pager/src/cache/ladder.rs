//! Ladder: queues one above the other, of which the lowest that has a frame gives the next one to leave.
//!
//! Levels only ever rise, so a ring of queues is enough: the one of a level that all frames have left is that of a level
//! far above.

use super::frames::{FrameIdx, Frames, Queue};

/// Levels that are told apart.
pub(super) const RUNGS: usize = 32;

#[derive(Debug)]
pub(super) struct Ladder {
    rungs: [Queue; RUNGS],
    /// No frame is below this level.
    lowest: u64,
}

impl Ladder {
    pub(super) fn new() -> Ladder {
        Ladder {
            rungs: [Queue::new(); RUNGS],
            lowest: 0,
        }
    }

    /// The lowest level that may have a frame.
    pub(super) fn lowest(&self) -> u64 {
        self.lowest
    }

    /// Puts a frame that is on no rung on that of `level`, or on the lowest there is. Where the ladder is not long
    /// enough, those on the lowest rungs are told apart no longer.
    pub(super) fn put(&mut self, frames: &mut Frames, idx: FrameIdx, level: u64) {
        while level >= self.lowest + RUNGS as u64 {
            self.rise(frames);
        }
        let rung = rung_of(level.max(self.lowest));
        self.rungs[rung].push(frames, idx, number_of(rung));
    }

    /// Takes the frame down that has been longest on the lowest rung that has one.
    pub(super) fn pop(&mut self, frames: &mut Frames) -> Option<FrameIdx> {
        let rungs = 0..RUNGS as u64;
        let lowest = rungs
            .map(|above| self.lowest + above)
            .find(|level| !self.rungs[rung_of(*level)].is_empty())?;
        self.lowest = lowest;
        self.rungs[rung_of(lowest)].pop(frames)
    }

    /// Takes the lowest rung away: those on it stand on the next one from here on.
    pub(super) fn rise(&mut self, frames: &mut Frames) {
        let (from, onto) = (rung_of(self.lowest), rung_of(self.lowest + 1));
        while let Some(moved) = self.rungs[from].pop(frames) {
            self.rungs[onto].push(frames, moved, number_of(onto));
        }
        self.lowest += 1;
    }

    pub(super) fn remove(&mut self, frames: &mut Frames, idx: FrameIdx) {
        let rung = usize::from(frames.get(idx).queue);
        self.rungs[rung].remove(frames, idx);
    }

    #[cfg(test)]
    pub(super) fn check(&self, frames: &Frames) {
        let mut queued = 0;
        for (rung, queue) in self.rungs.iter().enumerate() {
            let numbers = queue.iter(frames).map(|frame| usize::from(frame.queue));
            queued += numbers.inspect(|number| assert_eq!(*number, rung)).count();
        }
        assert_eq!(queued, frames.count(), "F2");
    }
}

fn rung_of(level: u64) -> usize {
    usize::try_from(level % RUNGS as u64).expect("there are few rungs")
}

fn number_of(rung: usize) -> u8 {
    u8::try_from(rung).expect("there are few rungs")
}

const _: () = assert!(RUNGS <= 256);
