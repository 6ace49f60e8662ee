//! Every task, on Drystone and a few rows: it finds the figures that it serves.

use std::time::Duration;

use super::*;
use crate::data::DataSet;
use crate::device::Meter;
use crate::figures;
use crate::work::Work;

fn work(engine: Engine, folder: &std::path::Path, version: u64) -> Work {
    Work {
        engine,
        folder: folder.to_owned(),
        data: DataSet::new(2_000, 7),
        cache_bytes: 16 << 20,
        time: Duration::from_millis(5),
        warm_up: Duration::ZERO,
        seed: 7,
        version,
        meter: Meter::new(folder),
    }
}

#[test]
fn every_task_runs_and_serves_its_figures() {
    let loaded = tempfile::tempdir().unwrap();
    for (idx, task) in KEY_VALUE.iter().enumerate() {
        let fresh = tempfile::tempdir().unwrap();
        let folder = match task.place {
            Place::Loaded => loaded.path(),
            Place::Fresh => fresh.path(),
        };
        // The database that it leaves open could not be opened again by this process.
        if task.ending == Ending::Kill || task.name == "recover" {
            continue;
        }
        let outcome = (task.run)(&work(Engine::Drystone, folder, idx as u64 + 1)).unwrap();
        let found: Vec<&str> = outcome
            .figures
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let from_inside = |name: &&str| Some(*name) != task.size_is;
        let expected: Vec<&str> = task.serves.iter().copied().filter(from_inside).collect();
        assert_eq!(found, expected, "{}", task.name);
        assert!(
            outcome
                .figures
                .iter()
                .all(|(_, value)| *value > 0.0 || task.name == "bytes_written")
        );
    }
}

#[test]
fn the_bare_loop_commits() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::named("commit_sync_1").unwrap();
    let outcome = (task.run)(&work(Engine::Bare, folder.path(), 1)).unwrap();
    assert_eq!(outcome.figures.len(), 3);
    assert!(outcome.committed > 0);
    assert!(task.is_for(Engine::Bare) && !LOAD.is_for(Engine::Bare));
}

#[test]
fn rows_that_are_not_as_written_are_found() {
    let folder = tempfile::tempdir().unwrap();
    (LOAD.run)(&work(Engine::Drystone, folder.path(), 1)).unwrap();
    let other_rows = Work {
        data: DataSet::new(2_000, 8),
        ..work(Engine::Drystone, folder.path(), 1)
    };
    for task in ["get_hot_1", "scan", "range_10", "open"] {
        let task = Task::named(task).unwrap();
        assert!((task.run)(&other_rows).is_err(), "{}", task.name);
    }
}

#[test]
fn every_figure_is_served() {
    for figure in figures::KEY_VALUE {
        let is_served = KEY_VALUE.iter().any(|task| task.is_wanted(&[figure.name]));
        assert!(
            is_served || figure.name == figures::RSS_PEAK,
            "{}",
            figure.name
        );
    }
}
