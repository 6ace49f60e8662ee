//! Campaigns of damage: bits flipped in closed databases, writes lost and misdirected while they are in use.

use drystone_testkit::{CrashPolicy, Draw, SimFileSystem};

use crate::failure::Failure;
use crate::fault::{Damage, DamageKind, FaultKind, FaultSpec, Part};
use crate::operation::Operation;
use crate::plan::{Plan, Step};
use crate::report::Coverage;
use crate::run::{Closed, Run, failure_of};
use crate::swarm::{calm_plan_of, run_plan};

/// How much damage is done to the database of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamageCampaign {
    /// Bits flipped, one at a time.
    pub flips: u64,
    /// Writes lost, one at a time.
    pub lost: u64,
    /// Writes misdirected, one at a time.
    pub misdirected: u64,
}

/// Damages the database that the calm plan of a seed makes.
///
/// # Errors
/// The first wrong row, silent rollback or panic.
pub fn damage_of(seed: u64, campaign: &DamageCampaign) -> Result<Coverage, Box<Failure>> {
    let plan = calm_plan_of(seed);
    let mut draw = Draw::of(seed, &[5]);
    let mut coverage = Coverage::default();
    let closed = Run::new(&plan).finish().map_err(Box::new)?;
    for _ in 0..campaign.flips {
        flip(&plan, &closed, &mut draw, &mut coverage)?;
    }
    let operations = closed.disk.operations();
    for _ in 0..campaign.lost {
        let lost = FaultKind::LostWrite;
        stray(
            &plan,
            lost,
            "lost writes",
            operations,
            &mut draw,
            &mut coverage,
        )?;
    }
    for _ in 0..campaign.misdirected {
        let by = *draw.pick(&[-8, -3, -2, -1, 1, 2, 3, 8]);
        let kind = FaultKind::MisdirectedWrite(by);
        stray(
            &plan,
            kind,
            "misdirected writes",
            operations,
            &mut draw,
            &mut coverage,
        )?;
    }
    Ok(coverage)
}

/// Flips one bit of a copy and looks at it.
fn flip(
    plan: &Plan,
    closed: &Closed,
    draw: &mut Draw,
    coverage: &mut Coverage,
) -> Result<(), Box<Failure>> {
    let copy: SimFileSystem = closed.disk.crash(CrashPolicy::KeepAll);
    let damage = Damage {
        kind: DamageKind::FlipBit,
        seed: u32::try_from(draw.below(1 << 32)).unwrap_or(0),
    };
    let harm = closed.probe(&copy, plan, damage);
    let harm = harm.map_err(|stop| Box::new(failure_of(stop, plan.steps.len(), plan)))?;
    coverage.count("bit flips");
    coverage.count(&format!("bit flips: {harm:?}"));
    Ok(())
}

/// Runs the plan with one write gone astray.
fn stray(
    plan: &Plan,
    kind: FaultKind,
    name: &str,
    operations: u64,
    draw: &mut Draw,
    coverage: &mut Coverage,
) -> Result<(), Box<Failure>> {
    let fault = FaultSpec {
        kind,
        part: *draw.pick(&[Part::Any, Part::Log, Part::Engine]),
        nth: u16::try_from(1 + draw.below(operations / 2 + 1)).unwrap_or(1),
        times: 1,
    };
    let inject = Step(0, Operation::Inject(fault));
    let plan = Plan {
        steps: [&[inject], &plan.steps[..]].concat(),
        ..plan.clone()
    };
    let report = run_plan(&plan)?;
    if report.coverage.of("fault: struck") > 0 || report.coverage.of("run: damage was reported") > 0
    {
        coverage.count(name);
    }
    if report.coverage.of("run: damage was reported") > 0 {
        coverage.count(&format!("{name}: reported"));
    }
    Ok(())
}
