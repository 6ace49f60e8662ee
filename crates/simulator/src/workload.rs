//! What a seed's plan does how often: drawn anew for each seed, so that every mixture comes up.

use drystone_testkit::{CrashPolicy, Draw};

use crate::fault::{Crash, Damage, DamageKind, FaultKind, FaultSpec, Last, Part, Refusal, Struck};
use crate::operation::{Change, Durable, Look, Order, Payload};
use crate::statement::{Cells, IndexOn, Query, Statement};

/// What may go wrong in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Nothing.
    Calm,
    /// What must make no call fail: operations in pieces, interruptions, slow disks, clocks that stand still.
    Nuisances,
    /// Power cuts.
    PowerCuts,
    /// Failing operations, and power cuts.
    Failures,
    /// A full disk, and power cuts.
    Full,
    /// Syncs that lie, and power cuts.
    LyingSyncs,
    /// One write or read that goes astray, and power cuts.
    LyingMedia,
    /// A power cut that may spoil what is durable beside what is being written.
    Blasts,
    /// The medium harms one file that is in use, and power cuts.
    Harm,
    /// Copies of the disk are damaged.
    Rot,
}

/// Sizes and shares of one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Operations, about.
    pub steps: u64,
    /// Tasks that run side by side.
    pub tasks: u64,
    /// Keyspaces.
    pub spaces: u64,
    /// Keys in each.
    pub keys: u64,
    /// Tables.
    pub tables: u64,
    /// Ids that rows have.
    pub ids: u64,
    /// Length of most values, at most.
    pub value_bytes_max: u64,
    /// Length of the few long ones, at most.
    pub large_bytes_max: u64,
    /// How many changes in a hundred remove a key.
    pub delete_percent: u64,
    /// What most commits wait for.
    pub durability: Durable,
    /// How many commits in a hundred wait for something else.
    pub other_durability_percent: u64,
    /// What may go wrong.
    pub weather: Weather,
}

impl Workload {
    /// The workload of a seed.
    #[must_use]
    pub fn draw(draw: &mut Draw) -> Workload {
        let durabilities = [Durable::Sync, Durable::Sync, Durable::Async, Durable::None];
        Workload {
            steps: *draw.pick(&[30, 80, 80, 160, 160, 300]),
            tasks: 1 + draw.below(6),
            spaces: 1 + draw.below(3),
            keys: *draw.pick(&[3, 12, 40, 150]),
            tables: 1 + draw.below(2),
            ids: *draw.pick(&[3, 12, 40, 120]),
            value_bytes_max: *draw.pick(&[8, 60, 400, 2_000]),
            large_bytes_max: *draw.pick(&[1_000, 9_000, 40_000, 200_000]),
            delete_percent: *draw.pick(&[5, 25, 50]),
            durability: *draw.pick(&durabilities),
            other_durability_percent: *draw.pick(&[0, 20, 50]),
            weather: weather(draw),
        }
    }

    pub(crate) fn durable(&self, draw: &mut Draw) -> Durable {
        match draw.chance(self.other_durability_percent) {
            true => *draw.pick(&[Durable::Sync, Durable::Async, Durable::None]),
            false => self.durability,
        }
    }

    pub(crate) fn space(&self, draw: &mut Draw) -> u8 {
        small(draw.below(self.spaces))
    }

    pub(crate) fn key(&self, draw: &mut Draw) -> u16 {
        u16::try_from(draw.below(self.keys)).unwrap_or(0)
    }

    pub(crate) fn table(&self, draw: &mut Draw) -> u8 {
        small(draw.below(self.tables))
    }

    pub(crate) fn payload(&self, draw: &mut Draw) -> Payload {
        let max = match draw.chance(3) {
            true => self.large_bytes_max,
            false => self.value_bytes_max,
        };
        Payload {
            len: u32::try_from(draw.below(max + 1)).unwrap_or(0),
            seed: u32::try_from(draw.below(1 << 20)).unwrap_or(0),
        }
    }

    pub(crate) fn change(&self, draw: &mut Draw) -> Change {
        Change {
            space: self.space(draw),
            key: self.key(draw),
            value: (!draw.chance(self.delete_percent)).then(|| self.payload(draw)),
        }
    }

    pub(crate) fn look(&self, draw: &mut Draw) -> Look {
        let space = self.space(draw);
        match draw.below(4) {
            0 => self.wide_look(draw),
            _ => Look::Get(space, self.key(draw)),
        }
    }

    /// A look at more than one key.
    pub(crate) fn wide_look(&self, draw: &mut Draw) -> Look {
        let space = self.space(draw);
        let order = *draw.pick(&[Order::Forward, Order::Backward, Order::Both]);
        match draw.below(4) {
            0 => Look::Prefix(space, self.key(draw), order),
            1 => Look::All(space, order),
            _ => Look::Range(space, self.key(draw), self.key(draw), order),
        }
    }

