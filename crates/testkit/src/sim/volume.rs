//! All files and names of a simulated disk, as a value: changed by one step at a time, crashed at any time.
//!
//! The live disk and the replay of a trace both change a volume through [`Volume::apply`], and only through it, so
//! that a replay cannot differ from what was recorded.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::crash::{CrashPolicy, Survival};
use super::file_state::{DataChange, FileState};
use super::names::{NameChange, Names, Node};
use super::step::{FileId, Step};
use crate::draw::Draw;

#[derive(Clone, Debug, Default)]
pub(super) struct Volume {
    pub(super) names: Names,
    /// By [`FileId`]; also files without a name, which open handles still reach.
    files: Vec<Arc<FileState>>,
    /// Steps applied so far.
    steps: u64,
}

impl Volume {
    /// The number that the next created file gets.
    pub(super) fn next_file(&self) -> FileId {
        FileId(self.files.len())
    }

    pub(super) fn file(&self, file: FileId) -> &FileState {
        &self.files[file.0]
    }

    pub(super) fn file_mut(&mut self, file: FileId) -> &mut FileState {
        Arc::make_mut(&mut self.files[file.0])
    }

    /// Length of all named files together.
    pub(super) fn bytes(&self) -> u64 {
        let lens = self
            .names
            .files()
            .map(|(_, file)| self.file(file).cached.len());
        lens.fold(0, u64::saturating_add)
    }

    /// Does one step, which must fit the state: its files exist, the name it renames or removes is a file.
    pub(super) fn apply(&mut self, step: &Step) {
        self.steps += 1;
        let at = self.steps;
        match step {
            Step::CreateFolder { path } => {
                self.names.change(NameChange::Folder {
                    path: Arc::clone(path),
                });
            }
            Step::Create { path, file } => self.create(path, *file),
            Step::Remove { path } => self.remove(path),
            Step::Rename { from, to } => self.rename(from, to),
            Step::SyncFolder { path } => self.names.sync(path),
            Step::Write {
                file,
                offset,
                bytes,
            } => {
                let change = DataChange::Write {
                    offset: *offset,
                    bytes: bytes.clone(),
                };
                self.file_mut(*file).change(at, change);
            }
            Step::SetLen { file, len } => self.file_mut(*file).change(at, DataChange::SetLen(*len)),
            Step::Sync { file } => self.file_mut(*file).sync(),
            Step::FailSync { file, how } => self.file_mut(*file).fail_sync(*how),
            Step::ReportSync { file } => self.file_mut(*file).owes_error = false,
        }
    }

    fn create(&mut self, path: &Arc<Path>, file: FileId) {
        assert_eq!(
            file,
            self.next_file(),
            "files are numbered as they are created"
        );
        self.files.push(Arc::default());
        self.names.change(NameChange::Place {
            path: Arc::clone(path),
            file,
            from: None,
        });
    }

    fn remove(&mut self, path: &Arc<Path>) {
        if let Some(Node::File(file)) = self.names.get(path) {
            let path = Arc::clone(path);
            self.names.change(NameChange::Remove { path, file });
        }
    }

    fn rename(&mut self, from: &Arc<Path>, to: &Arc<Path>) {
        if let Some(Node::File(file)) = self.names.get(from) {
            self.names.change(NameChange::Place {
                path: Arc::clone(to),
                file,
                from: Some(Arc::clone(from)),
            });
        }
    }

    /// Whether a crash now could leave anything other than what reads see.
    pub(super) fn is_settled(&self) -> bool {
        self.names.pending.is_empty() && self.files.iter().all(|file| file.is_settled())
    }

    /// What is left after power is cut now.
    pub(super) fn crash(&self, policy: CrashPolicy, draw: &mut Draw) -> Volume {
        let mut survival = Survival::new(policy, self.last_change(), draw);
        let names = survival.names(&self.names);
        let files = self.files.iter().map(|file| {
            if file.is_settled() {
                Arc::clone(file)
            } else {
                Arc::new(FileState::restarted(survival.data(file)))
            }
        });
        Volume {
            files: files.collect(),
            names,
            steps: self.steps,
        }
    }

    /// The number of the newest step whose data is pending.
    fn last_change(&self) -> u64 {
        let last = |file: &Arc<FileState>| file.pending.last().map(|pending| pending.at);
        self.files.iter().filter_map(last).max().unwrap_or(0)
    }

    /// Makes everything durable.
    pub(super) fn settle(&mut self) {
        let mut keep = Draw::new(0);
        *self = self.crash(CrashPolicy::KeepAll, &mut keep);
    }

    /// Forgets what is cached and clean, of every file.
    pub(super) fn drop_cache(&mut self) {
        for file in &mut self.files {
            Arc::make_mut(file).drop_cache();
        }
    }

    /// What no sync has made durable, in words.
    pub(super) fn describe_pending(&self) -> String {
        let mut text = String::new();
        for change in &self.names.pending {
            let _ = writeln!(text, "  name not synced: {change:?}");
        }
        for (path, file) in self.names.files() {
            let count = self.file(file).pending.len();
            if count > 0 {
                let path = path.display();
                let _ = writeln!(text, "  {count} changes not synced: {path} ({file})");
            }
        }
        text
    }
}
