//! What is run, in which order. Each task is one process of one engine; a round runs every task for every engine.
//!
//! The load leaves the rows that the tasks after it work on. Those that read come before those that write, so that
//! readers know the version of every value; compaction and removals come last, for they change what lies on disk most.

use crate::engines::Engine;
use crate::figures::{SIZE_COMPACTED, SIZE_LOADED, SIZE_TEXT};
use crate::peer::Memory;
use crate::work::{Outcome, Work};
use crate::workloads::{commit, lifetime, load, mixed, read, remove, space};

/// One process of one engine.
#[derive(Clone, Copy)]
pub(crate) struct Task {
    /// Its name.
    pub(crate) name: &'static str,
    /// The figures that need it. A task runs when one of them is wanted.
    pub(crate) serves: &'static [&'static str],
    /// Where it works.
    pub(crate) place: Place,
    /// How many rows there are.
    pub(crate) scale: Scale,
    /// How data relates to memory.
    pub(crate) memory: Memory,
    /// How its process ends.
    pub(crate) ending: Ending,
    /// The figure that the size of the files is, once it ended.
    pub(crate) size_is: Option<&'static str>,
    /// What it does.
    pub(crate) run: fn(&Work) -> anyhow::Result<Outcome>,
}

/// Where a task works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the folder that the load of the round fills.
    Loaded,
    /// In an empty folder, which is removed afterwards.
    Fresh,
}

/// How many rows a task has to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// As many as are asked for.
    Rows,
    /// As many as the large loads are asked for.
    LargeRows,
}

/// How a task's process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself.
    Exit,
    /// It kills itself with signal 9, once it has said what it found.
    Kill,
}

const BASE: Task = Task {
    name: "",
    serves: &[],
    place: Place::Loaded,
    scale: Scale::Rows,
    memory: Memory::Ample,
    ending: Ending::Exit,
    size_is: None,
    run: load::random,
};

/// The task that fills the folder of the round.
pub(crate) const LOAD: Task = Task {
    name: "bulk_random",
    serves: &["bulk_random", SIZE_LOADED],
    size_is: Some(SIZE_LOADED),
    ..BASE
};

const fn fresh(name: &'static str, serves: &'static [&'static str]) -> Task {
    Task {
        name,
        serves,
        place: Place::Fresh,
        ..BASE
    }
}

const fn loaded(name: &'static str, serves: &'static [&'static str]) -> Task {
    Task {
        name,
        serves,
        ..BASE
    }
}

/// All tasks of keys and values, in the order of a round.
pub(crate) const KEY_VALUE: [Task; 24] = [
    LOAD,
    Task {
        run: load::sorted,
        ..fresh("bulk_sorted", &["bulk_sorted"])
    },
    Task {
        run: load::random_large,
        scale: Scale::LargeRows,
        ..fresh("bulk_random_large", &["bulk_random_large"])
    },
    Task {
        run: load::sorted_large,
        scale: Scale::LargeRows,
        ..fresh("bulk_sorted_large", &["bulk_sorted_large"])
    },
    Task {
        run: space::bytes_written,
        ..fresh("bytes_written", &["bytes_written"])
    },
    Task {
        run: space::load_text,
        size_is: Some(SIZE_TEXT),
        ..fresh("load_text", &[SIZE_TEXT])
    },
    Task {
        run: lifetime::open,
        ..loaded("open", &["open"])
    },
    Task {
        run: read::get_hot_1,
        ..loaded("get_hot_1", &["get_hot_1"])
    },
    Task {
        run: read::get_hot_2,
        ..loaded("get_hot_2", &["get_hot_2"])
    },
    Task {
        run: read::get_hot_4,
        ..loaded("get_hot_4", &["get_hot_4"])
    },
    Task {
        run: read::range_10,
        ..loaded("range_10", &["range_10"])
    },
    Task {
        run: read::range_1000,
        ..loaded("range_1000", &["range_1000"])
    },
    Task {
        run: read::scan,
        ..loaded("scan", &["scan"])
    },
    Task {
        run: read::get_cold_1,
        memory: Memory::Scarce,
        ..loaded("get_cold_1", &["get_cold_1"])
    },
    Task {
        run: mixed::mixed_95_5,
        ..loaded("mixed_95_5", &["mixed_95_5"])
    },
    Task {
        run: mixed::mixed_50_50,
        ..loaded("mixed_50_50", &["mixed_50_50"])
    },
    Task {
        run: commit::sync_1,
        ..loaded(
            "commit_sync_1",
            &["commit_sync_1", "commit_sync_1_p50", "commit_sync_1_p99"],
        )
    },
    Task {
        run: commit::sync_8,
        ..loaded(
            "commit_sync_8",
            &["commit_sync_8", "commit_sync_8_p50", "commit_sync_8_p99"],
        )
    },
    Task {
        run: commit::batch_sync_1000,
        ..loaded(
            "batch_sync_1000",
            &[
                "batch_sync_1000",
                "batch_sync_1000_p50",
                "batch_sync_1000_p99",
            ],
        )
    },
    Task {
        run: commit::nosync_1,
        ..loaded(
            "commit_nosync_1",
            &[
                "commit_nosync_1",
                "commit_nosync_1_p50",
                "commit_nosync_1_p99",
            ],
        )
    },
    Task {
        run: lifetime::crash,
        ending: Ending::Kill,
        ..loaded("crash", &["recover"])
    },
    Task {
        run: lifetime::recover,
        ..loaded("recover", &["recover"])
    },
    Task {
        run: space::compact,
        size_is: Some(SIZE_COMPACTED),
        ..loaded("compact", &[SIZE_COMPACTED])
    },
    Task {
        run: remove::remove,
        ..loaded("remove", &["remove"])
    },
];

impl Task {
    /// The task of this name.
    pub(crate) fn named(name: &str) -> Option<Task> {
        KEY_VALUE.into_iter().find(|task| task.name == name)
    }

    /// Whether it is something for this engine: the bare loop only commits, each time to the disk.
    pub(crate) fn is_for(&self, engine: Engine) -> bool {
        engine.keeps_rows() || self.name == "commit_sync_1"
    }

    /// Whether one of its figures is wanted.
    pub(crate) fn is_wanted(&self, figures: &[&str]) -> bool {
        self.serves.iter().any(|figure| figures.contains(figure))
    }
}

#[cfg(test)]
mod tests;
