//! Ctrl-C: the first ends the work at the next safe place, the second ends the process. The database is sound after both.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a shell expects of a process that Ctrl-C ended.
pub(crate) const EXIT_STATUS: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Ctrl-C ended the work.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Takes Ctrl-C over for the rest of the process.
pub(crate) fn watch() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(EXIT_STATUS));
        }
        eprintln!("\nending after this step; press Ctrl-C again to end at once");
    })?;
    Ok(())
}

/// An error once Ctrl-C was pressed. Called between statements and between batches.
pub(crate) fn check() -> anyhow::Result<()> {
    if REQUESTED.load(Ordering::Relaxed) {
        return Err(Interrupted.into());
    }
    Ok(())
}

/// Forgets an earlier Ctrl-C: at the prompt, it ended only the statement before.
pub(crate) fn forget() {
    REQUESTED.store(false, Ordering::Relaxed);
}
