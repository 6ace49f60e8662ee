//! Plans of faults over two programs: the model engine, which is sound, and a small one with and without its sync.

use std::io;
use std::path::Path;

use drystone_base::{Env, Lsn, OpenMode};
use drystone_engine::{Engine, EngineError, SliceChanges};
use drystone_testkit::{
    Batch, CrashPolicy, FaultAtlas, FaultPlan, Generator, Hazard, MayBreak, Model, ModelEngine,
    Outcome, PlanItem, PlanShape, Shape, Shrink, SimFileSystem, compare, seed_of,
};

const MERGES: u64 = 12;
const ENGINE: &str = "/db/engine";
/// A plan has few items, and most do their worst once: so many starts are enough, or nothing is.
const STARTS_MAX: usize = 30;

/// What a sound program survives, or at least reports.
const SURVIVABLE: [Hazard; 12] = [
    Hazard::Refusal,
    Hazard::Piecemeal,
    Hazard::SyncFailure,
    Hazard::FullDisk,
    Hazard::Eviction,
    Hazard::Clock,
    Hazard::SlowDisk,
    Hazard::PowerCut,
    Hazard::Rot,
    Hazard::BadSector,
    Hazard::Truncation,
    Hazard::MisdirectedRead,
];

/// Merges all batches; after each error it starts again, from what is on the medium.
struct Toil<'a> {
    disk: SimFileSystem,
    batches: &'a [Batch],
    begun: u64,
    acknowledged: u64,
}

impl Toil<'_> {
    fn run(&mut self) {
        let disk = self.disk.clone();
        self.disk = disk.supervise(STARTS_MAX, |disk| self.work(disk));
    }

    fn work(&mut self, disk: &SimFileSystem) -> Result<(), EngineError> {
        let engine = ModelEngine::open(&disk.env(), Path::new(ENGINE))?;
        for number in engine.merged_lsn().0 + 1..=MERGES {
            self.begun = self.begun.max(number);
            let batch = &self.batches[usize::try_from(number - 1).expect("few batches")];
            let changes = batch.changes();
            engine.merge(
                &mut SliceChanges::new(&batch.dropped, &changes),
                Lsn(number),
            )?;
            self.acknowledged = self.acknowledged.max(number);
        }
        Ok(())
    }
}

/// What is wrong once the faults are over, if anything is.
fn finding(toil: &Toil<'_>, model: &Model, may_break: &MayBreak) -> Result<(), String> {
    toil.disk.calm();
    let after = toil.disk.restart(CrashPolicy::LoseAll);
    let engine = match ModelEngine::open(&after.env(), Path::new(ENGINE)) {
        Ok(engine) => engine,
        Err(_) if may_break.allows(Outcome::Detected) => return Ok(()),
        Err(error) => return Err(format!("does not open: {error}")),
    };
    let found = engine.merged_lsn();
    if !(toil.acknowledged..=toil.begun).contains(&found.0) {
        let (least, most) = (toil.acknowledged, toil.begun);
        return Err(format!("found {found}, expected {least} to {most}"));
    }
    let snapshot = engine.snapshot();
    for keyspace in model.keyspaces(found) {
        let entries =
            super::model::scan(&*snapshot, keyspace).map_err(|error| error.to_string())?;
        compare(&model.entries(found, keyspace), &entries)
            .map_err(|difference| difference.to_string())?;
    }
    Ok(())
}

#[test]
fn the_model_engine_keeps_what_the_atlas_demands() {
    let first = seed_of("the model engine under plans");
    let shape = PlanShape::new("/db").hazards(&SURVIVABLE).operations(120);
    let mut worst = std::collections::BTreeSet::new();
    for seed in (0..300).map(|number| first.wrapping_add(number)) {
        let plan = FaultPlan::draw(seed, &shape);
        let (model, batches) = Generator::new(seed, Shape::default()).history(MERGES, 1);
        let disk = SimFileSystem::with_folder(seed, "/db");
        disk.follow(&plan);
        let mut toil = Toil {
            disk,
            batches: &batches,
            begun: 0,
            acknowledged: 0,
        };
        toil.run();
        let may_break = FaultAtlas::new().of_happened(&toil.disk.happened());
        worst.insert(may_break.worst());
        if let Err(what) = finding(&toil, &model, &may_break) {
            panic!("seed {seed:#x}: {what}\n{plan}\n{may_break}");
        }
    }
    assert_eq!(worst.len(), 3, "{worst:?}");
}

/// Replaces a number on disk, durably if `syncs`.
fn save(env: &Env, number: u8, syncs: bool) -> io::Result<()> {
    let file = env.files.open(Path::new("/db/next"), OpenMode::Create)?;
    file.write_all_at(&[number], 0)?;
    if syncs {
        file.sync()?;
    }
    env.files
        .rename(Path::new("/db/next"), Path::new("/db/number"))?;
    env.files.sync_dir(Path::new("/db"))
}

fn load(env: &Env) -> io::Result<u8> {
    let mut number = [0];
    match env.files.open(Path::new("/db/number"), OpenMode::Read) {
        Ok(file) => file.read_exact_at(&mut number, 0)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(number[0])
}

/// Whether a number that was saved is missing after the first power cut, or in the end.
fn loses_a_number(plan: &FaultPlan, syncs: bool) -> bool {
    let mut disk = SimFileSystem::with_folder(plan.seed, "/db");
    disk.follow(plan);
    let mut acknowledged = 0;
    for number in 1..=40 {
        if save(&disk.env(), number, syncs).is_ok() {
            acknowledged = number;
        }
        if disk.is_off() {
            let policy = disk.planned_policy().expect("only the plan cuts power");
            disk = disk.restart(policy);
            break;
        }
    }
    disk.calm();
    let found = load(&disk.crash(CrashPolicy::KeepAll).env());
    !found.is_ok_and(|found| found >= acknowledged)
}

fn mild() -> PlanShape {
    let hazards = [
        Hazard::Piecemeal,
        Hazard::Clock,
        Hazard::SlowDisk,
        Hazard::Refusal,
        Hazard::PowerCut,
    ];
    let shape = PlanShape::new("/db").hazards(&hazards);
    shape.operations(200).items(6..=12)
}

#[test]
fn a_missing_sync_is_found_and_its_plan_shrinks_to_the_one_item_that_matters() {
    let first = seed_of("a missing sync");
    let mut plans = (0..500).map(|number| FaultPlan::draw(first.wrapping_add(number), &mild()));
    let plan = plans.find(|plan| loses_a_number(plan, false));
    let plan = plan.expect("some plan cuts power at the wrong moment");
    assert!(!loses_a_number(&plan, true), "with its sync it survives");
    let fails = |items: &[PlanItem]| loses_a_number(&plan.with_items(items), false);
    let small = plan.with_items(&Shrink::new().items(&plan.items, fails));
    assert_eq!(small.items.len(), 1, "{small}");
    assert_eq!(small.items[0].hazard(), Hazard::PowerCut);
    let again = FaultPlan::named(&small.name(), &mild()).unwrap();
    assert!(loses_a_number(&again, false), "its name replays it");
}
