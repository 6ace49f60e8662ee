//! Tree: a sorted map from keys to chains of versions, with one writer and readers that take no latch.
//!
//! Nodes have 15 slots. A slot is written once, and shown by storing the node's [`Permutation`]. A node that has no
//! slots left is replaced by one or two fresh ones, and its parent's slot by fresh slots in the same way, up to the
//! root pointer. Entries never move: old and new nodes point to the same ones.
//!
//! ```text
//! root -> inner: (-, child) (separator, child) ...  -> leaf: entry entry ...
//!                                                             entry: newest version -> ... -> first version
//! ```
//!
//! # Invariants
//! - I1. All nodes, entries and versions lie in the writer's arenas, are whole before a pointer to them is stored, and stay until
//!   the tree is dropped.
//! - I2. One thread at a time changes the tree: whoever holds the writer latch.
//! - I3. Slots that a published permutation names are never written again.
//! - I4. A child holds the keys from its separator (that of the first child: the parent's lower fence) up to the next
//!   one (the last child: the parent's upper fence). Separators are keys of entries.
//! - I5. A node that was replaced still shows all that it held then. So a reader that met it sees everything that was
//!   there when its LSN was published.
//! - I6. All keys between a node's fences begin with the same `skip` bytes, which its heads leave out.
//! - I7. Versions of an entry have ascending LSNs from first to newest.
//!
//! # Orderings
//! The `Release` stores of `root`, `permutation` and `newest` pair with their `Acquire` loads: whoever sees a pointer
//! sees what it points to. Everything else is written before such a store, so `Relaxed` is enough.
//!
//! # Source
//! Masstree (see `permutation.rs`); Levandoski, Lomet and Sengupta, "The Bw-Tree" (ICDE 2013), for replacing instead of
//! changing. We differ: a single writer needs no compare-and-swap, and nothing is freed before the whole tree is.
#![expect(
    unsafe_code,
    reason = "on 1M keys of 16 bytes it answers 1.02M gets/s where a BTreeMap behind a latch answers 0.51M (same \
              run, one thread, busy machine), and its readers never wait for the writer"
)]

mod batch;
#[cfg(test)]
mod check;
mod cursor;

use std::cmp::Ordering as Order;
use std::ptr::{self, NonNull};

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::sync::Mutex;

use self::batch::{BATCH_KEYS, Change};
pub(crate) use self::cursor::TreeCursor;
use super::arena::{Arena, Span};
use super::permutation::{Permutation, SLOTS};
use drystone_base::sync::atomic::{AtomicPtr, AtomicU16, AtomicU64, Ordering};

/// Values up to this long are copied into the arena, beside their version, and again for each reader; longer ones are
/// shared. (A shared value of 24 bytes takes 56 bytes more: 220 an entry instead of 164.)
const INLINE_BYTES_MAX: usize = 512;
/// What a shared value costs beside its bytes: what the allocator and `Bytes` add.
const SHARED_BYTES: u64 = 40;
/// A rebuilt inner node with more children than this is split.
const CHILDREN_MAX: usize = 10;

pub(crate) struct Tree {
    root: AtomicPtr<Node>,
    writer: Mutex<Writer>,
}

/// Guarded by the writer latch.
struct Writer {
    /// Entries and versions. Those made together are often read together.
    entries: Arena,
    leaves: Arena,
    /// Close together, because every search goes through them.
    inners: Arena,
    /// The shared values, which must be dropped.
    shared: Vec<NonNull<Bytes>>,
    /// What those take beside their handles.
    shared_bytes: u64,
}

/// What leaves and inner nodes have in common. A leaf is nothing else. The first two cache lines are what a search
/// goes through.
#[repr(C, align(64))]
struct Node {
    permutation: AtomicU64,
    /// First 8 bytes of the keys after `skip`, big-endian, zero-padded.
    heads: [AtomicU64; SLOTS],
    /// A leaf's entries; an inner node's separators, null for the first child.
    entries: [AtomicPtr<Entry>; SLOTS],
    skip: u32,
    /// 0 for a leaf.
    level: u16,
    /// Slots written so far. Only the writer looks at it.
    used: AtomicU16,
}

