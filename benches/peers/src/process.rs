//! What the kernel says of this process.

use std::fs;

use anyhow::{Context, Result};

/// The most memory it has had at once, in bytes, pages of mapped files included.
pub(crate) fn rss_peak() -> Result<f64> {
    let kib = number_after("/proc/self/status", "VmHWM:")?;
    Ok(kib * 1024.0)
}

/// What it has caused to be written to the disk, in bytes.
pub(crate) fn bytes_written() -> Result<f64> {
    let written = number_after("/proc/self/io", "write_bytes:")?;
    let cancelled = number_after("/proc/self/io", "cancelled_write_bytes:")?;
    Ok(written - cancelled)
}

fn number_after(file: &str, label: &str) -> Result<f64> {
    let text = fs::read_to_string(file).with_context(|| format!("read {file}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    let number = number.with_context(|| format!("{file} has no {label}"))?;
    Ok(number.parse()?)
}
