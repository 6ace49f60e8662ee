//! Readers that follow the log, and holds that keep it for them.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use drystone::Lsn;
use drystone_wal::{Hold, Reader, Record, Tailed, WalError};

use super::{LogRun, in_full};
use crate::failure::FailureKind;
use crate::run::Stop;

/// A reader, and the record that it gives next.
pub(super) struct Tail {
    reader: Reader,
    next: u64,
}

/// A hold, and what it must keep.
pub(super) struct HeldHold {
    hold: Hold,
    needs: u64,
    is_bounded: bool,
}

impl LogRun<'_> {
    /// The record at hundredths of what is left. Beyond a hundred: the last that was trimmed.
    fn place(&self, percent: u8) -> Result<u64, Stop> {
        let oldest = self.log()?.oldest_lsn().0;
        let left = (self.newest() + 1).saturating_sub(oldest);
        Ok(match percent {
            0..=100 => oldest + left * u64::from(percent) / 100,
            _ => oldest.saturating_sub(1),
        })
    }

    pub(super) fn hold(&mut self, which: u8, percent: u8, kib: u16) -> Result<(), Stop> {
        let from = self.place(percent)?.max(1);
        let bytes_max = match kib {
            0 => u64::MAX,
            kib => u64::from(kib) << 10,
        };
        let oldest = self.log()?.oldest_lsn();
        let taken = self.log()?.hold("a hold", Lsn(from), bytes_max);
        match taken {
            Ok(hold) if Lsn(from) >= oldest => {
                let held = HeldHold {
                    hold,
                    needs: from,
                    is_bounded: kib > 0,
                };
                self.opened()?.holds.insert(which, held);
                Ok(())
            }
            Err(WalError::Trimmed { .. }) if Lsn(from) < oldest => Ok(()),
            Ok(_) => Err(Stop::broken(
                FailureKind::MissingError,
                format!("a hold of {from}, which was trimmed"),
            )),
            Err(error) => Err(unexpected("hold", &error)),
        }
    }

    pub(super) fn advance(&mut self, which: u8, by: u8) -> Result<(), Stop> {
        let oldest = self.log()?.oldest_lsn().0;
        let newest = self.newest();
        let Some(held) = self.opened()?.holds.get_mut(&which) else {
            return Ok(());
        };
        let next = (held.needs + u64::from(by)).min(newest + 1);
        match held.hold.advance(Lsn(next)) {
            Ok(()) if next >= oldest => {
                held.needs = next;
                Ok(())
            }
            Err(WalError::Trimmed { .. }) if next < oldest => Ok(()),
            Ok(()) => Err(Stop::wrong(format!(
                "a hold went back to {next}, which was trimmed"
            ))),
            Err(error) => Err(unexpected("advance", &error)),
        }
    }

    /// L3.
    pub(super) fn check_holds(&mut self) -> Result<(), Stop> {
        let Some(open) = &self.open else {
            return Ok(());
        };
        let oldest = open.log.oldest_lsn().0;
        for held in open.holds.values() {
            let (needs, is_lost) = (held.hold.needs().0, held.hold.is_lost());
            if needs != held.needs || is_lost != (oldest > needs) {
                return Err(Stop::wrong(format!(
                    "a hold of {} says that it needs {needs}; lost: {is_lost}; the log begins at {oldest}",
                    held.needs
                )));
            }
            if is_lost && !held.is_bounded {
                return Err(Stop::broken(
                    FailureKind::LostCommit,
                    format!("a hold without a bound needs {needs}; the log begins at {oldest}"),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn tail(&mut self, which: u8, percent: u8) -> Result<(), Stop> {
        let next = self.place(percent)?.max(1);
        let reader = self.log()?.read_from(Lsn(next));
        let tails = &mut self.opened()?.tails;
        tails.insert(which, Tail { reader, next });
        Ok(())
    }

    /// L2: the next records, one by one, by either of the two ways.
    pub(super) fn follow(&mut self, which: u8, count: u8) -> Result<(), Stop> {
        for turn in 0..count {
            let Some(mut tail) = self.opened()?.tails.remove(&which) else {
                return Ok(());
            };
            let next = match turn % 2 {
                0 => waited(&mut tail.reader),
                _ => polled(&mut tail.reader),
            };
            match next {
                Ok(Some(record)) => {
                    self.check_record(&record, tail.next)?;
                    if self.log()?.durable_lsn() < record.lsn {
                        let what = format!("a reader gave {}, which is not durable", record.lsn);
                        return Err(Stop::broken(FailureKind::LostCommit, what));
                    }
                    self.given = self.given.max(tail.next);
                    tail.next += 1;
                    self.opened()?.tails.insert(which, tail);
                }
                Ok(None) if Lsn(tail.next) > self.log()?.durable_lsn() => {
                    self.opened()?.tails.insert(which, tail);
                    return Ok(());
                }
                Ok(None) => {
                    return Err(Stop::wrong(format!(
                        "a reader found no record {}",
                        tail.next
                    )));
                }
                Err(WalError::Trimmed { .. }) if Lsn(tail.next) < self.log()?.oldest_lsn() => {
                    return self.check_holds();
                }
                Err(error) => return self.failed("a reader", &error),
            }
        }
        Ok(())
    }
}

/// The next record, where one is there.
fn waited(reader: &mut Reader) -> Result<Option<Record>, WalError> {
    match reader.next_within(Duration::ZERO)? {
        Tailed::Record(record) => Ok(Some(record)),
        Tailed::TimedOut | Tailed::Ended => Ok(None),
    }
}

fn polled(reader: &mut Reader) -> Result<Option<Record>, WalError> {
    let mut context = Context::from_waker(Waker::noop());
    match reader.poll_next(&mut context) {
        Poll::Ready(next) => next.transpose(),
        Poll::Pending => Ok(None),
    }
}

fn unexpected(call: &str, error: &WalError) -> Stop {
    let what = format!("{call}: {}", in_full(error));
    Stop::broken(FailureKind::UnexpectedError, what)
}