#[repr(C)]
struct Inner {
    node: Node,
    children: [AtomicPtr<Node>; SLOTS],
}

#[cfg(not(any(shuttle, loom)))] // whose atomics are larger
const _: () = assert!(size_of::<Node>() == 256 && size_of::<Inner>() == 384);

struct Entry {
    /// The newest version; null as long as `first` is.
    newest: AtomicPtr<Version>,
    first: Version,
    key: Span,
}

struct Version {
    lsn: Lsn,
    value: Value,
    /// The version before; null for the entry's `first`.
    older: *const Version,
}

/// Where a version's value is.
enum Value {
    Tombstone,
    /// Right beside the version, in the arena.
    Inline(Span),
    /// In the arena lies a handle to it.
    Shared(NonNull<Bytes>),
}

/// A node of the tree whose module this is (I1).
#[derive(Clone, Copy, PartialEq, Eq)]
struct NodeRef(NonNull<Node>);

/// An entry of the tree whose module this is (I1).
#[derive(Clone, Copy)]
struct EntryRef(NonNull<Entry>);

// SAFETY: nodes consist of atomics and constants, entries besides of bytes and `Bytes`; all of these are `Send` and
// `Sync`. What they point to lives as long as the tree (I1), which whoever keeps such a reference keeps too.
unsafe impl Send for NodeRef {}
// SAFETY: as above.
unsafe impl Send for EntryRef {}
// SAFETY: the arenas and the values belong to the writer, and neither is tied to a thread.
unsafe impl Send for Writer {}

/// What a node that ran out of slots becomes, for its parent.
struct Grown {
    /// Takes the old node's place.
    instead: NodeRef,
    /// Comes right after it, from its separator on.
    added: Option<(EntryRef, NodeRef)>,
}

