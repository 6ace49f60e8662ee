//! Verify: reads everything that a state has, and checks it.

use std::sync::Arc;

use drystone_base::Malformed;
use drystone_engine::{EngineError, Snapshot, VerifyReport};

use crate::filter;
use crate::handle::Handle;
use crate::key;
use crate::run::Run;
use crate::snapshot::LsmSnapshot;
use crate::sst::properties::Properties;
use crate::sst::{Partition, Sst};
use crate::version::Version;

/// One part in so many is worth giving back.
const GARBAGE_PART: u64 = 8;

/// Whether much of what a version holds may be of no use any more: replaced, deleted or dropped.
pub(crate) fn holds_much_garbage(version: &Version) -> bool {
    let sum = |counts: &[u64]| counts.iter().copied().fold(0, u64::saturating_add);
    let counts = |run: &Run| run.entries().saturating_add(run.tombstones());
    let all = sum(&version.runs().map(counts).collect::<Vec<_>>());
    let tombstones = sum(&version.runs().map(Run::tombstones).collect::<Vec<_>>());
    // Of what lies in several runs, one entry of each key is of use: at least as many as the largest share has.
    let shared: Vec<u64> = version
        .runs()
        .map(|run| shared_entries(version, run))
        .collect();
    let largest = shared.iter().copied().max().unwrap_or(0);
    let may_go = sum(&shared)
        .saturating_sub(largest)
        .saturating_add(tombstones);
    may_go > all / GARBAGE_PART || !version.dropped.is_empty()
}

/// Entries and tombstones in those SSTs of a run that overlap another run.
fn shared_entries(version: &Version, run: &Run) -> u64 {
    let is_shared = |sst: &&Arc<Sst>| {
        let of_others = |other: &Run| {
            !other.is(run)
                && !other
                    .overlapping(&sst.meta.smallest, &sst.meta.largest)
                    .is_empty()
        };
        version.runs().any(of_others)
    };
    let shared = run.ssts().iter().filter(is_shared);
    let counts = shared.map(|sst| sst.meta.entries.saturating_add(sst.meta.tombstones));
    counts.fold(0, u64::saturating_add)
}

/// Checks all SSTs of a state and of its stage, and counts its entries.
pub(crate) fn verify(snapshot: &LsmSnapshot, report: &mut VerifyReport) {
    let version = snapshot.version();
    let staged = version.stage.iter().flat_map(|stage| &stage.ssts);
    for sst in version.ssts().chain(staged) {
        if let Err(finding) = check_sst(sst, report) {
            report.findings.push(finding);
        }
    }
    for keyspace in version.keyspaces.keys() {
        match snapshot.count(*keyspace) {
            Ok(count) => report.entries = report.entries.saturating_add(count),
            Err(finding) => report.findings.push(finding),
        }
    }
}

/// What was seen of an SST so far.
struct Seen {
    last: Vec<u8>,
    first: Option<Vec<u8>>,
    properties: Properties,
    hashes: Vec<u64>,
}

fn check_sst(sst: &Arc<Sst>, report: &mut VerifyReport) -> Result<(), EngineError> {
    let footer = sst.read_footer()?;
    let top = sst.block_uncached(&footer.top)?;
    let wrong = |why| sst.corrupt(&footer.top, why);
    let mut partitions = Vec::new();
    let mut collected = Ok(());
    top.check(
        |key, value| match Partition::decode(value.unwrap_or_default()) {
            Ok(partition) => partitions.push((key.to_vec(), partition)),
            Err(why) => collected = Err(why),
        },
    )
    .map_err(wrong)?;
    collected.map_err(wrong)?;
    let mut seen = Seen {
        last: Vec::new(),
        first: None,
        properties: Properties::default(),
        hashes: Vec::new(),
    };
    for (separator, partition) in &partitions {
        check_partition(sst, separator, partition, &mut seen, report)?;
    }
    report.pages += 2;
    report.bytes = report.bytes.saturating_add(sst.meta.file_len);
    check_totals(sst, &footer.top, &seen)?;
    let properties = sst.store().read(&sst.place()?, &footer.properties)?;
    let properties =
        Properties::decode(&properties).map_err(|why| sst.corrupt(&footer.properties, why))?;
    if properties == seen.properties {
        return Ok(());
    }
    let why = Malformed::new(
        "properties of an SST",
        format!("{:?}", seen.properties),
        format!("{properties:?}"),
    );
    Err(sst.corrupt(&footer.properties, why))
}

