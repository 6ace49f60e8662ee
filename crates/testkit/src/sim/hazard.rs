//! Classes of what may go wrong, for plans that draw from them and atlases that say what each may break.

/// A class of things that go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hazard {
    /// An operation fails and says so.
    Refusal,
    /// Reads and writes go through in pieces, with interruptions.
    Piecemeal,
    /// A sync fails, in one of the ways in which file systems fail.
    SyncFailure,
    /// A sync says that all is durable, and nothing is.
    LyingSync,
    /// A write is acknowledged and never reaches the medium.
    LostWrite,
    /// A write lands elsewhere.
    MisdirectedWrite,
    /// A read gives what is elsewhere.
    MisdirectedRead,
    /// Bits flip; a sector turns into zeros or garbage.
    Rot,
    /// A sector cannot be read any more.
    BadSector,
    /// A sector is what it was some syncs ago.
    Stale,
    /// A file loses its end.
    Truncation,
    /// A whole file is what it was some syncs ago.
    RollBack,
    /// Clean pages leave the cache.
    Eviction,
    /// The clock jumps, stalls, or nobody runs for a while.
    Clock,
    /// The disk gets full.
    FullDisk,
    /// The disk is slow, always or now and then.
    SlowDisk,
    /// Power is cut; the disk keeps what it promised.
    PowerCut,
    /// Power is cut, and sectors that were being written take their durable neighbours with them.
    Blast,
}

impl Hazard {
    /// Every class.
    pub const ALL: [Hazard; 18] = [
        Hazard::Refusal,
        Hazard::Piecemeal,
        Hazard::SyncFailure,
        Hazard::LyingSync,
        Hazard::LostWrite,
        Hazard::MisdirectedWrite,
        Hazard::MisdirectedRead,
        Hazard::Rot,
        Hazard::BadSector,
        Hazard::Stale,
        Hazard::Truncation,
        Hazard::RollBack,
        Hazard::Eviction,
        Hazard::Clock,
        Hazard::FullDisk,
        Hazard::SlowDisk,
        Hazard::PowerCut,
        Hazard::Blast,
    ];
}
