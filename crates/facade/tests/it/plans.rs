//! Drawn plans of faults under commits: what the atlas does not excuse must not happen.

use std::path::Path;

use drystone::{Database, Durability, Error, IsolationLevel, Options};
use drystone_base::{KeyspaceId, Lsn};
use drystone_testkit::{
    Checked, CrashPolicy, FaultAtlas, FaultPlan, Hazard, MayBreak, Outcome, PlanItem, PlanShape,
    Shrink, SimFileSystem, Zone, seed_of,
};

use crate::workload::History;

const FOLDER: &str = "/db/main";
const COMMITS: u64 = 20;

/// A plan has few items, and most do their worst once.
const STARTS_MAX: usize = 20;

/// How many plans to draw.
const PLANS: u64 = 100;

/// Commits the history; after each error it starts again, from what is on the medium.
struct Toil<'a> {
    disk: SimFileSystem,
    history: &'a History,
    begun: u64,
    acknowledged: u64,
}

impl Toil<'_> {
    fn run(&mut self) {
        let disk = self.disk.clone();
        self.disk = disk.supervise(STARTS_MAX, |disk| self.work(disk));
    }

    fn work(&mut self, disk: &SimFileSystem) -> Result<(), Error> {
        let db = Database::open_in(&disk.env(), Path::new(FOLDER), Options::simulated())?;
        for number in committed(&db)? + 1..=COMMITS {
            self.begun = self.begun.max(number);
            self.commit(&db, number)?;
            self.acknowledged = self.acknowledged.max(number);
            db.step()?;
        }
        db.close()
    }

    fn commit(&self, db: &Database, number: u64) -> Result<(), Error> {
        let mut tx = db.begin_transaction(IsolationLevel::RepeatableRead)?;
        let idx = usize::try_from(number - 1).expect("few commits");
        for (id, key, value) in self.history.batches[idx].iter() {
            let keyspace = db.keyspace(&name(id))?;
            match value {
                Some(value) => tx.put(&keyspace, key.clone(), value.clone())?,
                None => tx.delete(&keyspace, key.clone())?,
            }
        }
        let counter = db.keyspace("counter")?;
        tx.put(&counter, "commit", number.to_be_bytes().to_vec())?;
        tx.commit_with(Durability::Sync)?;
        Ok(())
    }
}

fn name(id: KeyspaceId) -> String {
    format!("k{}", id.0)
}

fn committed(db: &Database) -> Result<u64, Error> {
    let bytes = db.keyspace("counter")?.get("commit")?;
    let number = bytes.map(|bytes| u64::from_be_bytes(bytes[..].try_into().expect("8 bytes")));
    Ok(number.unwrap_or(0))
}

/// What is wrong once the faults are over. Errors are fine where damage may be found.
fn check(toil: &mut Toil<'_>, may_break: &MayBreak) -> Checked {
    toil.disk.calm();
    toil.disk = toil.disk.restart(CrashPolicy::LoseAll);
    match check_state(toil) {
        Ok(found) if (toil.acknowledged..=toil.begun).contains(&found) => {}
        Ok(_) if may_break.allows(Outcome::Lost) => return Ok(()),
        Ok(found) => {
            let (least, most) = (toil.acknowledged, toil.begun);
            return Err(format!("commit {found} is the last, not {least} to {most}").into());
        }
        Err(_) if may_break.allows(Outcome::Detected) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let disk = toil.disk.clone();
    match toil.work(&disk) {
        Err(error) if !may_break.allows(Outcome::Detected) => Err(error.into()),
        _ => Ok(()),
    }
}

/// The last commit that is found, all of whose entries are as they must be.
fn check_state(toil: &Toil<'_>) -> Result<u64, Error> {
    let db = Database::open_in(&toil.disk.env(), Path::new(FOLDER), Options::simulated())?;
    let found = committed(&db)?;
    for id in [KeyspaceId(1), KeyspaceId(2)] {
        let entries: Vec<_> = db
            .keyspace(&name(id))?
            .get_range::<&[u8]>(..)
            .collect::<Result<_, _>>()?;
        let expected = toil.history.model.entries(Lsn(found), id);
        if let Err(difference) = drystone_testkit::compare(&expected, &entries) {
            panic!("wrong answers: {difference}");
        }
    }
    Ok(found)
}

/// What goes wrong under a plan that the atlas does not excuse.
fn finding(plan: &FaultPlan, atlas: &FaultAtlas) -> Option<String> {
    let history = History::new(plan.seed, COMMITS);
    let disk = SimFileSystem::with_folder(plan.seed, "/db");
    disk.follow(plan);
    let mut toil = Toil {
        disk,
        history: &history,
        begun: 0,
        acknowledged: 0,
    };
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        toil.run();
        let happened = toil.disk.happened();
        let may_break = atlas.of_happened(&happened);
        let checked = check(&mut toil, &may_break);
        checked.err().map(|error| format!("{error:?}\n{may_break}"))
    }));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Some(text.unwrap_or_else(|| "a panic".to_owned()))
    })
}

/// The first plan that breaks more than it may, made small, and what it breaks.
fn first_finding(hazards: &[Hazard], plans: u64, atlas: &FaultAtlas) -> Option<String> {
    let first = seed_of("plans over the database");
    let shape = PlanShape::new(FOLDER).hazards(hazards).operations(400);
    let mut plans = (0..plans).map(|number| FaultPlan::draw(first.wrapping_add(number), &shape));
    let plan = plans.find(|plan| finding(plan, atlas).is_some())?;
    let fails = |items: &[PlanItem]| finding(&plan.with_items(items), atlas).is_some();
    let small = plan.with_items(&Shrink::new().items(&plan.items, fails));
    let what = finding(&small, atlas)?;
    Some(format!("{small}\n{what}"))
}

#[test]
fn plans_break_no_more_than_they_may() {
    let found = first_finding(&Hazard::ALL, PLANS, &FaultAtlas::of_database(FOLDER));
    assert_eq!(found, None, "{}", found.as_deref().unwrap_or(""));
}

/// The canary: what is excused by nothing is found, and made small.
#[test]
fn a_sync_that_lies_is_found_where_the_atlas_denies_it() {
    let denies =
        FaultAtlas::of_database(FOLDER).rule(Hazard::LyingSync, Zone::under("/"), Outcome::Kept);
    let hazards = [Hazard::LyingSync, Hazard::PowerCut];
    let found = first_finding(&hazards, 400, &denies).expect("a lie that matters");
    assert!(found.contains("SyncLate"), "{found}");
}
