//! What a Drystone database promises: the one place that says it, for the swarm and for the tests of applications.

use std::path::Path;

use super::{FaultAtlas, Outcome};
use crate::sim::hazard::Hazard;
use crate::sim::zone::Zone;

/// Length of a superblock's copy; `docs/format/pager.md` has the layout.
const BLOCK_BYTES: u64 = 4096;

/// What strikes bytes of a file, and not a call.
const HARMS: [Hazard; 5] = [
    Hazard::Rot,
    Hazard::BadSector,
    Hazard::Stale,
    Hazard::Truncation,
    Hazard::RollBack,
];

impl FaultAtlas {
    /// The atlas of the Drystone database in `folder`, whatever engine it has:
    ///
    /// - Everything that can be kept is kept, as [`Hazard::outcome`] has it.
    /// - Harm to one copy of a superblock is mended from its twin.
    /// - Harm to the end of the log may look like a write that a crash tore, until a later write or the marker vouches for
    ///   it; a file of the log that is put back whole takes what vouched for it along. So commits may be lost.
    /// - The engine cannot fall back behind the log in silence: what it loses is replayed, or missed.
    /// - Nobody reads the lock's file.
    ///
    /// ```
    /// use drystone_testkit::{FaultAtlas, FaultPlan, Hazard, Outcome, PlanShape, Zone};
    ///
    /// let atlas = FaultAtlas::of_database("/db");
    /// let shape = PlanShape::new("/db").hazards(&[Hazard::RollBack]).items(1..=1);
    /// let engine = FaultPlan::draw(7, &shape.clone().zones(&[Zone::under("/db/btree")]));
    /// assert_eq!(atlas.of_plan(&engine).worst(), Outcome::Detected);
    /// let log = FaultPlan::draw(7, &shape.zones(&[Zone::under("/db/log")]));
    /// assert_eq!(atlas.of_plan(&log).worst(), Outcome::Lost);
    /// ```
    #[must_use]
    pub fn of_database(folder: impl AsRef<Path>) -> FaultAtlas {
        let folder = folder.as_ref();
        FaultAtlas::new()
            .superblocks(&folder.join("btree/data"))
            .the_end_of_the_log(&folder.join("log"))
            .an_engine_behind_the_log(&folder.join("btree"))
            .an_engine_behind_the_log(&folder.join("engine"))
            .what_nobody_reads(&folder.join("LOCK"))
    }

    /// Two states, of each of which there are two copies.
    fn superblocks(self, file: &Path) -> FaultAtlas {
        let copy =
            |number: u64| Zone::under(file).bytes(number * BLOCK_BYTES..(number + 1) * BLOCK_BYTES);
        self.copies(&[copy(0), copy(1)]).copies(&[copy(2), copy(3)])
    }

    /// A segment that is shorter than its header says is damaged, and what cannot be read is no torn tail: neither is
    /// among these.
    fn the_end_of_the_log(self, folder: &Path) -> FaultAtlas {
        let hazards = [
            Hazard::LostWrite,
            Hazard::MisdirectedWrite,
            Hazard::MisdirectedRead,
            Hazard::Rot,
            Hazard::Stale,
            Hazard::Blast,
        ];
        self.rules(&hazards, folder, Outcome::Lost)
    }

    fn an_engine_behind_the_log(self, folder: &Path) -> FaultAtlas {
        let hazards = [Hazard::LyingSync, Hazard::RollBack];
        self.rules(&hazards, folder, Outcome::Detected)
    }

    fn what_nobody_reads(self, file: &Path) -> FaultAtlas {
        self.rules(&HARMS, file, Outcome::Kept)
    }

    fn rules(self, hazards: &[Hazard], under: &Path, outcome: Outcome) -> FaultAtlas {
        hazards.iter().fold(self, |atlas, hazard| {
            atlas.rule(*hazard, Zone::under(under), outcome)
        })
    }
}

#[cfg(test)]
mod tests;