/// Where a descent goes.
#[derive(Clone, Copy)]
enum Target<'a> {
    First,
    /// The leaf that has, or would have, this key.
    At(&'a [u8]),
    /// The leaf that has, or would have, the keys right before this one.
    Before(&'a [u8]),
    Last,
}

/// The bounds of the keys in a node: lower included, upper excluded.
#[derive(Clone, Copy)]
struct Fences {
    lower: Option<EntryRef>,
    upper: Option<EntryRef>,
}

/// An inner node on the way down.
struct Step {
    node: NodeRef,
    fences: Fences,
    /// Position of the child that was taken.
    at: usize,
}

impl Tree {
    /// What a tree without entries takes beside itself: its first leaf.
    pub(crate) const EMPTY_BYTES: usize = size_of::<Node>();

    pub(crate) fn new() -> Tree {
        let mut writer = Writer {
            entries: Arena::new(),
            leaves: Arena::new(),
            inners: Arena::new(),
            shared: Vec::new(),
            shared_bytes: 0,
        };
        let root = writer.leaf(&[], 0, Fences::NONE);
        Tree {
            root: AtomicPtr::new(root.0.as_ptr()),
            writer: Mutex::new(writer),
        }
    }

    /// Adds versions of keys, which ascend strictly, each newer than those its key has. Returns about how much memory that
    /// took.
    pub(crate) fn put_all<'a>(
        &self,
        mut changes: impl Iterator<Item = Change<'a>>,
        lsn: Lsn,
    ) -> u64 {
        let mut writer = self.writer.lock();
        let before = writer.bytes();
        let Some(first) = changes.next() else {
            return 0;
        };
        match changes.next() {
            None => self.put_one(&mut writer, first.0, lsn, first.1),
            Some(second) => {
                let mut all = [first, second].into_iter().chain(changes);
                let mut batch = Vec::with_capacity(BATCH_KEYS);
                loop {
                    batch.extend(all.by_ref().take(BATCH_KEYS));
                    if batch.is_empty() {
                        break;
                    }
                    self.put_batch(&mut writer, &batch, lsn);
                    batch.clear();
                }
            }
        }
        writer.bytes() - before
    }

    /// Adds a version of `key`, newer than those it has. Returns about how much memory that took.
    #[cfg(test)]
    pub(crate) fn put(&self, key: &[u8], lsn: Lsn, value: Option<&Bytes>) -> u64 {
        let mut writer = self.writer.lock();
        let before = writer.bytes();
        self.put_one(&mut writer, key, lsn, value);
        writer.bytes() - before
    }

    fn put_one(&self, writer: &mut Writer, key: &[u8], lsn: Lsn, value: Option<&Bytes>) {
        let (leaf, _) = self.descend(Target::At(key));
        self.put_in_leaf(writer, leaf, key, lsn, value);
    }

    /// Adds a version of a key that goes to `leaf`; whether that is still there afterwards.
    fn put_in_leaf(
        &self,
        writer: &mut Writer,
        leaf: NodeRef,
        key: &[u8],
        lsn: Lsn,
        value: Option<&Bytes>,
    ) -> bool {
        match self.search(leaf, self.order(leaf), key) {
            Ok(at) => {
                writer.add_version(self.entry(self.entry_at(leaf, at)), lsn, value);
                true
            }
            Err(at) => {
                let entry = writer.entry(key, lsn, value);
                self.insert(writer, leaf, at, entry)
            }
        }
    }

    /// What `key` is at `lsn`: `None` where the tree has no version that old, `Some(None)` for a tombstone.
    #[inline]
    pub(crate) fn get(&self, key: &[u8], lsn: Lsn) -> Option<Option<Bytes>> {
        Some(self.find(key)?.version(lsn)?.value.to_bytes())
    }

    /// As [`Tree::get`], where it lies.
    #[inline]
    pub(crate) fn get_ref(&self, key: &[u8], lsn: Lsn) -> Option<Option<&[u8]>> {
        Some(self.find(key)?.version(lsn)?.value.bytes())
    }

    /// The LSN of the newest version of `key`.
    pub(crate) fn newest_of(&self, key: &[u8]) -> Option<Lsn> {
        Some(self.find(key)?.newest().lsn)
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<&Entry> {
        let (leaf, _) = self.descend(Target::At(key));
        let order = self.order(leaf);
        let at = self.search(leaf, order, key).ok()?;
        Some(self.entry(self.entry_ref(leaf, order.slot(at))?))
    }

    // How pointers become references. All unsafe code that readers run is here.

    fn node(&self, node: NodeRef) -> &Node {
        // SAFETY: I1, and the tree lives as long as the reference.
        unsafe { node.0.as_ref() }
    }

    fn entry(&self, entry: EntryRef) -> &Entry {
        // SAFETY: I1, and the tree lives as long as the reference.
        unsafe { entry.0.as_ref() }
    }

    /// The children of a node above the leaves.
    fn children(&self, node: NodeRef) -> &[AtomicPtr<Node>; SLOTS] {
        assert!(self.node(node).level > 0, "leaves have no children");
        // SAFETY: nodes above the leaves are made as `Inner`, which begins with the node; I1.
        unsafe { &node.0.cast::<Inner>().as_ref().children }
    }

    fn root(&self) -> NodeRef {
        let root = NonNull::new(self.root.load(Ordering::Acquire));
        NodeRef(root.expect("there is always a root"))
    }

    fn child(&self, node: NodeRef, slot: usize) -> NodeRef {
        let child = NonNull::new(self.children(node)[slot].load(Ordering::Relaxed));
        NodeRef(child.expect("published slots of inner nodes have children"))
    }

    fn entry_ref(&self, node: NodeRef, slot: usize) -> Option<EntryRef> {
        NonNull::new(self.node(node).entries[slot].load(Ordering::Relaxed)).map(EntryRef)
    }

    fn entry_at(&self, leaf: NodeRef, at: usize) -> EntryRef {
        let slot = self.order(leaf).slot(at);
        let entry = self.entry_ref(leaf, slot);
        entry.expect("published slots of leaves have entries")
    }

    fn order(&self, node: NodeRef) -> Permutation {
        Permutation(self.node(node).permutation.load(Ordering::Acquire))
    }

    // Searching.

    /// The leaf for a target, and its fences as they were on the way down.
    #[inline]
    fn descend(&self, target: Target<'_>) -> (NodeRef, Fences) {
        self.descend_by(target, |_| {})
    }

    fn descend_by(&self, target: Target<'_>, mut visit: impl FnMut(Step)) -> (NodeRef, Fences) {
        let mut node = self.root();
        let mut fences = Fences::NONE;
        while self.node(node).level > 0 {
            // One permutation answers all questions at this node, so child and fences belong together.
            let order = self.order(node);
            let at = self.child_position(node, order, target);
            visit(Step { node, fences, at });
            if at > 0 {
                fences.lower = self.entry_ref(node, order.slot(at));
            }
            if at + 1 < order.len() {
                fences.upper = self.entry_ref(node, order.slot(at + 1));
            }
            node = self.child(node, order.slot(at));
            fetch(node.0, size_of::<Node>());
        }
        (node, fences)
    }

    #[inline]
    fn child_position(&self, node: NodeRef, order: Permutation, target: Target<'_>) -> usize {
        let after = match target {
            Target::First => 1,
            Target::Last => order.len(),
            Target::At(key) => match self.position(node, order, 1, key) {
                Ok(equal) => equal + 1,
                Err(above) => above,
            },
            Target::Before(key) => self.position(node, order, 1, key).unwrap_or_else(|at| at),
        };
        after - 1
    }

    /// The position of `key` in a leaf, or where it would be.
    #[inline]
    fn search(&self, leaf: NodeRef, order: Permutation, key: &[u8]) -> Result<usize, usize> {
        self.position(leaf, order, 0, key)
    }

    /// The position of `key` among those from `from` on, or where it would be.
    ///
    /// Counts smaller heads instead of halving: no branch and no load waits for the comparison before it.
    #[inline]
    fn position(
        &self,
        node: NodeRef,
        order: Permutation,
        from: usize,
        key: &[u8],
    ) -> Result<usize, usize> {
        let node = self.node(node);
        let head = head_of(key, node.skip);
        let (mut low, mut high) = (from, from);
        for at in from..order.len() {
            let other = node.heads[order.slot(at)].load(Ordering::Relaxed);
            low += usize::from(other < head);
            high += usize::from(other <= head);
        }
        // What is left has the same head.
        while low < high {
            let middle = (low + high) / 2;
            match self.key_in(node, order.slot(middle)).cmp(key) {
                Order::Less => low = middle + 1,
                Order::Greater => high = middle,
                Order::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    fn key_in(&self, node: &Node, slot: usize) -> &[u8] {
        let entry = NonNull::new(node.entries[slot].load(Ordering::Relaxed)).map(EntryRef);
        self.entry(entry.expect("only slots with keys are compared"))
            .key()
    }

    // Changing. All of this runs under the writer latch (I2).

    /// Puts an entry into a leaf, or what the leaf becomes where it is full; whether the leaf is still there.
    fn insert(&self, writer: &mut Writer, leaf: NodeRef, at: usize, entry: EntryRef) -> bool {
        let order = self.order(leaf);
        if order.len() < SLOTS {
            let slot = self.write_slot(leaf, Some(entry), None);
            self.show(leaf, order.insert(at, slot));
            return true;
        }
        let mut path = Vec::new();
        let key = self.entry(entry).key();
        let (_, fences) = self.descend_by(Target::At(key), |step| path.push(step));
        let mut grown = self.split_leaf(writer, leaf, fences, at, entry);
        while let Some(step) = path.pop() {
            match self.grow_inner(writer, &step, grown) {
                Some(more) => grown = more,
                None => return false,
            }
        }
        self.grow_root(writer, grown);
        false
    }

    /// Writes the next free slot of a node, which no reader looks at yet.
    fn write_slot(&self, node: NodeRef, key: Option<EntryRef>, child: Option<NodeRef>) -> usize {
        let inner = node;
        let node = self.node(node);
        let slot = node.used();
        node.set_used(slot + 1);
        let head = key.map_or(0, |key| head_of(self.entry(key).key(), node.skip));
        node.heads[slot].store(head, Ordering::Relaxed);
        node.entries[slot].store(pointer(key), Ordering::Relaxed);
        if let Some(child) = child {
            self.children(inner)[slot].store(child.0.as_ptr(), Ordering::Relaxed);
        }
        slot
    }

    fn show(&self, node: NodeRef, order: Permutation) {
        self.node(node)
            .permutation
            .store(order.0, Ordering::Release);
    }

    /// Makes room for `entry` at position `at` of a full leaf.
    fn split_leaf(
        &self,
        writer: &mut Writer,
        leaf: NodeRef,
        fences: Fences,
        at: usize,
        entry: EntryRef,
    ) -> Grown {
        let old = self.node(leaf);
        let order = self.order(leaf);
        let mut entries: Vec<_> = (0..SLOTS)
            .map(|at| {
                let head = old.heads[order.slot(at)].load(Ordering::Relaxed);
                (self.entry_at(leaf, at), head)
            })
            .collect();
        entries.insert(at, (entry, head_of(self.entry(entry).key(), old.skip)));
        // Keys that only ascend leave full leaves behind.
        let is_append = at == SLOTS && fences.upper.is_none();
        let (left, right) = entries.split_at(if is_append { SLOTS } else { entries.len() / 2 });
        let separator = right[0].0;
        let (left_fences, right_fences) = fences.split_at(separator);
        Grown {
            instead: writer.leaf(left, old.skip, left_fences),
            added: Some((separator, writer.leaf(right, old.skip, right_fences))),
        }
    }

    /// Takes a child's change into its parent; what the parent becomes where that needs more slots than it has.
    fn grow_inner(&self, writer: &mut Writer, step: &Step, grown: Grown) -> Option<Grown> {
        let Step { node, at, .. } = *step;
        let needed = 1 + usize::from(grown.added.is_some());
        if self.node(node).used() + needed > SLOTS {
            return Some(self.rebuild_inner(writer, step, grown));
        }
        let order = self.order(node);
        let separator = self.entry_ref(node, order.slot(at));
        let slot = self.write_slot(node, separator, Some(grown.instead));
        let mut order = order.replace(at, slot);
        if let Some((separator, child)) = grown.added {
            let slot = self.write_slot(node, Some(separator), Some(child));
            order = order.insert(at + 1, slot);
        }
        self.show(node, order);
        None
    }

    fn rebuild_inner(&self, writer: &mut Writer, step: &Step, grown: Grown) -> Grown {
        let Step { node, fences, at } = *step;
        let level = self.node(node).level;
        let slots = self.order(node).slots();
        let children = slots.map(|slot| (self.entry_ref(node, slot), self.child(node, slot)));
        let mut children: Vec<_> = children.collect();
        // As with leaves: keys that only ascend leave well-filled nodes behind.
        let is_append = at + 1 == children.len() && fences.upper.is_none();
        children[at].1 = grown.instead;
        if let Some((separator, child)) = grown.added {
            children.insert(at + 1, (Some(separator), child));
        }
        let len = children.len();
        if len <= CHILDREN_MAX {
            return Grown {
                instead: writer.inner(level, &children, fences),
                added: None,
            };
        }
        let (left, right) = children.split_at(if is_append { len - 1 } else { len / 2 });
        let separator = right[0]
            .0
            .expect("only a tree's first child has no separator");
        let (left_fences, right_fences) = fences.split_at(separator);
        Grown {
            instead: writer.inner(level, left, left_fences),
            added: Some((separator, writer.inner(level, right, right_fences))),
        }
    }

    /// Takes the root's change in: a new root, one level higher where there are two nodes now.
    fn grow_root(&self, writer: &mut Writer, grown: Grown) {
        let new = match grown.added {
            None => grown.instead,
            Some((separator, second)) => {
                let children = [(None, grown.instead), (Some(separator), second)];
                writer.inner(self.node(self.root()).level + 1, &children, Fences::NONE)
            }
        };
        self.root.store(new.0.as_ptr(), Ordering::Release);
    }
}

impl Writer {
    fn bytes(&self) -> u64 {
        self.entries.bytes() + self.leaves.bytes() + self.inners.bytes() + self.shared_bytes
    }

    /// A leaf of entries, with what their heads are in a leaf that skips as many bytes as `known`: most skip as many, and
    /// then no key need be looked at.
    fn leaf(&mut self, entries: &[(EntryRef, u64)], known: u32, fences: Fences) -> NodeRef {
        let node = Node::new(0, fences.skip());
        for (slot, (entry, head)) in entries.iter().enumerate() {
            match node.skip == known {
                true => node.fill_with(slot, Some(*entry), *head),
                false => node.fill(slot, Some(*entry)),
            }
        }
        node.publish(entries.len());
        NodeRef(self.leaves.put(node))
    }

    fn inner(
        &mut self,
        level: u16,
        children: &[(Option<EntryRef>, NodeRef)],
        fences: Fences,
    ) -> NodeRef {
        let inner = Inner {
            node: Node::new(level, fences.skip()),
            children: Default::default(),
        };
        for (slot, (separator, child)) in children.iter().enumerate() {
            inner.node.fill(slot, *separator);
            inner.children[slot].store(child.0.as_ptr(), Ordering::Relaxed);
        }
        inner.node.publish(children.len());
        NodeRef(self.inners.put(inner).cast())
    }

    fn entry(&mut self, key: &[u8], lsn: Lsn, value: Option<&Bytes>) -> EntryRef {
        let inline = inline_part(value);
        let shared = self.share(value);
        let entry = self
            .entries
            .put_with_bytes([key, inline], |[key, inline]| Entry {
                newest: AtomicPtr::default(),
                first: Version {
                    lsn,
                    value: Value::new(value, shared, inline),
                    older: ptr::null(),
                },
                key,
            });
        EntryRef(entry)
    }

    fn add_version(&mut self, entry: &Entry, lsn: Lsn, value: Option<&Bytes>) {
        assert!(
            entry.newest().lsn <= lsn,
            "I7: versions have ascending LSNs"
        );
        let inline = inline_part(value);
        let shared = self.share(value);
        let older = entry.newest.load(Ordering::Relaxed);
        let version = self
            .entries
            .put_with_bytes([&[], inline], |[_, inline]| Version {
                lsn,
                value: Value::new(value, shared, inline),
                older,
            });
        entry.newest.store(version.as_ptr(), Ordering::Release);
    }

    /// Keeps a handle to a value that is too long to be copied.
    fn share(&mut self, value: Option<&Bytes>) -> Option<NonNull<Bytes>> {
        let value = value.filter(|value| value.len() > INLINE_BYTES_MAX)?;
        let shared = self.entries.put(value.clone());
        self.shared_bytes += value.len() as u64 + SHARED_BYTES;
        self.shared.push(shared);
        Some(shared)
    }
}

/// What of a value is copied into the arena.
fn inline_part(value: Option<&Bytes>) -> &[u8] {
    let inline = value.filter(|value| value.len() <= INLINE_BYTES_MAX);
    inline.map_or(&[], |value| value)
}

impl Value {
    fn new(value: Option<&Bytes>, shared: Option<NonNull<Bytes>>, inline: Span) -> Value {
        match (value, shared) {
            (None, _) => Value::Tombstone,
            (Some(_), Some(shared)) => Value::Shared(shared),
            (Some(_), None) => Value::Inline(inline),
        }
    }

    /// The value, where it lies; `None` for a tombstone.
    #[inline]
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Tombstone => None,
            // SAFETY: versions live in the span's arena (I1).
            Value::Inline(span) => Some(unsafe { span.bytes() }),
            // SAFETY: a handle in the arena, which is dropped with the tree only (I1).
            Value::Shared(shared) => Some(unsafe { shared.as_ref() }),
        }
    }

    /// The value for a reader to keep; `None` for a tombstone.
    #[inline]
    fn to_bytes(&self) -> Option<Bytes> {
        match self {
            Value::Tombstone => None,
            // SAFETY: versions live in the span's arena (I1).
            Value::Inline(span) => Some(Bytes::copy_from_slice(unsafe { span.bytes() })),
            // SAFETY: a handle in the arena, which is dropped with the tree only (I1).
            Value::Shared(shared) => Some(unsafe { shared.as_ref() }.clone()),
        }
    }
}

/// Drops the shared values, which are all that needs it; the arenas free the rest.
impl Drop for Writer {
    fn drop(&mut self) {
        for shared in &self.shared {
            // SAFETY: I1: the arenas are dropped after this, and each handle is in the list once. Nobody else refers to it
            // any more, because the tree is being dropped.
            unsafe { ptr::drop_in_place(shared.as_ptr()) };
        }
    }
}

impl Node {
    fn new(level: u16, skip: usize) -> Node {
        Node {
            permutation: AtomicU64::new(0),
            used: AtomicU16::new(0),
            level,
            skip: u32::try_from(skip).unwrap_or(u32::MAX),
            heads: Default::default(),
            entries: Default::default(),
        }
    }

    /// Writes a slot of a node that is still being made.
    fn fill(&self, slot: usize, key: Option<EntryRef>) {
        // SAFETY: I1; whoever makes a node holds the writer latch, so the tree is there.
        let head = key.map_or(0, |key| head_of(unsafe { key.0.as_ref() }.key(), self.skip));
        self.fill_with(slot, key, head);
    }

    /// As [`Node::fill`], with the key's head.
    fn fill_with(&self, slot: usize, key: Option<EntryRef>, head: u64) {
        self.heads[slot].store(head, Ordering::Relaxed);
        self.entries[slot].store(pointer(key), Ordering::Relaxed);
    }

    fn publish(&self, len: usize) {
        self.set_used(len);
        self.permutation
            .store(Permutation::identity(len).0, Ordering::Relaxed);
    }
}

impl Node {
    fn used(&self) -> usize {
        usize::from(self.used.load(Ordering::Relaxed))
    }

    fn set_used(&self, used: usize) {
        let used = u16::try_from(used).expect("a node has 15 slots");
        self.used.store(used, Ordering::Relaxed);
    }
}

impl Entry {
    #[inline]
    fn key(&self) -> &[u8] {
        // SAFETY: entries live in the span's arena (I1).
        unsafe { self.key.bytes() }
    }

    #[inline]
    fn newest(&self) -> &Version {
        let newest = self.newest.load(Ordering::Acquire);
        // SAFETY: null, or a version of this entry (I1).
        unsafe { newest.as_ref() }.unwrap_or(&self.first)
    }

    /// The newest version up to `lsn`.
    #[inline]
    fn version(&self, lsn: Lsn) -> Option<&Version> {
        let mut version = self.newest();
        while version.lsn > lsn {
            if ptr::eq(version, &self.first) {
                return None;
            }
            // SAFETY: null, or a version of this entry (I1).
            version = unsafe { version.older.as_ref() }.unwrap_or(&self.first);
        }
        Some(version)
    }
}

impl Fences {
    const NONE: Fences = Fences {
        lower: None,
        upper: None,
    };

    fn split_at(self, separator: EntryRef) -> (Fences, Fences) {
        let (mut left, mut right) = (self, self);
        left.upper = Some(separator);
        right.lower = Some(separator);
        (left, right)
    }

    /// How many first bytes all keys between have in common.
    fn skip(self) -> usize {
        let (Some(lower), Some(upper)) = (self.lower, self.upper) else {
            return 0;
        };
        // SAFETY: I1; whoever makes a node holds the writer latch, so the tree is there.
        let (lower, upper) = unsafe { (lower.0.as_ref().key(), upper.0.as_ref().key()) };
        lower.iter().zip(upper).take_while(|(a, b)| a == b).count()
    }
}

/// Asks the processor for a node's lines, all at once, so that the search does not wait for one after the other.
#[inline]
fn fetch(node: NonNull<Node>, bytes: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for offset in (0..bytes).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch has no effect but on time, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(node.as_ptr().cast::<i8>().wrapping_add(offset)) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = (node, bytes);
}

fn pointer(entry: Option<EntryRef>) -> *mut Entry {
    entry.map_or(ptr::null_mut(), |entry| entry.0.as_ptr())
}

/// The first 8 bytes of a key after `skip`, so that they compare as the key does as far as they go.
#[inline]
fn head_of(key: &[u8], skip: u32) -> u64 {
    let rest = key.get(skip as usize..).unwrap_or_default();
    if let Some(head) = rest.first_chunk::<8>() {
        return u64::from_be_bytes(*head);
    }
    let mut head = [0; 8];
    head[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(head)
}

#[cfg(all(test, loom))]
mod loom;
#[cfg(test)]
mod tests;
