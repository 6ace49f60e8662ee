//! Tasks: what each of those that use the database side by side does, as a script of its own.

use drystone_testkit::Draw;

use crate::fault::Part;
use crate::operation::{Change, Durable, Operation, Payload, Source, Through};
use crate::options::{SimCodec, SimOptions};
use crate::plan::Step;
use crate::workload::{self, Weather, Workload};

/// What a task does all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trade {
    /// Changes that commit by themselves, and reads.
    Keys,
    /// Transactions over keys, with savepoints and guards.
    Transactions,
    /// SQL statements, alone.
    Statements,
    /// SQL in transactions, now and then with keys in the same one.
    Sessions,
    /// Snapshots and cursors, held long.
    Readers,
    /// Definitions of tables, and keyspaces.
    Definitions,
}

const TRADES: [Trade; 6] = [
    Trade::Transactions,
    Trade::Sessions,
    Trade::Keys,
    Trade::Statements,
    Trade::Readers,
    Trade::Definitions,
];

/// The script that comes first and sets the scene: keyspaces, and most of the tables and indexes.
pub(crate) fn setting(workload: &Workload, draw: &mut Draw) -> Vec<Operation> {
    let mut script = Vec::new();
    let weather = workload.weather;
    if weather == Weather::PowerCuts && draw.chance(20) {
        script.push(Operation::Crash(workload::crash(weather, draw))); // while the database is created
    }
    for space in 0..workload.spaces {
        script.push(Operation::CreateKeyspace(u8::try_from(space).unwrap_or(0)));
    }
    for table in 0..workload.tables {
        let table = u8::try_from(table).unwrap_or(0);
        if draw.chance(85) {
            script.push(Operation::Sql(crate::Statement::CreateTable(table)));
        }
        for on in crate::IndexOn::ALL {
            if draw.chance(60) {
                script.push(Operation::Sql(crate::Statement::CreateIndex(table, on)));
            }
        }
    }
    script
}

/// The scripts of the tasks that run side by side: those that use the database, and one that keeps it going.
pub(crate) fn scripts(workload: &Workload, draw: &mut Draw) -> Vec<Vec<Operation>> {
    let share = workload.steps / workload.tasks;
    let mut scripts = Vec::new();
    for _ in 0..workload.tasks {
        let trade = *draw.pick(&TRADES);
        scripts.push(script(trade, workload, draw, share));
    }
    scripts.push(upkeep(workload, draw, workload.steps / 6));
    scripts.push(disturbance(workload, draw));
    scripts
}

fn script(trade: Trade, workload: &Workload, draw: &mut Draw, len: u64) -> Vec<Operation> {
    let mut script = Vec::new();
    while (script.len() as u64) < len {
        match trade {
            Trade::Keys => script.push(keys(workload, draw)),
            Trade::Transactions => transaction(workload, draw, Through::Transaction, &mut script),
            Trade::Statements => script.push(match draw.chance(60) {
                true => Operation::Sql(workload.statement(draw)),
                false => Operation::Query(workload.query(draw)),
            }),
            Trade::Sessions => {
                let through = *draw.pick(&[Through::Session, Through::Transaction]);
                transaction(workload, draw, through, &mut script);
            }
            Trade::Readers => script.push(reader(workload, draw)),
            Trade::Definitions => script.push(definition(workload, draw)),
        }
    }
    script
}

fn keys(workload: &Workload, draw: &mut Draw) -> Operation {
    match draw.below(10) {
        0..5 => Operation::Write(workload.durable(draw), workload.change(draw)),
        5 | 6 => {
            let count = 1 + draw.below(8);
            let changes: Vec<_> = (0..count).map(|_| workload.change(draw)).collect();
            // By a seed that is there anyway, so that seeds stay as they were in all else.
            let seed = changes.iter().find_map(|change| Some(change.value?.seed));
            match seed.is_some_and(|seed| seed % 4 == 0) {
                true => Operation::Load(changes),
                false => Operation::Batch(workload.durable(draw), changes),
            }
        }
        _ => Operation::Read(Source::Newest, workload.look(draw)),
    }
}

