//! Ctrl-C, and what `kill` sends: a run ends where it is, by way of its guards, so that nothing stays mounted.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;

static WANTED: AtomicBool = AtomicBool::new(false);

/// From here on, signals that would end the process only ask for it.
pub(crate) fn listen() -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(|| {
        WANTED.store(true, Ordering::Relaxed);
    })?)
}

/// An error once a signal came.
pub(crate) fn check() -> anyhow::Result<()> {
    if WANTED.load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}
