//! The fault atlas: what each thing that goes wrong may break, so that an oracle can demand all the rest.
//!
//! Without rules, an atlas is that of a program which keeps every promise that can be kept: what was acknowledged
//! survives power cuts and errors; damage to the only copy is found; nothing wrong is ever told.
//!
//! # Source
//! TigerBeetle's `ClusterFaultAtlas`: faults are placed so that what must survive them is known.

mod database;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use super::happened::Happened;
use super::hazard::Hazard;
use super::plan::FaultPlan;
use super::zone::Zone;

/// The worst that may come of something. Each allows what is before it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nobody notices: no call fails, and all is there after a crash.
    Kept,
    /// No call fails and all is there, since another copy of what was harmed is used and the harmed one mended.
    Mended,
    /// Calls may fail, and say so. What was acknowledged is there once it is opened again without faults.
    Refused,
    /// Calls may fail because damage was found, also when it is opened again. No answer is wrong, and nothing that was
    /// acknowledged is missing without a word.
    Detected,
    /// It may be in an older state than it acknowledged, and not know. That state is one it was in; no answer is wrong
    /// beyond that.
    Lost,
}

impl Hazard {
    /// The worst that may come of it where an atlas has no rule.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Hazard::Piecemeal
            | Hazard::Eviction
            | Hazard::Clock
            | Hazard::SlowDisk
            | Hazard::PowerCut => Outcome::Kept,
            Hazard::Refusal | Hazard::SyncFailure | Hazard::FullDisk => Outcome::Refused,
            Hazard::LostWrite
            | Hazard::MisdirectedWrite
            | Hazard::MisdirectedRead
            | Hazard::Rot
            | Hazard::BadSector
            | Hazard::Stale
            | Hazard::Truncation
            | Hazard::Blast => Outcome::Detected,
            Hazard::LyingSync | Hazard::RollBack => Outcome::Lost,
        }
    }

    /// Whether it harms what is stored, so that a whole copy elsewhere helps.
    fn harms_data(self) -> bool {
        self.outcome() >= Outcome::Detected
    }
}

/// What each thing that goes wrong may break, by where it does.
///
/// ```
/// use drystone_testkit::{FaultAtlas, FaultPlan, Hazard, Outcome, PlanShape, Zone};
///
/// let atlas = FaultAtlas::new()
///     .copies(&[Zone::under("/db/head").bytes(0..4096), Zone::under("/db/head").bytes(4096..8192)])
///     .rule(Hazard::Stale, Zone::under("/db/notes"), Outcome::Lost);
/// let shape = PlanShape::new("/db").hazards(&[Hazard::Rot]).items(1..=1);
/// let shape = shape.zones(&[Zone::under("/db/head").bytes(0..4096)]);
/// let may_break = atlas.of_plan(&FaultPlan::draw(7, &shape));
/// assert_eq!(may_break.worst(), Outcome::Mended); // so no call may fail, and nothing be lost
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultAtlas {
    rules: Vec<Rule>,
    copies: Vec<Vec<Zone>>,
}

#[derive(Clone, Debug)]
struct Rule {
    hazard: Hazard,
    zone: Zone,
    outcome: Outcome,
}

/// Something that goes wrong somewhere.
struct Place<'a> {
    hazard: Hazard,
    path: &'a Path,
    bytes: Range<u64>,
    /// Whether it is no more than within this path: which file, is not decided.
    is_vague: bool,
}

impl FaultAtlas {
    /// The atlas without rules: [`Hazard::outcome`] for everything.
    #[must_use]
    pub fn new() -> FaultAtlas {
        FaultAtlas::default()
    }

    /// Where `hazard` strikes within `zone`, `outcome` is the worst. Of several rules that fit the last one counts.
    #[must_use]
    pub fn rule(mut self, hazard: Hazard, zone: Zone, outcome: Outcome) -> FaultAtlas {
        self.rules.push(Rule {
            hazard,
            zone,
            outcome,
        });
        self
    }

    /// These zones hold the same: as long as one of them is whole, harm to the others is mended.
    #[must_use]
    pub fn copies(mut self, zones: &[Zone]) -> FaultAtlas {
        self.copies.push(zones.to_vec());
        self
    }

    /// What a plan may break, whatever comes of it.
    #[must_use]
    pub fn of_plan(&self, plan: &FaultPlan) -> MayBreak {
        let zones: Vec<Zone> = plan.items.iter().map(|item| item.zone()).collect();
        let places = plan.items.iter().zip(&zones).map(|(item, zone)| {
            let place = Place {
                hazard: item.hazard(),
                path: zone.path(),
                bytes: zone.range(),
                is_vague: true,
            };
            (place, item.to_string())
        });
        self.judge(places.collect())
    }

