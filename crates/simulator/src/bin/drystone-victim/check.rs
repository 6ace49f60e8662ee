//! What a stop, a kill or a power cut left: every acknowledged commit is there, and none is there in part.

use std::path::Path;

use anyhow::{Context, ensure};
use drystone::{Database, Options, Value};

use crate::parts::Parts;
use crate::workload::{Workload, ids};

/// Opens the database and checks all of it. How many commits of each writer are there.
pub(crate) fn run(
    path: &Path,
    options: Options,
    workload: &Workload,
    acknowledged: &[u64],
    begun: &[u64],
) -> anyhow::Result<Vec<u64>> {
    let parts = Parts::open(path, options).context("it does not open")?;
    let found = numbers(&parts, workload)?;
    check_bounds(&found, acknowledged, begun)?;
    check_state(&parts, workload, &found)?;
    check_soundness(&parts.db)?;
    parts.db.close().context("it does not close")?;
    Ok(found)
}

/// How many commits of each writer are there, by their own word.
pub(crate) fn numbers(parts: &Parts, workload: &Workload) -> anyhow::Result<Vec<u64>> {
    let numbers = workload.writers().map(|writer| parts.number_of(writer));
    Ok(numbers.collect::<Result<_, _>>()?)
}

fn check_bounds(found: &[u64], acknowledged: &[u64], begun: &[u64]) -> anyhow::Result<()> {
    ensure!(
        found.len() == acknowledged.len() && found.len() == begun.len(),
        "one number for each of {} writers is needed",
        found.len()
    );
    for (writer, found) in found.iter().enumerate() {
        let (acknowledged, begun) = (acknowledged[writer], begun[writer]);
        ensure!(
            acknowledged <= *found,
            "LOST: commit {acknowledged} of writer {writer} was acknowledged, and only {found} are there"
        );
        ensure!(
            *found <= begun,
            "INVENTED: commit {found} of writer {writer} is there, and only {begun} were begun"
        );
    }
    Ok(())
}

/// What is there is what the first `found` commits of the writers leave: nothing more, less or else.
pub(crate) fn check_state(parts: &Parts, workload: &Workload, found: &[u64]) -> anyhow::Result<()> {
    for (writer, &latest) in (0u64..).zip(found) {
        check_sight(parts, writer, found)?;
        check_slots(parts, workload, writer, latest)?;
        check_rows(parts, workload, writer, latest)?;
    }
    let expected: usize = (0u64..)
        .zip(found)
        .map(|(writer, &latest)| workload.rows(writer, latest).len())
        .sum();
    let count = "SELECT count(*) FROM entries";
    let rows: i64 = parts.db.query(count, &[])?.one()?.get(0)?;
    ensure!(
        usize::try_from(rows)? == expected,
        "TORN: {rows} rows of all writers, expected {expected}"
    );
    Ok(())
}

/// What a commit saw of other writers is there: nobody sees what can be lost.
fn check_sight(parts: &Parts, writer: u64, found: &[u64]) -> anyhow::Result<()> {
    let latest = parts.latest_of(writer)?;
    for (other, (seen, found)) in latest.iter().skip(1).zip(found).enumerate() {
        ensure!(
            seen <= found,
            "LOST: writer {writer} saw commit {seen} of writer {other}, and only {found} are there"
        );
    }
    Ok(())
}

fn check_slots(parts: &Parts, workload: &Workload, writer: u64, latest: u64) -> anyhow::Result<()> {
    let mut found = Vec::new();
    for entry in parts.slots.get_prefix(writer.to_be_bytes()) {
        let (key, value) = entry?;
        found.push((key.to_vec(), value.to_vec()));
    }
    let expected = workload.slots(writer, latest);
    ensure!(
        found == expected,
        "TORN: the keys of writer {writer} are not those after its commit {latest}: {}",
        first_difference(&found, &expected)
    );
    Ok(())
}

/// The rows are right, by primary key, by index and by vector index.
fn check_rows(parts: &Parts, workload: &Workload, writer: u64, latest: u64) -> anyhow::Result<()> {
    let expected = workload.rows(writer, latest);
    let [low, high] = ids(writer);
    let by_key = "SELECT * FROM entries WHERE id BETWEEN $1 AND $2 ORDER BY id";
    let found = rows(&parts.db, by_key, &[low.clone(), high.clone()])?;
    ensure!(
        found == expected,
        "TORN: the rows of writer {writer} are not those after its commit {latest}: {}",
        first_difference(&found, &expected)
    );
    let by_index = "SELECT * FROM entries WHERE mirror BETWEEN $1 AND $2 OR mirror BETWEEN -$2 AND -$1 ORDER BY id";
    let found = rows(&parts.db, by_index, &[low, high])?;
    ensure!(
        found == expected,
        "DISAGREES: the index of writer {writer}: {}",
        first_difference(&found, &expected)
    );
    check_places(&parts.db, &expected)
}

/// No two rows have the same place, so the nearest to a row's place is that row.
fn check_places(db: &Database, rows: &[[Value; 4]]) -> anyhow::Result<()> {
    for [id, _, _, place] in rows {
        if *place == Value::Null {
            continue;
        }
        let nearest = "SELECT id FROM entries ORDER BY place <-> $1 LIMIT 1";
        let nearest: Value = db
            .query(nearest, std::slice::from_ref(place))?
            .one()?
            .get(0)?;
        ensure!(
            nearest == *id,
            "DISAGREES: nearest to the place of row {id} is row {nearest}"
        );
    }
    Ok(())
}

fn rows(db: &Database, sql: &str, parameters: &[Value]) -> anyhow::Result<Vec<[Value; 4]>> {
    let mut rows = Vec::new();
    for row in db.query(sql, parameters)? {
        let values = row?.into_values();
        let values = <[Value; 4]>::try_from(values);
        rows.push(values.map_err(|values| anyhow::anyhow!("a row of {} columns", values.len()))?);
    }
    Ok(rows)
}

pub(crate) fn check_soundness(db: &Database) -> anyhow::Result<()> {
    let report = db.verify().context("it cannot be verified")?;
    if let Some(finding) = report.findings.first() {
        anyhow::bail!(
            "UNSOUND: {} findings, the first is: {}",
            report.findings.len(),
            finding.report()
        );
    }
    Ok(())
}

fn first_difference<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) -> String {
    let differs =
        (0..found.len().max(expected.len())).find(|&idx| found.get(idx) != expected.get(idx));
    let Some(idx) = differs else {
        return "no difference".to_owned();
    };
    let shorten = |entry: Option<&T>| {
        let text = entry.map_or_else(|| "nothing".to_owned(), |entry| format!("{entry:?}"));
        text.chars().take(200).collect::<String>()
    };
    format!(
        "entry {idx} is {}, expected {}",
        shorten(found.get(idx)),
        shorten(expected.get(idx))
    )
}
