//! Times, for people.

use std::time::Duration;

/// As a clock shows it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// What Linux counts a process's time in.
const TICKS_A_SECOND: f64 = 100.0;

/// The processor's time that this process has had, all its threads together, where the system says so: beside other work,
/// the clock on the wall runs faster.
pub(crate) fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = text.rsplit_once(')')?; // the name before it may hold anything
    let ticks = |field: Option<&str>| field?.parse::<u32>().ok().map(f64::from);
    let mut fields = fields.split_whitespace().skip(11);
    let ticks = ticks(fields.next())? + ticks(fields.next())?;
    Some(Duration::from_secs_f64(ticks / TICKS_A_SECOND))
}
