//! Drawing a plan.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::{Event, FaultPlan, Mishap, PlanItem};
use crate::draw::Draw;
use crate::sim::clock::{ClockEvent, Latency};
use crate::sim::crash::CrashPolicy;
use crate::sim::errno::Errno;
use crate::sim::fault::{Effect, Fault, OpKind};
use crate::sim::harm::Harm;
use crate::sim::hazard::Hazard;
use crate::sim::operation::Cut;
use crate::sim::zone::Zone;

/// What plans are drawn from.
#[derive(Clone, Debug)]
pub struct PlanShape {
    hazards: Vec<Hazard>,
    zones: Vec<Zone>,
    items: RangeInclusive<u64>,
    operations: u64,
}

impl PlanShape {
    /// Up to six items of any class, within the first thousand operations, on files under `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> PlanShape {
        PlanShape {
            hazards: Hazard::ALL.to_vec(),
            zones: vec![Zone::under(folder)],
            items: 1..=6,
            operations: 1000,
        }
    }

    /// Items of these classes only.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn hazards(mut self, hazards: &[Hazard]) -> PlanShape {
        assert!(!hazards.is_empty(), "a plan is drawn from something");
        hazards.clone_into(&mut self.hazards);
        self
    }

    /// Harm and faults in these zones only.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn zones(mut self, zones: &[Zone]) -> PlanShape {
        assert!(!zones.is_empty(), "a plan strikes somewhere");
        zones.clone_into(&mut self.zones);
        self
    }

    /// So many items.
    #[must_use]
    pub fn items(mut self, count: RangeInclusive<u64>) -> PlanShape {
        self.items = count;
        self
    }

    /// Within so many operations of the disk; about as many as the program does.
    #[must_use]
    pub fn operations(mut self, count: u64) -> PlanShape {
        self.operations = count.max(1);
        self
    }
}

impl FaultPlan {
    /// The plan of a seed.
    #[must_use]
    pub fn draw(seed: u64, shape: &PlanShape) -> FaultPlan {
        let mut draw = Draw::of(seed, &[7]);
        let least = *shape.items.start();
        let most = (*shape.items.end()).max(least);
        let count = least + draw.below(most - least + 1);
        let item = |number| Items::new(seed, number, shape).draw();
        FaultPlan {
            seed,
            items: (0..usize::try_from(count).expect("a plan is short"))
                .map(item)
                .collect(),
        }
    }
}

/// One item in the making.
struct Items<'a> {
    number: usize,
    draw: Draw,
    shape: &'a PlanShape,
}

