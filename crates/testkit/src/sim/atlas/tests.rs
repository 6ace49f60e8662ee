//! An atlas allows what must be allowed, and no more.

use super::*;
use crate::sim::{Event, Harm, Mishap, SimFileSystem};

const HEADS: [Range<u64>; 2] = [0..4096, 4096..8192];

fn head(copy: usize) -> Zone {
    Zone::under("/db/head").bytes(HEADS[copy].clone())
}

fn atlas() -> FaultAtlas {
    FaultAtlas::new().copies(&[head(0), head(1)])
}

fn harm(zone: Zone) -> Mishap {
    let event = Event::Harm {
        harm: Harm::FlipBit,
        zone,
    };
    Mishap::At { after: 0, event }
}

fn worst(zones: &[Zone]) -> Outcome {
    let mishaps = zones.iter().cloned().map(harm).collect();
    atlas().of_plan(&FaultPlan::of(1, mishaps)).worst()
}

#[test]
fn nothing_planned_is_nothing_broken() {
    let may_break = atlas().of_plan(&FaultPlan::of(1, Vec::new()));
    assert_eq!(may_break.worst(), Outcome::Kept);
    assert!(may_break.must_be_whole() && !may_break.must_mend());
}

#[test]
fn one_harmed_copy_is_mended_and_two_are_found() {
    assert_eq!(worst(&[head(0)]), Outcome::Mended);
    assert_eq!(worst(&[head(0), head(0)]), Outcome::Mended);
    assert_eq!(worst(&[head(0), head(1)]), Outcome::Detected);
    assert_eq!(worst(&[head(0), Zone::under("/db")]), Outcome::Detected);
    assert_eq!(worst(&[Zone::under("/db/head")]), Outcome::Detected);
    assert_eq!(worst(&[Zone::under("/db/data")]), Outcome::Detected);
}

#[test]
fn power_that_is_cut_later_may_tear_the_copy_that_is_left() {
    let happened = |hazard, path: &str, bytes| Happened {
        item: None,
        operation: 0,
        hazard,
        path: path.into(),
        bytes,
        what: String::new(),
    };
    let rot = happened(Hazard::Rot, "/db/head", 0..1);
    let cut = happened(Hazard::PowerCut, "", 0..u64::MAX);
    let worst = |happened: &[Happened]| atlas().of_happened(happened).worst();
    assert_eq!(worst(&[cut.clone(), rot.clone()]), Outcome::Mended);
    assert_eq!(worst(&[rot, cut]), Outcome::Detected);
}

#[test]
fn the_last_rule_that_fits_counts_and_vague_places_fear_the_worst() {
    let atlas = atlas()
        .rule(Hazard::Rot, Zone::under("/db"), Outcome::Refused)
        .rule(Hazard::Rot, Zone::under("/db/log"), Outcome::Lost);
    let worst = |path: &str| {
        let plan = FaultPlan::of(1, vec![harm(Zone::under(path))]);
        atlas.of_plan(&plan).worst()
    };
    assert_eq!(worst("/db/log/1"), Outcome::Lost);
    assert_eq!(worst("/db/data"), Outcome::Refused);
    assert_eq!(worst("/db"), Outcome::Lost);
    assert_eq!(worst("/"), Outcome::Lost);
    assert_eq!(worst("/elsewhere"), Outcome::Detected);
}

#[test]
fn what_happened_is_judged_by_its_bytes() {
    let happened = |bytes: Range<u64>| Happened {
        item: Some(0),
        operation: 1,
        hazard: Hazard::Rot,
        path: "/db/head".into(),
        bytes,
        what: "a bit flips".to_owned(),
    };
    let worst = |events: &[Happened]| atlas().of_happened(events).worst();
    assert_eq!(worst(&[happened(7..8)]), Outcome::Mended);
    assert_eq!(
        worst(&[happened(7..8), happened(5000..5001)]),
        Outcome::Detected
    );
    assert_eq!(worst(&[happened(4095..4097)]), Outcome::Detected);
    let may_break = atlas().of_happened(&[happened(7..8)]);
    assert!(may_break.must_mend() && may_break.must_be_whole());
    assert_eq!(may_break.reasons(Outcome::Mended).len(), 1);
    assert!(may_break.to_string().contains("a bit flips"), "{may_break}");
}

#[test]
fn a_disk_on_which_nothing_happened_allows_nothing() {
    let disk = SimFileSystem::with_folder(1, "/db");
    disk.follow(&FaultPlan::of(1, vec![harm(Zone::under("/db"))]));
    assert_eq!(atlas().of_happened(&disk.happened()).worst(), Outcome::Kept);
}

#[test]
fn outcomes_allow_what_is_less_bad() {
    let plan = FaultPlan::of(1, vec![harm(Zone::under("/db"))]);
    let may_break = atlas().of_plan(&plan);
    assert!(may_break.allows(Outcome::Refused) && may_break.allows(Outcome::Detected));
    assert!(!may_break.allows(Outcome::Lost) && !may_break.must_be_whole());
}
