//! The names of a volume: which path is a folder or which file, for reads and after a crash.
//!
//! # Invariants
//! - I1. A file has at most one name, and so a rename that survives a crash takes the old name away.
//! - I2. A name outlives a crash only with all folders above it: a new folder is a name in the folder above.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::step::FileId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Folder,
    File(FileId),
}

type Tree = BTreeMap<Arc<Path>, Node>;

/// A change of names that no sync of the folder has made durable.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Folder {
        path: Arc<Path>,
    },
    /// Created, or renamed `from` another name.
    Place {
        path: Arc<Path>,
        file: FileId,
        from: Option<Arc<Path>>,
    },
    Remove {
        path: Arc<Path>,
        file: FileId,
    },
}

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    live: Arc<Tree>,
    durable: Arc<Tree>,
    pub(super) pending: Vec<PendingName>,
}

#[derive(Clone, Debug)]
pub(super) struct PendingName {
    /// Number of the step that made it.
    pub(super) at: u64,
    pub(super) change: NameChange,
}

impl Names {
    pub(super) fn get(&self, path: &Path) -> Option<Node> {
        if is_root(path) {
            return Some(Node::Folder);
        }
        self.live.get(path).copied()
    }

    pub(super) fn has_folder(&self, path: &Path) -> bool {
        self.get(path) == Some(Node::Folder)
    }

    /// Names directly inside a folder, in order.
    pub(super) fn list(&self, folder: &Path) -> Vec<String> {
        let folder = without_dot(folder);
        let mut names: Vec<String> = self
            .live
            .keys()
            .filter(|path| path.parent() == Some(folder))
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        names.sort_unstable();
        names
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&Arc<Path>, FileId)> {
        self.live.iter().filter_map(|(path, node)| match node {
            Node::File(file) => Some((path, *file)),
            Node::Folder => None,
        })
    }

    pub(super) fn change(&mut self, at: u64, change: NameChange) {
        apply(&change, Arc::make_mut(&mut self.live));
        self.pending.push(PendingName { at, change });
    }

    /// Makes the names directly inside a folder durable.
    pub(super) fn sync(&mut self, folder: &Path) {
        if self.pending.is_empty() {
            return;
        }
        let folder = without_dot(folder);
        let durable = Arc::make_mut(&mut self.durable);
        let mut later: Vec<PendingName> = Vec::new();
        for pending in std::mem::take(&mut self.pending) {
            if touches(&pending.change, folder) {
                apply(&pending.change, durable);
                // A file that has a durable name never goes back to one that it left.
                let file = placed(&pending.change);
                later.retain(|before| file.is_none() || placed(&before.change) != file);
            } else {
                later.push(pending);
            }
        }
        self.pending = later;
    }

    /// What is left when, of the pending changes, only those survive for which `survives` says so.
    pub(super) fn after_crash(&self, mut survives: impl FnMut() -> bool) -> Names {
        let mut names = Arc::clone(&self.durable);
        for pending in &self.pending {
            if survives() {
                apply(&pending.change, Arc::make_mut(&mut names));
            }
        }
        if !self.pending.is_empty() {
            drop_orphans(&mut names);
        }
        Names {
            live: Arc::clone(&names),
            durable: names,
            pending: Vec::new(),
        }
    }
}

fn is_root(path: &Path) -> bool {
    path.parent().is_none() || path == Path::new(".")
}

/// The folder of relative paths, which goes by `.` where a folder must have a name.
fn without_dot(folder: &Path) -> &Path {
    if folder == Path::new(".") {
        return Path::new("");
    }
    folder
}

fn apply(change: &NameChange, tree: &mut Tree) {
    match change {
        NameChange::Folder { path } => {
            tree.insert(Arc::clone(path), Node::Folder);
        }
        NameChange::Place { path, file, .. } => {
            tree.retain(|_, node| *node != Node::File(*file));
            tree.insert(Arc::clone(path), Node::File(*file));
        }
        NameChange::Remove { path, file } => {
            if tree.get(path) == Some(&Node::File(*file)) {
                tree.remove(path);
            }
        }
    }
}

fn touches(change: &NameChange, folder: &Path) -> bool {
    let inside = |path: &Path| path.parent() == Some(folder);
    match change {
        NameChange::Folder { path } | NameChange::Remove { path, .. } => inside(path),
        NameChange::Place { path, from, .. } => inside(path) || from.as_deref().is_some_and(inside),
    }
}

fn placed(change: &NameChange) -> Option<FileId> {
    match change {
        NameChange::Place { file, .. } => Some(*file),
        NameChange::Folder { .. } | NameChange::Remove { .. } => None,
    }
}

/// I2: names whose folder is gone go with it.
fn drop_orphans(names: &mut Arc<Tree>) {
    let orphan = |tree: &Tree, path: &Path| {
        path.parent()
            .is_some_and(|folder| !is_root(folder) && !tree.contains_key(folder))
    };
    while names.keys().any(|path| orphan(names, path)) {
        let before = Arc::clone(names);
        Arc::make_mut(names).retain(|path, _| !orphan(&before, path));
    }
}
