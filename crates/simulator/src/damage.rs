//! Campaigns of damage: bits flipped, writes lost and misdirected, one at a time.
//!
//! The calm plan of a seed runs once, on a recording disk. A fault then strikes a replay of that recording: the work went
//! on as it did, for what it had written it read from the cache, and the medium has something else. At later points of the
//! recording, power is cut, and what is left is opened and looked at. So a fault costs some openings, not a run. A few
//! writes go astray while the plan runs, too, without a cache to hide it.
//!
//! Only faults count that left a mark: without one, the disk is the one that it would be without the fault.

mod inspect;
mod log_history;
mod strike;

use drystone_testkit::{
    Astray, CrashPolicy, Draw, FaultAtlas, Happened, Hazard, Replay, SimFileSystem, Trace,
};

use self::inspect::Harm;
use self::log_history::LogHistory;
use self::strike::{Strike, mark_between};
use crate::failure::Failure;
use crate::fault::{FaultKind, FaultSpec, Part};
use crate::operation::Operation;
use crate::plan::{Plan, Step};
use crate::report::Coverage;
use crate::run::{FOLDER, Recorded, Run, failure_of};
use crate::swarm::{calm_plan_of, caught, run_plan};

/// How much damage is done to the database of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamageCampaign {
    /// Bits flipped.
    pub flips: u64,
    /// Writes lost, and found out after the fact.
    pub lost: u64,
    /// Writes misdirected, and found out after the fact.
    pub misdirected: u64,
    /// Runs in which a write is lost, and in which one is misdirected, for all to see at once.
    pub in_use: u64,
}

/// Damages the database that the calm plan of a seed makes.
///
/// # Errors
/// The first wrong row, silent rollback or panic.
pub fn damage_of(seed: u64, campaign: &DamageCampaign) -> Result<Coverage, Box<Failure>> {
    let plan = calm_plan_of(seed);
    let recorded = caught(&plan, || Run::new(&plan).record().map_err(Box::new))?;
    let mut damaging = Damaging {
        plan: &plan,
        recorded: &recorded,
        atlas: FaultAtlas::of_database(FOLDER),
        log: LogHistory::of(&recorded.trace),
        coverage: Coverage::default(),
    };
    let done = damaging.all(campaign);
    done.map_err(|failure| failure.of_campaign(&campaign.mode()))?;
    Ok(damaging.coverage)
}

impl DamageCampaign {
    /// How the command is told to do this.
    fn mode(&self) -> String {
        let DamageCampaign {
            flips,
            lost,
            misdirected,
            in_use,
        } = self;
        format!(
            "damage --flips {flips} --lost {lost} --misdirected {misdirected} --in-use {in_use}"
        )
    }
}

/// How a write goes astray.
#[derive(Clone, Copy, Debug)]
enum Stray {
    Lost,
    Misdirected,
}

/// How many bits are flipped at one point of the recording, each on a disk of its own.
const FLIPS_AT_ONCE: u64 = 32;
/// So soon after a write goes astray is the first look.
const SOON: usize = 8;
/// One look of so many is a long one.
const DEPTH_EVERY: u64 = 16;
/// Misdirected writes are off by so many bytes times one of these.
const BLOCK_BYTES: i64 = 4096;
const BLOCKS: [i64; 8] = [-8, -3, -2, -1, 1, 2, 3, 8];
/// What may be lost beside the damage, without chance: a disk with the damage and one without are the same but for it.
const POLICIES: [CrashPolicy; 6] = [
    CrashPolicy::KeepAll,
    CrashPolicy::KeepAll,
    CrashPolicy::KeepAll,
    CrashPolicy::LoseAll,
    CrashPolicy::LengthsLost,
    CrashPolicy::NamesLost,
];

impl Stray {
    fn name(self) -> &'static str {
        match self {
            Stray::Lost => "lost writes",
            Stray::Misdirected => "misdirected writes",
        }
    }

    fn hazard(self) -> Hazard {
        match self {
            Stray::Lost => Hazard::LostWrite,
            Stray::Misdirected => Hazard::MisdirectedWrite,
        }
    }

    fn draw(self, draw: &mut Draw) -> Astray {
        match self {
            Stray::Lost => Astray::Lost,
            Stray::Misdirected => Astray::Misdirected {
                by: draw.pick(&BLOCKS) * BLOCK_BYTES,
            },
        }
    }

    /// The same while it is in use.
    fn fault(self, draw: &mut Draw) -> FaultKind {
        let by = i8::try_from(*draw.pick(&BLOCKS)).unwrap_or(1);
        match self {
            Stray::Lost => FaultKind::LostWrite,
            Stray::Misdirected => FaultKind::MisdirectedWrite(by),
        }
    }
}