    fn id(&self, draw: &mut Draw) -> i16 {
        i16::try_from(draw.below(self.ids)).unwrap_or(0) - 1
    }

    fn cells(&self, draw: &mut Draw) -> Cells {
        Cells {
            id: self.id(draw),
            a: i64::from(small_number(draw)),
            b: draw.chance(60).then(|| small(draw.below(self.ids + 2))),
            v: point(draw),
        }
    }

    fn rows(&self, draw: &mut Draw, count: u64) -> Vec<Cells> {
        (0..count).map(|_| self.cells(draw)).collect()
    }

    /// A statement that changes rows.
    pub(crate) fn statement(&self, draw: &mut Draw) -> Statement {
        let table = self.table(draw);
        let (from, to) = span(draw);
        match draw.below(16) {
            0..6 => {
                let count = 1 + draw.below(3);
                Statement::Insert(table, self.rows(draw, count))
            }
            6 => Statement::Move(table, self.id(draw), self.id(draw)),
            7..9 => Statement::Update(table, self.cells(draw)),
            9 => Statement::Add(table, from, to, small_number(draw)),
            10 => {
                let label = draw.chance(50).then(|| small(draw.below(4)));
                Statement::Label(table, from, to, label)
            }
            11..14 => Statement::Delete(table, self.id(draw)),
            14 => Statement::DeleteRange(table, from, to),
            _ => {
                let count = 1 + draw.below(8);
                Statement::BulkInsert(table, self.rows(draw, count))
            }
        }
    }

    /// A statement that changes definitions.
    pub(crate) fn definition(&self, draw: &mut Draw) -> Statement {
        let table = self.table(draw);
        let on = *draw.pick(&IndexOn::ALL);
        match draw.below(10) {
            0..3 => Statement::CreateTable(table),
            3..8 => Statement::CreateIndex(table, on),
            8 => Statement::DropIndex(table, on),
            _ => Statement::DropTable(table),
        }
    }

    pub(crate) fn query(&self, draw: &mut Draw) -> Query {
        let table = self.table(draw);
        let (from, to) = span(draw);
        match draw.below(6) {
            0 => Query::All(table),
            1 => Query::Id(table, self.id(draw)),
            2 => Query::A(table, from, to),
            3 => Query::B(table, small(draw.below(self.ids + 2))),
            4 => Query::Sum(table, from),
            _ => Query::Nearest(table, point(draw), small(draw.below(12))),
        }
    }
}

fn weather(draw: &mut Draw) -> Weather {
    match draw.below(20) {
        0 => Weather::Calm,
        1 => Weather::Nuisances,
        2..8 => Weather::PowerCuts,
        8 => Weather::Blasts,
        9..13 => Weather::Failures,
        13 => Weather::Full,
        14 => Weather::LyingSyncs,
        15 => Weather::Harm,
        16..18 => Weather::LyingMedia,
        _ => Weather::Rot,
    }
}

/// A power cut, and those in the recoveries after it.
pub(crate) fn crash(weather: Weather, draw: &mut Draw) -> Crash {
    let kind = CrashPolicy::ALL.len() as u64;
    let blasts = CrashPolicy::BLASTS.len() as u64;
    let left = |draw: &mut Draw| match weather {
        Weather::Blasts => small(draw.below(kind + blasts)),
        _ if draw.chance(8) => Crash::KILLED,
        _ => small(draw.below(kind)),
    };
    let depth = draw.below(8).saturating_sub(4).min(3);
    let nested = (0..depth).map(|_| (count(draw), left(draw)));
    let nested = nested.collect();
    let policy = match weather {
        Weather::Blasts => small(kind + draw.below(blasts)),
        _ => left(draw),
    };
    Crash {
        after: count(draw),
        within: small(draw.below(20)),
        last: *draw.pick(&[Last::Before, Last::Midway, Last::After]),
        policy,
        nested,
    }
}

/// A power cut after the next write, before it is synced.
pub(crate) fn torn_group(draw: &mut Draw) -> Crash {
    Crash {
        after: 1,
        within: 1,
        last: Last::Before,
        policy: small(draw.below(CrashPolicy::ALL.len() as u64)),
        nested: Vec::new(),
    }
}

/// A power cut between two calls.
pub(crate) fn sudden(draw: &mut Draw) -> Crash {
    Crash {
        after: 0,
        within: 0,
        ..torn_group(draw)
    }
}

/// A number of operations of the disk, small ones more often.
fn count(draw: &mut Draw) -> u16 {
    let bound = *draw.pick(&[3, 10, 40]);
    u16::try_from(draw.below(bound)).unwrap_or(0)
}

