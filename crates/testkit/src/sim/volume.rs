//! All files and names of a simulated disk, as a value: changed by one step at a time, crashed at any time.
//!
//! The live disk and the replay of a trace both change a volume through [`Volume::apply`], and only through it, so
//! that a replay cannot differ from what was recorded.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::crash::{CrashPolicy, Survival};
use super::file_state::{DataChange, FileState};
use super::image::Image;
use super::names::{NameChange, Names, Node};
use super::step::{FileId, Step};
use super::subset::Subsets;
use crate::draw::Draw;

#[derive(Clone, Debug, Default)]
pub(super) struct Volume {
    pub(super) names: Names,
    /// By [`FileId`]; also files without a name, which open handles still reach.
    files: Vec<Arc<FileState>>,
    /// Steps applied so far.
    steps: u64,
    /// Of these, such that did more than add a pending change: what a crash starts from may differ since.
    turns: u64,
}

impl Volume {
    /// The number that the next created file gets.
    pub(super) fn next_file(&self) -> FileId {
        FileId(self.files.len())
    }

    pub(super) fn file(&self, file: FileId) -> &FileState {
        &self.files[file.0]
    }

    fn file_mut(&mut self, file: FileId) -> &mut FileState {
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

    /// Length of all named files together, as a power cut would leave it that loses all it can.
    pub(super) fn durable_bytes(&self) -> u64 {
        let lens = self
            .names
            .files()
            .map(|(_, file)| self.file(file).durable.len());
        lens.fold(0, u64::saturating_add)
    }

    /// Does one step, which must fit the state: its files exist, the name it renames or removes is a file.
    pub(super) fn apply(&mut self, step: &Step) {
        self.steps += 1;
        let at = self.steps;
        match step {
            Step::CreateFolder { path } => {
                let path = Arc::clone(path);
                self.names.change(at, NameChange::Folder { path });
            }
            Step::Create { path, file } => self.create(path, *file),
            Step::Remove { path } => self.remove(path),
            Step::Rename { from, to } => self.rename(from, to),
            Step::Write {
                file,
                offset,
                bytes,
            } => self.file_mut(*file).change(at, write(*offset, bytes)),
            Step::SetLen { file, len } => self.file_mut(*file).change(at, DataChange::SetLen(*len)),
            _ => self.turn(at, step),
        }
    }

    /// A step that does more than add a pending change.
    fn turn(&mut self, at: u64, step: &Step) {
        self.turns += 1;
        match step {
            Step::SyncFolder { path } => self.names.sync(path),
            Step::DivertWrite {
                file,
                offset,
                bytes,
                lands,
            } => {
                let written = lands.map(|offset| write(offset, bytes));
                let seen = write(*offset, bytes);
                self.file_mut(*file).divert(at, &seen, written);
            }
            Step::Sync { file } => self.file_mut(*file).sync(),
            Step::FailSync { file, how } => self.file_mut(*file).fail_sync(*how),
            Step::ReportSync { file } => self.file_mut(*file).owes_error = false,
            Step::Damage { file, change } => self.file_mut(*file).damage(change),
            Step::DropCache => self.drop_cache(),
            Step::CreateFolder { .. }
            | Step::Create { .. }
            | Step::Remove { .. }
            | Step::Rename { .. }
            | Step::Write { .. }
            | Step::SetLen { .. } => unreachable!("these add a pending change"),
        }
    }

    fn create(&mut self, path: &Arc<Path>, file: FileId) {
        assert_eq!(
            file,
            self.next_file(),
            "files are numbered as they are created"
        );
        self.files.push(Arc::default());
        let change = NameChange::Place {
            path: Arc::clone(path),
            file,
            from: None,
        };
        self.names.change(self.steps, change);
    }

    fn remove(&mut self, path: &Arc<Path>) {
        if let Some(Node::File(file)) = self.names.get(path) {
            let path = Arc::clone(path);
            self.names
                .change(self.steps, NameChange::Remove { path, file });
        }
    }

    fn rename(&mut self, from: &Arc<Path>, to: &Arc<Path>) {
        if let Some(Node::File(file)) = self.names.get(from) {
            let change = NameChange::Place {
                path: Arc::clone(to),
                file,
                from: Some(Arc::clone(from)),
            };
            self.names.change(self.steps, change);
        }
    }

    /// Whether a crash now could leave anything other than what reads see.
    pub(super) fn is_settled(&self) -> bool {
        self.names.pending.is_empty() && self.files.iter().all(|file| file.is_settled())
    }

    /// What is left after power is cut now.
    pub(super) fn crash(&self, policy: CrashPolicy, draw: &mut Draw) -> Volume {
        if let CrashPolicy::Subset(limit) = policy {
            return Subsets::of(self, limit).crash(self, draw.number());
        }
        let mut survival = Survival::new(policy, self.last_change(), draw);
        let names = survival.names(&self.names);
        self.after_crash(names, |_, file| survival.data(file))
    }

    /// The volume with these names, and of each file that is not settled what `data` says.
    pub(super) fn after_crash(
        &self,
        names: Names,
        mut data: impl FnMut(FileId, &FileState) -> Image,
    ) -> Volume {
        let left = |(idx, file): (usize, &Arc<FileState>)| {
            if file.is_settled() {
                return Arc::clone(file);
            }
            Arc::new(FileState::restarted(data(FileId(idx), file)))
        };
        Volume {
            files: self.files.iter().enumerate().map(left).collect(),
            names,
            steps: self.steps,
            turns: self.turns,
        }
    }

    /// All files, named or not.
    pub(super) fn all_files(&self) -> impl Iterator<Item = (FileId, &FileState)> {
        let numbered = self.files.iter().enumerate();
        numbered.map(|(idx, file)| (FileId(idx), &**file))
    }

    /// Tells apart two volumes of one history that crashes start from.
    pub(super) fn turns(&self) -> u64 {
        self.turns
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
    fn drop_cache(&mut self) {
        for file in &mut self.files {
            Arc::make_mut(file).drop_cache();
        }
    }

    /// What no sync has made durable, in words.
    pub(super) fn describe_pending(&self) -> String {
        let mut text = String::new();
        for change in &self.names.pending {
            let _ = writeln!(text, "  name not synced: {:?}", change.change);
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

fn write(offset: u64, bytes: &Bytes) -> DataChange {
    DataChange::Write {
        offset,
        bytes: bytes.clone(),
    }
}