/// A whole transaction, of one interface.
fn transaction(
    workload: &Workload,
    draw: &mut Draw,
    through: Through,
    script: &mut Vec<Operation>,
) {
    script.push(Operation::Begin(through));
    let sql_percent = match through {
        Through::Session => 100,
        Through::Transaction => *draw.pick(&[0, 0, 30]),
    };
    for _ in 0..draw.below(8) {
        script.push(match draw.chance(sql_percent) {
            true => inside_sql(workload, draw),
            false => inside(workload, draw),
        });
    }
    script.push(match draw.chance(85) {
        true => Operation::Commit(workload.durable(draw)),
        false => Operation::Rollback,
    });
}

fn inside(workload: &Workload, draw: &mut Draw) -> Operation {
    match draw.below(20) {
        0..10 => Operation::Change(workload.change(draw)),
        10..14 => Operation::Read(Source::Transaction, workload.look(draw)),
        14 => Operation::Guard(workload.space(draw), workload.key(draw)),
        15 => Operation::GuardKeyspace(workload.space(draw)),
        16 | 17 => Operation::Savepoint,
        18 => Operation::RollbackTo(draw.number().to_le_bytes()[0]),
        _ => Operation::OpenCursor(Source::Transaction, workload.wide_look(draw)),
    }
}

fn inside_sql(workload: &Workload, draw: &mut Draw) -> Operation {
    match draw.below(20) {
        0..10 => Operation::Sql(workload.statement(draw)),
        10..14 => Operation::Query(workload.query(draw)),
        14 | 15 => Operation::Sql(workload.definition(draw)),
        16 | 17 => Operation::Savepoint,
        _ => Operation::RollbackTo(draw.number().to_le_bytes()[0]),
    }
}

fn reader(workload: &Workload, draw: &mut Draw) -> Operation {
    match draw.below(20) {
        0 | 1 => Operation::TakeSnapshot,
        2 => Operation::DropSnapshot,
        3..6 => {
            let source = *draw.pick(&[Source::Newest, Source::Snapshot]);
            Operation::OpenCursor(source, workload.wide_look(draw))
        }
        6..13 => Operation::Advance(1 + draw.number().to_le_bytes()[0] % 8),
        13 => Operation::CloseCursor,
        14..18 => Operation::Read(Source::Snapshot, workload.look(draw)),
        _ => Operation::Query(workload.query(draw)),
    }
}

fn definition(workload: &Workload, draw: &mut Draw) -> Operation {
    match draw.below(10) {
        0 => Operation::DropKeyspace(workload.space(draw)),
        1..3 => Operation::CreateKeyspace(workload.space(draw)),
        3..7 => Operation::Sql(workload.definition(draw)),
        _ => Operation::Query(workload.query(draw)),
    }
}

/// Background work, reopens, checks.
fn upkeep(workload: &Workload, draw: &mut Draw, len: u64) -> Vec<Operation> {
    let quiet = workload.weather == Weather::Calm;
    let one = |draw: &mut Draw| match draw.below(24) {
        0..10 => Operation::Step,
        10 | 11 => Operation::Flush,
        12 | 13 => Operation::Compact,
        14 => Operation::Sync,
        15 => Operation::Verify,
        16..18 => Operation::Stats,
        18 | 19 => Operation::Reopen,
        20 => Operation::Wait(u32::try_from(draw.below(100_000)).unwrap_or(0)),
        21 if !quiet => Operation::DropCache,
        22 => Operation::SetClock(i32::try_from(draw.below(200_000)).unwrap_or(0) - 100_000),
        23 => draw
            .pick(&[Operation::Step, Operation::OpenTwice, Operation::PartWays])
            .clone(),
        _ => Operation::Step,
    };
    (0..len).map(|_| one(draw)).collect()
}