/// How often a fault strikes; 0 for ever.
const TIMES: [u8; 6] = [1, 1, 1, 2, 5, 0];
/// Ways in which a disk is full.
const FULL: [FaultKind; 8] = [
    FaultKind::Full(0),
    FaultKind::Full(20),
    FaultKind::NoSpace,
    FaultKind::PartialNoSpace,
    FaultKind::FullLate(0),
    FaultKind::FullLate(20),
    FaultKind::Refused(Struck::Write, Refusal::Edquot),
    FaultKind::Refused(Struck::SetLen, Refusal::Enospc),
];

/// A fault that fits the weather.
pub(crate) fn fault(weather: Weather, draw: &mut Draw) -> FaultSpec {
    let mut times = *draw.pick(&TIMES);
    let blocks = [-3, -1, 1, 1, 2, 8];
    let kind = match weather {
        Weather::Full => *draw.pick(&FULL),
        Weather::Nuisances => nuisance(draw),
        Weather::Harm => {
            times = 1;
            FaultKind::Harm(*draw.pick(&DamageKind::ALL))
        }
        Weather::LyingSyncs => {
            times = 1;
            FaultKind::SyncLate
        }
        Weather::LyingMedia => {
            times = 1;
            let by = *draw.pick(&blocks);
            *draw.pick(&[
                FaultKind::LostWrite,
                FaultKind::LostBelowCache,
                FaultKind::MisdirectedBelowCache(by),
                FaultKind::MisdirectedWrite(by),
                FaultKind::MisdirectedRead(by),
            ])
        }
        _ => failure(draw),
    };
    FaultSpec {
        kind,
        part: *draw.pick(&[Part::Any, Part::Log, Part::Engine]),
        nth: 1 + count(draw),
        times,
    }
}

fn failure(draw: &mut Draw) -> FaultKind {
    let struck = [
        Struck::Open,
        Struck::Read,
        Struck::Read,
        Struck::Write,
        Struck::Write,
        Struck::SetLen,
        Struck::Sync,
        Struck::Sync,
        Struck::SyncDir,
        Struck::Rename,
        Struck::Remove,
    ];
    match draw.below(14) {
        12 => refusal(draw),
        13 => nuisance(draw),
        0 => FaultKind::PartialWrite,
        1 | 2 => FaultKind::SyncMarkedClean,
        3 => FaultKind::SyncReverted,
        4 => FaultKind::SyncPartly,
        5 => FaultKind::SyncFull,
        6 => *draw.pick(&[FaultKind::ShortRead, FaultKind::ShortWrite]),
        _ => FaultKind::Fails(*draw.pick(&struck)),
    }
}

/// An error other than EIO, of an operation that may give it.
fn refusal(draw: &mut Draw) -> FaultKind {
    let struck = [
        Struck::Open,
        Struck::Write,
        Struck::SetLen,
        Struck::Sync,
        Struck::SyncDir,
        Struck::Rename,
        Struck::Remove,
        Struck::CreateDir,
    ];
    match draw.below(4) {
        0 => FaultKind::Refused(*draw.pick(&[Struck::Open, Struck::Look]), Refusal::Emfile),
        1 => FaultKind::Refused(*draw.pick(&struck[..4]), Refusal::Enospc),
        2 => FaultKind::Fails(*draw.pick(&[Struck::Look, Struck::CreateDir])),
        _ => FaultKind::Refused(*draw.pick(&struck), Refusal::Erofs),
    }
}

/// What nobody may notice.
fn nuisance(draw: &mut Draw) -> FaultKind {
    let interrupted = [
        Struck::Open,
        Struck::Read,
        Struck::Write,
        Struck::SetLen,
        Struck::Sync,
    ];
    let millis = 1 << draw.below(20);
    match draw.below(7) {
        0 => FaultKind::ShortRead,
        1 => FaultKind::ShortWrite,
        2 => FaultKind::Refused(*draw.pick(&interrupted), Refusal::Eintr),
        3 => FaultKind::Slow(*draw.pick(&interrupted), millis),
        4 => FaultKind::SlowDisk(u16::try_from(1 + draw.below(2_000)).unwrap_or(1)),
        5 => FaultKind::Pause(millis),
        _ => FaultKind::Stall(millis),
    }
}

/// Damage to a copy.
pub(crate) fn damage(draw: &mut Draw) -> Damage {
    Damage {
        kind: *draw.pick(&DamageKind::ALL),
        seed: u32::try_from(draw.below(1 << 32)).unwrap_or(0),
    }
}

fn point(draw: &mut Draw) -> (i8, i8) {
    let element = |draw: &mut Draw| i8::try_from(draw.below(19)).unwrap_or(0) - 9;
    (element(draw), element(draw))
}

fn small_number(draw: &mut Draw) -> i16 {
    i16::try_from(draw.below(41)).unwrap_or(0) - 20
}

fn span(draw: &mut Draw) -> (i16, i16) {
    let from = small_number(draw);
    (from, from + i16::try_from(draw.below(15)).unwrap_or(0))
}

fn small(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
