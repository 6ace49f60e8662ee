//! What a stream of changes must keep.

use drystone_base::KeyspaceId;
use drystone_engine::{Changes, EngineError};

/// Reads a stream to its end: changes ascend strictly by keyspace, then key, and none is in a keyspace that ends.
/// Returns how many changes there were.
///
/// # Errors
/// What the stream says.
///
/// # Panics
/// When the stream breaks the law.
pub fn check_changes(changes: &mut dyn Changes) -> Result<usize, EngineError> {
    let dropped = changes.dropped().to_vec();
    let mut before: Option<(KeyspaceId, Vec<u8>)> = None;
    let mut count = 0;
    while let Some(change) = changes.next_change()? {
        let at = (change.keyspace, change.key.to_vec());
        assert!(
            before.as_ref().is_none_or(|before| *before < at),
            "changes ascend strictly: {at:?} after {before:?}"
        );
        let ends = dropped.contains(&change.keyspace);
        assert!(!ends, "{} ends, and yet has a change", change.keyspace);
        before = Some(at);
        count += 1;
    }
    assert!(
        changes.next_change()?.is_none(),
        "a stream that ended stays ended"
    );
    Ok(count)
}

#[cfg(test)]
mod tests;
