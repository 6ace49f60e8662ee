//! The figures that are reported: names, units, and which way is better.

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// Its name in tables and files, which others rely on.
    pub(crate) name: &'static str,
    /// What it counts.
    pub(crate) unit: Unit,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// So many of these a second: more is better.
    PerSecond(&'static str),
    /// Milliseconds: less is better.
    Millis,
    /// Microseconds: less is better.
    Micros,
    /// Bytes: less is better.
    Bytes,
}

impl Unit {
    /// Its name.
    pub(crate) fn name(self) -> String {
        match self {
            Unit::PerSecond(what) => format!("{what}/s"),
            Unit::Millis => "ms".to_owned(),
            Unit::Micros => "µs".to_owned(),
            Unit::Bytes => "bytes".to_owned(),
        }
    }

    /// Whether more is better.
    pub(crate) fn is_higher_better(self) -> bool {
        matches!(self, Unit::PerSecond(_))
    }

    /// A value as people read it.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Unit::PerSecond(_) => with_prefix(value, 1000.0, ["", "k", "M", "G"]),
            Unit::Millis => format!("{} ms", three_digits(value)),
            Unit::Micros => format!("{} µs", three_digits(value)),
            Unit::Bytes => with_prefix(value, 1024.0, [" B", " KiB", " MiB", " GiB"]),
        }
    }
}

fn with_prefix(value: f64, step: f64, prefixes: [&str; 4]) -> String {
    let mut scaled = value;
    let mut idx = 0;
    while scaled >= step && idx + 1 < prefixes.len() {
        scaled /= step;
        idx += 1;
    }
    format!("{}{}", three_digits(scaled), prefixes[idx])
}

fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

impl Figure {
    /// The figure of this name.
    pub(crate) fn named(name: &str) -> Option<Figure> {
        KEY_VALUE.into_iter().find(|figure| figure.name == name)
    }
}

const fn rate(name: &'static str, what: &'static str) -> Figure {
    Figure {
        name,
        unit: Unit::PerSecond(what),
    }
}

const fn of(name: &'static str, unit: Unit) -> Figure {
    Figure { name, unit }
}

/// The size of the files after the load; measured from outside.
pub(crate) const SIZE_LOADED: &str = "size_loaded";
/// The size of the files after compaction; measured from outside.
pub(crate) const SIZE_COMPACTED: &str = "size_compacted";
/// The size of the files after a load of text; measured from outside.
pub(crate) const SIZE_TEXT: &str = "size_text";
/// The most memory that any process of an engine had in a round.
pub(crate) const RSS_PEAK: &str = "rss_peak";

/// All figures of keys and values, in the order of reports.
pub(crate) const KEY_VALUE: [Figure; 33] = [
    rate("bulk_random", "rows"),
    rate("bulk_sorted", "rows"),
    rate("bulk_random_large", "rows"),
    rate("bulk_sorted_large", "rows"),
    rate("commit_sync_1", "commits"),
    rate("commit_sync_8", "commits"),
    rate("batch_sync_1000", "rows"),
    rate("commit_nosync_1", "commits"),
    rate("get_hot_1", "gets"),
    rate("get_hot_2", "gets"),
    rate("get_hot_4", "gets"),
    rate("get_cold_1", "gets"),
    rate("range_10", "ranges"),
    rate("range_1000", "ranges"),
    rate("scan", "rows"),
    rate("remove", "rows"),
    rate("mixed_95_5", "operations"),
    rate("mixed_50_50", "operations"),
    of("open", Unit::Millis),
    of("recover", Unit::Millis),
    of(SIZE_LOADED, Unit::Bytes),
    of(SIZE_COMPACTED, Unit::Bytes),
    of(SIZE_TEXT, Unit::Bytes),
    of("bytes_written", Unit::Bytes),
    of(RSS_PEAK, Unit::Bytes),
    of("commit_sync_1_p50", Unit::Micros),
    of("commit_sync_1_p99", Unit::Micros),
    of("commit_sync_8_p50", Unit::Micros),
    of("commit_sync_8_p99", Unit::Micros),
    of("batch_sync_1000_p50", Unit::Micros),
    of("batch_sync_1000_p99", Unit::Micros),
    of("commit_nosync_1_p50", Unit::Micros),
    of("commit_nosync_1_p99", Unit::Micros),
];

#[cfg(test)]
mod tests;