impl Items<'_> {
    fn new(seed: u64, number: usize, shape: &PlanShape) -> Items<'_> {
        Items {
            number,
            draw: Draw::of(seed, &[7, number as u64]),
            shape,
        }
    }

    fn draw(mut self) -> PlanItem {
        let hazard = *self.draw.pick(&self.shape.hazards);
        PlanItem {
            number: self.number,
            mishap: self.mishap(hazard),
        }
    }

    fn mishap(&mut self, hazard: Hazard) -> Mishap {
        match hazard {
            Hazard::Refusal => self.refusal(),
            Hazard::Piecemeal => self.piecemeal(),
            Hazard::SyncFailure => self.sync_failure(),
            Hazard::LyingSync => self.fault(OpKind::Sync, Effect::SyncLate),
            Hazard::LostWrite => {
                let effect = *self.draw.pick(&[Effect::LostWrite, Effect::LostBelowCache]);
                self.fault(OpKind::Write, effect)
            }
            Hazard::MisdirectedWrite => self.misdirected_write(),
            Hazard::MisdirectedRead => {
                let by = self.distance();
                self.fault(OpKind::Read, Effect::MisdirectedRead { by })
            }
            Hazard::SlowDisk => self.slow(),
            Hazard::Clock => {
                let event = self.clock_event();
                self.at(Event::Clock(event))
            }
            Hazard::FullDisk => {
                let left = 1 << self.draw.below(24);
                let allocates_late = self.draw.chance(50);
                self.at(Event::Space {
                    left,
                    allocates_late,
                })
            }
            Hazard::PowerCut => self.power_cut(&CrashPolicy::ALL),
            Hazard::Blast => self.power_cut(&CrashPolicy::BLASTS),
            Hazard::Rot
            | Hazard::BadSector
            | Hazard::Stale
            | Hazard::Truncation
            | Hazard::RollBack
            | Hazard::Eviction => self.harm(hazard),
        }
    }

    fn refusal(&mut self) -> Mishap {
        let effects = [
            Effect::Errno(Errno::Eio),
            Effect::Errno(Errno::Enospc),
            Effect::Errno(Errno::Edquot),
            Effect::Errno(Errno::Emfile),
            Effect::Errno(Errno::Erofs),
            Effect::Partial(std::io::ErrorKind::StorageFull),
        ];
        let effect = *self.draw.pick(&effects);
        let on = *self.draw.pick(operations_of(effect));
        let fault = self.aimed(Fault::new(on, effect));
        Mishap::Fault(self.often(fault))
    }

    /// In pieces, a few times in a row.
    fn piecemeal(&mut self) -> Mishap {
        let on = *self.draw.pick(&[OpKind::Read, OpKind::Write]);
        let effect = *self
            .draw
            .pick(&[Effect::Short, Effect::Errno(Errno::Eintr)]);
        let times = 1 + self.draw.below(6);
        Mishap::Fault(self.aimed(Fault::new(on, effect).times(times)))
    }

    fn sync_failure(&mut self) -> Mishap {
        let effects = [
            Effect::Errno(Errno::Eio),
            Effect::SyncMarkedClean,
            Effect::SyncPartly,
            Effect::SyncFull,
            Effect::SyncReverted,
        ];
        let effect = *self.draw.pick(&effects);
        self.fault(OpKind::Sync, effect)
    }

    fn misdirected_write(&mut self) -> Mishap {
        let by = self.distance();
        let effect = *self.draw.pick(&[
            Effect::MisdirectedWrite { by },
            Effect::MisdirectedBelowCache { by },
        ]);
        self.fault(OpKind::Write, effect)
    }

    /// Some sectors or blocks, forwards or backwards.
    fn distance(&mut self) -> i64 {
        let unit = *self.draw.pick(&[512, 4096]);
        let count = i64::try_from(1 + self.draw.below(16)).expect("a small number");
        if self.draw.chance(50) {
            unit * count
        } else {
            -unit * count
        }
    }

    fn slow(&mut self) -> Mishap {
        let slow = Duration::from_millis(1 + self.draw.below(60_000));
        if self.draw.chance(50) {
            let on = *self.draw.pick(&OpKind::ALL);
            return self.fault(on, Effect::Slow(slow));
        }
        let latency = Latency {
            usual: Duration::from_micros(1 + self.draw.below(2_000)),
            slow_percent: self.draw.below(10),
            slow,
        };
        self.at(Event::Latency(latency))
    }

    fn clock_event(&mut self) -> ClockEvent {
        let millis = 1 << self.draw.below(33);
        let time = Duration::from_millis(millis);
        let micros = i64::try_from(millis * 1000).expect("months");
        match self.draw.below(4) {
            0 => ClockEvent::Jump { micros },
            1 => ClockEvent::Jump { micros: -micros },
            2 => ClockEvent::Pause(time),
            _ => ClockEvent::Stall(time),
        }
    }

    fn power_cut(&mut self, policies: &[CrashPolicy]) -> Mishap {
        let how = *self.draw.pick(&[Cut::Before, Cut::Midway, Cut::After]);
        let policy = *self.draw.pick(policies);
        self.at(Event::PowerCut { how, policy })
    }

    fn harm(&mut self, hazard: Hazard) -> Mishap {
        let harms: Vec<Harm> = Harm::ALL
            .into_iter()
            .filter(|harm| harm.hazard() == hazard)
            .collect();
        let harm = *self.draw.pick(&harms);
        let zone = self.zone();
        self.at(Event::Harm { harm, zone })
    }

    fn zone(&mut self) -> Zone {
        self.draw.pick(&self.shape.zones).clone()
    }

    fn at(&mut self, event: Event) -> Mishap {
        let after = self.draw.below(self.shape.operations);
        Mishap::At { after, event }
    }

    /// Once, early or late.
    fn fault(&mut self, on: OpKind, effect: Effect) -> Mishap {
        Mishap::Fault(self.aimed(Fault::new(on, effect)))
    }

    fn aimed(&mut self, fault: Fault) -> Fault {
        let zone = self.zone();
        let nth = self.early_or_late();
        fault.under(zone.path()).nth(nth)
    }

    /// Small numbers as often as large ones: there are few renames, and many writes.
    fn early_or_late(&mut self) -> u64 {
        let bits = 64 - u64::from(self.shape.operations.leading_zeros());
        let most = 1 << self.draw.below(bits + 1);
        1 + self.draw.below(most)
    }

    /// Once, some times, or for ever.
    fn often(&mut self, fault: Fault) -> Fault {
        match self.draw.below(10) {
            0..=5 => fault,
            6..=7 => fault.times(2 + self.draw.below(4)),
            _ => fault.for_ever(),
        }
    }
}

/// The operations that fail so.
fn operations_of(effect: Effect) -> &'static [OpKind] {
    match effect {
        Effect::Errno(Errno::Eio) => &OpKind::ALL,
        Effect::Errno(Errno::Emfile) => &[OpKind::Open, OpKind::Look],
        Effect::Errno(Errno::Enospc | Errno::Edquot) => &[
            OpKind::Open,
            OpKind::Write,
            OpKind::SetLen,
            OpKind::Sync,
            OpKind::CreateDir,
            OpKind::Rename,
        ],
        Effect::Errno(Errno::Erofs) => &[
            OpKind::Open,
            OpKind::Write,
            OpKind::SetLen,
            OpKind::Sync,
            OpKind::SyncDir,
            OpKind::CreateDir,
            OpKind::Rename,
            OpKind::Remove,
        ],
        _ => &[OpKind::Write],
    }
}