    /// What may be broken by what happened so far: more exact than [`FaultAtlas::of_plan`].
    #[must_use]
    pub fn of_happened(&self, happened: &[Happened]) -> MayBreak {
        let places = happened.iter().map(|happened| {
            let place = Place {
                hazard: happened.hazard,
                path: &happened.path,
                bytes: happened.bytes.clone(),
                // What concerns the disk as a whole may strike anywhere.
                is_vague: happened.path.as_os_str().is_empty(),
            };
            (place, happened.to_string())
        });
        self.judge(places.collect())
    }

    fn judge(&self, places: Vec<(Place<'_>, String)>) -> MayBreak {
        let mut may_break = MayBreak::default();
        for (idx, (place, what)) in places.iter().enumerate() {
            let others = places.iter().enumerate();
            // Of what only may happen, nobody knows which comes first.
            let others = others.filter(|(other, (what, _))| {
                *other != idx && (what.hazard != Hazard::PowerCut || *other > idx || place.is_vague)
            });
            let others: Vec<&Place<'_>> = others.map(|(_, (place, _))| place).collect();
            let outcome = match self.is_spare(place, &others) {
                true => Outcome::Mended,
                false => self.outcome(place),
            };
            may_break
                .reasons
                .entry(outcome)
                .or_default()
                .push(what.clone());
        }
        may_break
    }

    /// Whether only one copy of something is harmed, and none of the others by anything else. Power that is cut later may
    /// have torn the copy that was being written.
    fn is_spare(&self, place: &Place<'_>, others: &[&Place<'_>]) -> bool {
        place.hazard.harms_data()
            && self.copies.iter().any(|zones| {
                let Some(harmed) = zones.iter().position(|zone| place.is_in(zone)) else {
                    return false;
                };
                let others = others.iter();
                let others = others
                    .filter(|other| other.hazard.harms_data() || other.hazard == Hazard::PowerCut);
                let mut rest = zones.iter().enumerate().filter(|(idx, _)| *idx != harmed);
                let is_whole = |zone: &Zone| !others.clone().any(|other| other.may_touch(zone));
                rest.any(|(_, zone)| is_whole(zone))
            })
    }

    fn outcome(&self, place: &Place<'_>) -> Outcome {
        let rules = self.rules.iter().rev();
        let mut rules = rules.filter(|rule| rule.hazard == place.hazard);
        if !place.is_vague {
            let rule = rules.find(|rule| place.is_in(&rule.zone));
            return rule.map_or(place.hazard.outcome(), |rule| rule.outcome);
        }
        // The rule that holds for all of it, or any worse one that may come to hold.
        let mut worst: Option<Outcome> = None;
        for rule in rules.filter(|rule| place.may_touch(&rule.zone)) {
            worst = worst.max(Some(rule.outcome));
            if place.is_in(&rule.zone) {
                return worst.unwrap_or(rule.outcome);
            }
        }
        worst
            .max(Some(place.hazard.outcome()))
            .unwrap_or(Outcome::Lost)
    }
}

impl Place<'_> {
    fn is_in(&self, zone: &Zone) -> bool {
        zone.contains(self.path, &self.bytes)
    }

    fn may_touch(&self, zone: &Zone) -> bool {
        let above = self.is_vague && zone.path().starts_with(self.path);
        let range = zone.range();
        let bytes = range.start < self.bytes.end && self.bytes.start < range.end;
        bytes && (above || self.path.starts_with(zone.path()))
    }
}

/// What may be broken, and by what. An oracle demands all that it does not allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MayBreak {
    reasons: BTreeMap<Outcome, Vec<String>>,
}

impl MayBreak {
    /// The worst that is allowed.
    #[must_use]
    pub fn worst(&self) -> Outcome {
        let last = self.reasons.last_key_value();
        last.map_or(Outcome::Kept, |(outcome, _)| *outcome)
    }

    /// Whether something as bad as this is allowed.
    #[must_use]
    pub fn allows(&self, outcome: Outcome) -> bool {
        outcome <= self.worst()
    }

    /// Whether all that was acknowledged must be there when it is opened again without faults, and every call succeed.
    #[must_use]
    pub fn must_be_whole(&self) -> bool {
        !self.allows(Outcome::Detected)
    }

    /// Whether something was harmed that another copy must stand in for.
    #[must_use]
    pub fn must_mend(&self) -> bool {
        self.reasons.contains_key(&Outcome::Mended)
    }

    /// What allows just this outcome, in words.
    #[must_use]
    pub fn reasons(&self, outcome: Outcome) -> &[String] {
        self.reasons.get(&outcome).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Display for MayBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at worst {:?}", self.worst())?;
        for (outcome, reasons) in self.reasons.iter().rev() {
            for reason in reasons {
                write!(f, "\n  {outcome:?}: {reason}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