fn check_partition(
    sst: &Arc<Sst>,
    separator: &[u8],
    partition: &Partition,
    seen: &mut Seen,
    report: &mut VerifyReport,
) -> Result<(), EngineError> {
    let index = sst.block_uncached(&partition.index)?;
    let wrong = |why| sst.corrupt(&partition.index, why);
    let mut handles = Vec::new();
    let mut collected = Ok(());
    index
        .check(
            |key, value| match Handle::decode(value.unwrap_or_default()) {
                Ok(handle) => handles.push((key.to_vec(), handle)),
                Err(why) => collected = Err(why),
            },
        )
        .map_err(wrong)?;
    collected.map_err(wrong)?;
    if handles.first().is_none_or(|(key, _)| key != separator) {
        return Err(wrong(Malformed::new(
            "first key of an index",
            "that in the top",
            "another",
        )));
    }
    seen.hashes.clear();
    for (separator, handle) in &handles {
        check_data(sst, separator, handle, seen)?;
    }
    report.pages += handles.len() as u64 + 1 + u64::from(!partition.filter.is_none());
    if partition.filter.is_none() {
        return Ok(());
    }
    let filter = sst.filter(&partition.filter)?;
    filter::check(&filter).map_err(|why| sst.corrupt(&partition.filter, why))?;
    if seen
        .hashes
        .iter()
        .all(|hash| filter::may_hold(&filter, *hash))
    {
        return Ok(());
    }
    let why = Malformed::new(
        "filter",
        "one that passes all its keys",
        "one that does not",
    );
    Err(sst.corrupt(&partition.filter, why))
}

fn check_data(
    sst: &Arc<Sst>,
    separator: &[u8],
    handle: &Handle,
    seen: &mut Seen,
) -> Result<(), EngineError> {
    let block = sst.block_uncached(handle)?;
    let is_first_block = seen.first.is_none();
    let mut broken = None;
    let before = seen.last.clone();
    let mut is_first = true;
    let checked = block.check(|key, value| {
        let Some(keyspace) = key::keyspace_of(key) else {
            broken = Some(Malformed::new(
                "full key",
                "4 bytes or more",
                key.len().to_string(),
            ));
            return;
        };
        if is_first && (*separator > *key || (!is_first_block && before[..] >= *separator)) {
            broken = Some(Malformed::new(
                "separator",
                "above what is before, not above what follows",
                "another",
            ));
        }
        is_first = false;
        seen.first.get_or_insert_with(|| key.to_vec());
        seen.last.clear();
        seen.last.extend_from_slice(key);
        seen.hashes.push(filter::hash(key));
        seen.properties.count(keyspace, value.is_none());
    });
    checked.map_err(|why| sst.corrupt(handle, why))?;
    match broken {
        Some(why) => Err(sst.corrupt(handle, why)),
        None => Ok(()),
    }
}

/// What the manifest says of an SST is so.
fn check_totals(sst: &Sst, top: &Handle, seen: &Seen) -> Result<(), EngineError> {
    let meta = &sst.meta;
    let expected = (meta.entries, meta.tombstones);
    let found = (seen.properties.entries(), seen.properties.tombstones());
    if expected != found {
        let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
        return Err(sst.corrupt(
            top,
            Malformed::new("entries and tombstones", expected, found),
        ));
    }
    if seen.first.as_ref() != Some(&meta.smallest) || seen.last != meta.largest {
        let why = Malformed::new(
            "first and last key of an SST",
            "those in the manifest",
            "others",
        );
        return Err(sst.corrupt(top, why));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