/// What the weather brings.
fn disturbance(workload: &Workload, draw: &mut Draw) -> Vec<Operation> {
    let mut script = Vec::new();
    let weather = workload.weather;
    if weather == Weather::Calm {
        return script;
    }
    if matches!(
        weather,
        Weather::LyingSyncs | Weather::LyingMedia | Weather::Harm
    ) {
        script.push(Operation::Inject(workload::fault(weather, draw)));
        script.push(Operation::Crash(workload::crash(weather, draw)));
        return script;
    }
    if weather == Weather::Blasts {
        script.push(Operation::Crash(workload::crash(weather, draw)));
        return script;
    }
    for _ in 0..=draw.below(4) {
        match weather {
            Weather::Nuisances => script.push(Operation::Inject(workload::fault(weather, draw))),
            Weather::Rot => script.push(Operation::Probe(workload::damage(draw))),
            Weather::Failures | Weather::Full => {
                script.push(Operation::Inject(workload::fault(weather, draw)));
                script.push(match draw.below(10) {
                    0..5 => Operation::Mend,
                    5 | 6 => Operation::Kill,
                    _ => Operation::Crash(workload::crash(weather, draw)),
                });
            }
            _ if draw.chance(15) => script.push(Operation::Kill),
            _ => {
                script.push(Operation::Crash(workload::crash(weather, draw)));
                // The disk's operations that are left are those of a merge, not of a commit, as often as not.
                if draw.chance(50) {
                    let work = [
                        Operation::Step,
                        Operation::Flush,
                        Operation::Compact,
                        Operation::Reopen,
                    ];
                    script.push(draw.pick(&work).clone());
                }
            }
        }
    }
    script
}

/// What was added to the interface later: drawn by itself and put between the others, so that seeds stay as they were in all
/// else.
pub(crate) fn add_later_ones(
    workload: &Workload,
    options: &SimOptions,
    steps: &mut Vec<Step>,
    draw: &mut Draw,
) {
    let codecs = [SimCodec::Plain, SimCodec::Lz4, SimCodec::Snappy];
    for _ in 0..draw.below(6).saturating_sub(2) {
        let codec = Operation::SetCodec(workload.space(draw), *draw.pick(&codecs));
        steps.insert(draw.index(steps.len() + 1), Step(0, codec));
    }
    if draw.chance(10) {
        let back = Operation::GoBack(u8::try_from(draw.below(20)).unwrap_or(0));
        steps.insert(draw.index(steps.len() + 1), Step(0, back));
    }
    let may_strike = matches!(workload.weather, Weather::Failures | Weather::Full);
    if !options.archives || !may_strike {
        return;
    }
    for Step(_, operation) in steps {
        if let Operation::Inject(fault) = operation
            && draw.chance(30)
        {
            fault.part = Part::Archive;
        }
    }
}

/// What comes last, undisturbed by the tasks.
pub(crate) fn finale(workload: &Workload, draw: &mut Draw) -> Vec<Operation> {
    let mut script = Vec::new();
    if workload.weather == Weather::PowerCuts && draw.chance(20) {
        for _ in 0..2 {
            repeat_after_a_torn_tail(workload, draw, &mut script);
        }
    }
    script
}

/// Commits that are all as long as each other: some that power is cut under while they are written, then one in the place
/// of the first that was lost, then another power cut. What was left of the others must not follow it.
fn repeat_after_a_torn_tail(workload: &Workload, draw: &mut Draw, script: &mut Vec<Operation>) {
    let (space, key) = (workload.space(draw), workload.key(draw));
    let len = u32::try_from(draw.below(1_500)).unwrap_or(0);
    let write = |durable: Durable, draw: &mut Draw| {
        let seed = u32::try_from(draw.below(1 << 20)).unwrap_or(0);
        let value = Some(Payload { len, seed });
        Operation::Write(durable, Change { space, key, value })
    };
    script.extend([Operation::CreateKeyspace(space), Operation::Sync]);
    for _ in 0..2 + draw.below(4) {
        script.push(write(Durable::Async, draw));
    }
    script.push(Operation::Crash(workload::torn_group(draw)));
    script.push(Operation::Sync);
    script.push(write(Durable::Sync, draw));
    script.push(Operation::Crash(workload::sudden(draw)));
}