/// A recorded run whose disk is being damaged.
struct Damaging<'p> {
    plan: &'p Plan,
    recorded: &'p Recorded,
    atlas: FaultAtlas,
    log: LogHistory,
    coverage: Coverage,
}

impl<'p> Damaging<'p> {
    fn all(&mut self, campaign: &DamageCampaign) -> Result<(), Box<Failure>> {
        self.flips(campaign.flips)?;
        self.writes(Stray::Lost, campaign.lost)?;
        self.writes(Stray::Misdirected, campaign.misdirected)?;
        self.in_use(campaign.in_use)
    }

    fn trace(&self) -> &'p Trace {
        &self.recorded.trace
    }

    /// Flips bits of the disk as it was at points of the recording, half of them at its end.
    fn flips(&mut self, count: u64) -> Result<(), Box<Failure>> {
        let mut draw = Draw::of(self.plan.seed, &[5, 0]);
        let len = self.trace().len();
        let mut points: Vec<usize> = (0..count.div_ceil(FLIPS_AT_ONCE))
            .map(|_| {
                if draw.chance(50) {
                    len
                } else {
                    draw.index(len + 1)
                }
            })
            .collect();
        points.sort_unstable();
        let mut replay = self.trace().replay();
        let mut left = count;
        for at in points {
            replay.advance_to(at);
            let flips = left.min(FLIPS_AT_ONCE);
            self.flips_at(&replay, flips, &mut draw)?;
            left -= flips;
        }
        Ok(())
    }

    fn flips_at(
        &mut self,
        replay: &Replay<'_>,
        count: u64,
        draw: &mut Draw,
    ) -> Result<(), Box<Failure>> {
        let disk = replay.crash(CrashPolicy::KeepAll, draw.number());
        let files = strike::files_of(&disk);
        if files.is_empty() {
            return Ok(());
        }
        for _ in 0..count {
            let (path, len) = draw.pick(&files).clone();
            let mark = strike::Mark {
                offset: draw.below(len),
                path,
            };
            let disk = disk.fork();
            let bit = u8::try_from(draw.below(8)).unwrap_or(0);
            if disk.flip_bit(&mark.path, mark.offset, bit).is_err() {
                continue; // the file is there, and so long
            }
            let happened = mark.happened(Hazard::Rot, format!("bit {bit} flips"));
            let write = self.log.write_of(&mark.path, mark.offset, replay.at());
            let tolerated =
                write.and_then(|write| self.tolerated(write, replay.at(), CrashPolicy::KeepAll));
            let strike = self.strike(disk, replay.at(), mark, vec![happened], tolerated);
            let harm = self.look(&strike, draw)?;
            self.coverage.count("bit flips");
            self.coverage.count(&format!("bit flips: {harm}"));
        }
        Ok(())
    }

    /// Has writes of the recording go astray, one at a time.
    fn writes(&mut self, stray: Stray, count: u64) -> Result<(), Box<Failure>> {
        let mut draw = Draw::of(self.plan.seed, &[5, 1 + stray as u64]);
        let writes = strike::writes_of(self.trace());
        if writes.is_empty() {
            return Ok(());
        }
        let mut places: Vec<usize> = (0..count).map(|_| *draw.pick(&writes)).collect();
        places.sort_unstable();
        let mut replay = self.trace().replay();
        for at in places {
            replay.advance_to(at);
            let worst = self.write_at(&replay, stray, &mut draw)?;
            let name = stray.name();
            match worst {
                None => self
                    .coverage
                    .count(&format!("{name} that left no mark, not counted")),
                Some(harm) => {
                    self.coverage.count(name);
                    self.coverage.count(&format!("{name}: {harm}"));
                }
            }
        }
        Ok(())
    }

    /// Has the next write go astray, and looks at what that left at some later points: the worst that came of it, `None`
    /// where it was written over before each of them.
    fn write_at(
        &mut self,
        replay: &Replay<'_>,
        stray: Stray,
        draw: &mut Draw,
    ) -> Result<Option<Harm>, Box<Failure>> {
        let (mut sound, mut struck) = (replay.clone(), replay.clone());
        let Some(happened) = strike::go_astray(&mut struck, stray.draw(draw), stray.hazard())
        else {
            return Ok(None);
        };
        sound.advance();
        let mut worst = None;
        for at in looks(sound.at(), self.trace().len(), draw) {
            sound.advance_to(at);
            struck.advance_to(at);
            let (policy, seed) = (*draw.pick(&POLICIES), draw.number());
            let disk = struck.crash(policy, seed);
            let Some(mark) = mark_between(&disk, &sound.crash(policy, seed)) else {
                continue;
            };
            let tolerated = self.tolerated(replay.at(), at, policy);
            let strike = self.strike(disk, at, mark, happened.clone(), tolerated);
            let harm = self.look(&strike, draw)?;
            self.coverage
                .count(&format!("looks at {}: {harm}", stray.name()));
            worst = worst.max(Some(harm));
        }
        Ok(worst)
    }

    fn strike(
        &self,
        disk: SimFileSystem,
        at: usize,
        mark: strike::Mark,
        happened: Vec<Happened>,
        tolerated: Option<usize>,
    ) -> Strike<'p> {
        Strike {
            plan: self.plan,
            recorded: self.recorded,
            disk,
            at,
            mark,
            may_break: self.atlas.of_happened(&happened),
            happened,
            tolerated,
        }
    }

    /// The oldest state that may be found at `at` after a write of the log was struck, where nothing vouches for it: what
    /// was durable before.
    fn tolerated(&self, write: usize, at: usize, policy: CrashPolicy) -> Option<usize> {
        let keeps_all = policy == CrashPolicy::KeepAll;
        let tolerates = self.log.is_write(write) && !self.log.is_vouched(write, at, keeps_all);
        tolerates.then(|| *self.recorded.promised(write).start())
    }

    /// Opens a damaged disk.
    fn look(&self, strike: &Strike<'_>, draw: &mut Draw) -> Result<Harm, Box<Failure>> {
        let depth = match draw.below(DEPTH_EVERY) {
            0 => inspect::Depth::InUse,
            _ => inspect::Depth::Reading,
        };
        let step = self.recorded.step_at(strike.at);
        let looked = caught(self.plan, || {
            let looked = strike.inspect(depth);
            looked.map_err(|stop| Box::new(failure_of(stop, step, self.plan)))
        });
        looked.map_err(|mut failure| {
            failure.what = format!("{}\n{strike}", failure.what);
            failure
        })
    }

    /// Runs the plan with one write gone astray, so often.
    fn in_use(&mut self, count: u64) -> Result<(), Box<Failure>> {
        let mut draw = Draw::of(self.plan.seed, &[5, 3]);
        for _ in 0..count {
            for stray in [Stray::Lost, Stray::Misdirected] {
                self.run_with(stray, &mut draw)?;
            }
        }
        Ok(())
    }

    fn run_with(&mut self, stray: Stray, draw: &mut Draw) -> Result<(), Box<Failure>> {
        let operations = self.trace().len() as u64;
        let fault = FaultSpec {
            kind: stray.fault(draw),
            part: *draw.pick(&[Part::Any, Part::Log, Part::Engine]),
            nth: u16::try_from(1 + draw.below(operations / 2 + 1)).unwrap_or(1),
            times: 1,
        };
        let inject = Step(0, Operation::Inject(fault));
        let plan = Plan {
            steps: [&[inject], &self.plan.steps[..]].concat(),
            ..self.plan.clone()
        };
        let report = run_plan(&plan)?;
        let name = format!("{} in use", stray.name());
        match report.coverage.of("run: damage was reported") {
            0 if report.coverage.of("fault: struck") == 0 => return Ok(()), // too few writes
            0 => self.coverage.count(&format!("{name}: unnoticed")),
            _ => self.coverage.count(&format!("{name}: reported")),
        }
        self.coverage.count(&name);
        Ok(())
    }
}

/// When to look at what a fault left: soon after it, twice anywhere, and at the end.
fn looks(first: usize, end: usize, draw: &mut Draw) -> Vec<usize> {
    let mut looks = vec![(first + draw.index(SOON)).min(end), end];
    for _ in 0..2 {
        looks.push(first + draw.index(end - first + 1));
    }
    looks.sort_unstable();
    looks.dedup();
    looks
}
