//! Ctrl-C: a run ends where it is, by way of its guards, so that nothing of it stays.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;

static WANTED: AtomicBool = AtomicBool::new(false);

/// From here on, Ctrl-C only asks for the end.
pub(crate) fn listen() -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(|| {
        WANTED.store(true, Ordering::Relaxed);
    })?)
}

/// An error once it was asked for.
pub(crate) fn check() -> anyhow::Result<()> {
    if WANTED.load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}
