//! Plans are drawn from their seed alone, happen as they say, and stay what they are when items are dropped.

use std::collections::BTreeSet;
use std::path::Path;

use drystone_base::{Clock, Env, FileSystem, OpenMode};

use super::*;
use crate::sim::{Errno, Happened, OpKind, SimFileSystem};

/// A program that never gives up: writes, syncs, renames and reads, whatever fails, until power goes.
fn toil(env: &Env) {
    let folder = Path::new("/db");
    for round in 0..60u64 {
        if let Ok(log) = env.files.open(&folder.join("log"), OpenMode::Create) {
            let _ = log.write_all_at(&round.to_le_bytes(), round * 8);
            let _ = log.sync();
        }
        let (name, next) = (folder.join(format!("f{}", round % 5)), folder.join("next"));
        if let Ok(file) = env.files.open(&next, OpenMode::Create) {
            let _ = file.set_len(0);
            let _ = file.write_all_at(&[round.to_le_bytes()[0]; 9000], 0);
            let _ = file.sync();
            let _ = file.read_at(&mut [0; 5000], 100);
        }
        let _ = env.files.rename(&next, &name);
        let _ = env.files.sync_dir(folder);
        if round % 7 == 0 {
            let _ = env.files.remove_file(&name);
            let _ = env.files.create_dir_all(&folder.join(format!("d{round}")));
        }
    }
}

/// What became of a plan, and the hash of the run.
fn run(seed: u64, plan: &FaultPlan) -> (SimFileSystem, u64) {
    let disk = SimFileSystem::with_folder(seed, "/db");
    disk.start_hashing();
    disk.follow(plan);
    toil(&disk.env());
    let hash = disk.hash().unwrap();
    (disk, hash)
}

fn shape() -> PlanShape {
    PlanShape::new("/db").operations(300).items(1..=8)
}

#[test]
fn every_class_is_drawn_and_happens() {
    let mut missing: BTreeSet<Hazard> = Hazard::ALL.into();
    for seed in 0..400 {
        let plan = FaultPlan::draw(seed, &shape());
        let (disk, _) = run(seed, &plan);
        for Happened { hazard, item, .. } in disk.happened() {
            let number = item.unwrap();
            let item = plan.items.iter().find(|item| item.number == number);
            assert_eq!(item.unwrap().hazard(), hazard);
            missing.remove(&hazard);
        }
        if missing.is_empty() {
            return;
        }
    }
    panic!("never happened: {missing:?}");
}

#[test]
fn the_same_seed_is_the_same_run_to_the_last_byte() {
    let (_, calm) = run(0, &FaultPlan::of(0, Vec::new()));
    let mut others = 0;
    for seed in 0..40 {
        let plan = FaultPlan::draw(seed, &shape());
        let ((disk, hash), (again, same)) = (run(seed, &plan), run(seed, &plan));
        assert_eq!(hash, same, "{plan}");
        assert_eq!(disk.happened(), again.happened());
        others += u32::from(hash != calm);
    }
    assert!(others > 20, "{others} of 40 plans made a difference");
}

#[test]
fn a_name_gives_the_plan_back_with_items_dropped_or_not() {
    for seed in 0..50 {
        let mut plan = FaultPlan::draw(seed, &shape());
        assert_eq!(
            FaultPlan::named(&format!("{seed:#x}"), &shape()).unwrap(),
            plan
        );
        loop {
            assert_eq!(FaultPlan::named(&plan.name(), &shape()).unwrap(), plan);
            if plan.items.is_empty() {
                break;
            }
            plan = plan.without(plan.items.len() / 2);
        }
    }
    for name in ["", "x", "7-x", "7-99"] {
        assert!(FaultPlan::named(name, &shape()).is_err(), "{name}");
    }
}

#[test]
fn dropping_an_item_leaves_what_the_others_do() {
    let at = |after, event| Mishap::At { after, event };
    let zone = Zone::under("/db");
    let flip = Event::Harm {
        harm: Harm::FlipBit,
        zone: zone.clone(),
    };
    let plan = FaultPlan::of(
        3,
        vec![
            at(50, Event::Clock(ClockEvent::Jump { micros: -5 })),
            at(90, flip),
            Mishap::Fault(Fault::errno(OpKind::Look, Errno::Eio)),
        ],
    );
    let harm_of = |plan: &FaultPlan| {
        let happened = run(3, plan).0.happened();
        happened
            .into_iter()
            .find(|one| one.item == Some(1))
            .unwrap()
    };
    assert_eq!(harm_of(&plan), harm_of(&plan.without(0)));
    assert_eq!(harm_of(&plan), harm_of(&plan.without(2)));
}

#[test]
fn a_planned_power_cut_goes_by_its_policy_and_the_rest_of_the_plan_goes_on() {
    let cut = Event::PowerCut {
        how: Cut::After,
        policy: CrashPolicy::Writes,
    };
    let jump = Event::Clock(ClockEvent::Jump { micros: 77 });
    let plan = FaultPlan::of(
        5,
        vec![
            Mishap::At {
                after: 100,
                event: jump,
            },
            Mishap::At {
                after: 30,
                event: cut,
            },
        ],
    );
    let (disk, _) = run(5, &plan);
    assert!(disk.is_off());
    assert_eq!(
        (disk.operations(), disk.planned_policy()),
        (31, Some(CrashPolicy::Writes))
    );
    let after = disk.restart(CrashPolicy::Writes);
    assert_eq!((after.operations(), after.planned_policy()), (31, None));
    toil(&after.env());
    assert_eq!(after.happened().len(), 2);
    assert_eq!(after.clock().now().0, 77);
    assert!(after.hash().is_some());
}

#[test]
fn a_plan_says_what_it_will_do() {
    let plan = FaultPlan::draw(1, &shape());
    let text = plan.to_string();
    assert!(text.starts_with("plan 0x1-0."), "{text}");
    assert_eq!(text.lines().count(), plan.items.len() + 1);
}

#[test]
fn the_full_disk_of_a_plan_has_room_again_when_calm_returns() {
    let full = Event::Space {
        left: 10,
        allocates_late: false,
    };
    let disk = SimFileSystem::with_folder(1, "/db");
    disk.follow(&FaultPlan::of(
        1,
        vec![Mishap::At {
            after: 0,
            event: full,
        }],
    ));
    let file = disk.open(Path::new("/db/a"), OpenMode::Create).unwrap();
    file.write_all_at(&[1; 11], 0).unwrap_err();
    assert_eq!(file.len().unwrap(), 10);
    disk.calm();
    file.write_all_at(&[1; 11], 0).unwrap();
}
