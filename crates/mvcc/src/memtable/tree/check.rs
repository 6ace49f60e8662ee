//! The check of a tree's structure.

use super::{Fences, NodeRef, Tree, head_of};
use drystone_base::sync::atomic::Ordering;

impl Tree {
    /// Checks I4 and I6 of the whole tree.
    pub(super) fn check(&self) {
        self.check_node(self.root(), Fences::NONE);
    }

    fn check_node(&self, node: NodeRef, fences: Fences) {
        let order = self.order(node);
        let lower = fences.lower.map(|lower| self.entry(lower).key());
        let upper = fences.upper.map(|upper| self.entry(upper).key());
        let keys = order.slots().map(|slot| (slot, self.entry_ref(node, slot)));
        let keys = keys.filter_map(|(slot, entry)| Some((slot, self.entry(entry?))));
        let keys: Vec<_> = keys.collect();
        assert!(keys.is_sorted_by(|a, b| a.1.key() < b.1.key()));
        for (slot, entry) in keys {
            let key = entry.key();
            assert!(
                lower.is_none_or(|lower| lower <= key) && upper.is_none_or(|upper| key < upper)
            );
            let head = self.node(node).heads[slot].load(Ordering::Relaxed);
            assert_eq!(head, head_of(key, self.node(node).skip));
        }
        if self.node(node).level == 0 {
            return;
        }
        for at in 0..order.len() {
            let separator =
                |at: usize| (at < order.len()).then(|| self.entry_ref(node, order.slot(at)));
            let child = Fences {
                lower: if at == 0 {
                    fences.lower
                } else {
                    separator(at).flatten()
                },
                upper: separator(at + 1).flatten().or(fences.upper),
            };
            let below = self.child(node, order.slot(at));
            assert_eq!(self.node(below).level + 1, self.node(node).level);
            self.check_node(below, child);
        }
    }
}
