//! Planted bugs: mistakes that are put in on purpose, to show that the simulator finds them.
//!
//! A place where a mistake is easily made says `if is_planted("wal-sync-skipped")` and makes it. In a normal build that
//! is `false` when it is compiled, and nothing of it is left, its name included. A build with `--cfg planted`
//! (`cargo xtask sim --canary`, in a target folder of its own) can be told once which of them to have.
//!
//! The list of all, with what is wrong and what must come of it, is `crates/simulator/src/canary.rs`; `cargo xtask tidy`
//! checks that it and the code name the same.

/// Whether the bug of this name is to be had. Never in a normal build.
#[cfg(not(planted))]
#[inline(always)]
#[must_use]
pub const fn is_planted(_bug: &str) -> bool {
    false
}

/// Whether the bug of this name was chosen by [`plant`].
#[cfg(planted)]
#[inline]
#[must_use]
pub fn is_planted(bug: &str) -> bool {
    turns::take();
    chosen::PLANTED.get().is_some_and(|planted| planted == bug)
}

#[cfg(planted)]
pub use chosen::plant;
#[cfg(planted)]
pub use turns::allow;

/// A bound in steps for calls that a bug keeps from coming to an end.
#[cfg(planted)]
mod turns {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    }

    /// From here on, this thread may come by so many places where a bug may be. The next one panics.
    pub fn allow(places: u64) {
        LEFT.set(places);
    }

    #[inline]
    pub(super) fn take() {
        let left = LEFT.get();
        // Set first: what is dropped while it unwinds comes by such places, too.
        LEFT.set(left.checked_sub(1).unwrap_or(u64::MAX));
        assert!(left > 0, "a call goes round in circles");
    }
}

#[cfg(planted)]
mod chosen {
    use std::sync::OnceLock;

    /// One for the whole process: whoever wants another starts another.
    pub(super) static PLANTED: OnceLock<String> = OnceLock::new();

    /// Chooses the bug that this process has, for good.
    ///
    /// # Panics
    /// When one was chosen before.
    pub fn plant(bug: &str) {
        let chosen = PLANTED.set(bug.to_owned());
        assert!(chosen.is_ok(), "a process has one planted bug");
    }
}

#[cfg(test)]
mod tests;
