//! Known keyspaces: numbers that some reader of a state found in its catalog, so that not every commit asks it again.
//!
//! What is noted was so in the state at one time, and stays so but for a drop; whoever relies on it looks for drops since, as
//! a commit does (`Shared::check_not_dropped`).

use drystone_base::KeyspaceId;
use drystone_base::sync::atomic::{AtomicU64, Ordering};

/// How many are noted at most; of those whose numbers fall together, the last.
const PLACES: usize = 8;

/// See the module. Belongs to one state of the layers.
#[derive(Debug, Default)]
pub(crate) struct KnownKeyspaces([AtomicU64; PLACES]);

impl KnownKeyspaces {
    /// Whether this keyspace was found. `false` says nothing.
    #[inline]
    pub(crate) fn has(&self, id: KeyspaceId) -> bool {
        // Relaxed: it is a number, and as true for one thread as for another.
        self.place(id).load(Ordering::Relaxed) == noted(id)
    }

    /// Notes that this keyspace was found.
    pub(crate) fn note(&self, id: KeyspaceId) {
        self.place(id).store(noted(id), Ordering::Relaxed);
    }

    fn place(&self, id: KeyspaceId) -> &AtomicU64 {
        &self.0[id.0 as usize % PLACES]
    }
}

/// Never zero, which is nothing.
fn noted(id: KeyspaceId) -> u64 {
    u64::from(id.0) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_was_noted_last() {
        let known = KnownKeyspaces::default();
        let (zero, one, nine) = (KeyspaceId(0), KeyspaceId(1), KeyspaceId(9));
        assert!(!known.has(zero) && !known.has(one));
        known.note(one);
        assert!(known.has(one) && !known.has(zero) && !known.has(nine));
        known.note(nine);
        assert!(known.has(nine) && !known.has(one));
    }
}
