//! The proof of life: faults end, and within a bound of steps the database opens, takes writes, merges, and is sound.

use super::Run;
use super::judge::Stop;
use crate::failure::FailureKind;
use crate::operation::{Change, Durable, Payload};

/// Background steps within which all work must be done.
const STEPS_MAX: usize = 200;
/// The keyspace that is written to.
const SPACE: u8 = 0;

impl Run<'_> {
    pub(super) fn come_to_life(&mut self) -> Result<(), Stop> {
        self.begin_step();
        self.mend()?;
        self.create_keyspace(SPACE)?;
        let write = Change {
            space: SPACE,
            key: 1,
            value: Some(Payload { len: 100, seed: 1 }),
        };
        let newest = self.oracle.newest_number();
        self.write(Durable::Sync, &write)?;
        if self.oracle.newest_number() == newest {
            return Err(not_live("takes no writes"));
        }
        self.flush()?;
        self.settle_down()?;
        self.verify()?;
        self.reopen()?;
        match self.open.is_some() {
            true => self.stats(),
            false => Err(not_live("does not open after it was closed")),
        }
    }

    /// Steps until nothing is left to do.
    fn settle_down(&mut self) -> Result<(), Stop> {
        for _ in 0..STEPS_MAX {
            match self.db()?.step() {
                Ok(true) => {}
                Ok(false) => {
                    self.oracle.stepped();
                    return Ok(());
                }
                Err(error) => return self.write_failed("step", &error).map(drop),
            }
        }
        Err(not_live("background work finds no end"))
    }
}

fn not_live(what: &str) -> Stop {
    Stop::broken(FailureKind::NotLive, what)
}
