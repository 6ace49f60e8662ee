//! How models are built and run: the core in a build of its own, in which a model checker has the latches and atomics.

use std::path::Path;

use xshell::{Cmd, Shell, cmd};

use crate::build_folder;

/// The models of one checker.
#[derive(Clone, Copy)]
pub(super) enum Models {
    /// Of the core as a whole, under many orders of steps.
    Shuttle,
    /// Of the lock-free parts, under every order.
    Loom,
}

impl Models {
    /// Runs those whose name has `model` in it.
    pub(super) fn run(self, shell: &Shell, root: &Path, model: Option<&str>) -> anyhow::Result<()> {
        let _flags = shell.push_env("RUSTFLAGS", format!("--cfg {}", self.name()));
        let arguments = [
            "--nocapture",
            "--test-threads",
            "1",
            model.unwrap_or(self.all()),
        ];
        let test = self.test(shell, &build_folder(root, self.name()));
        Ok(test.arg("--").args(arguments).run()?)
    }

    /// The tests with bugs planted in them, none of which is chosen yet.
    pub(super) fn planted<'a>(self, shell: &'a Shell, root: &Path) -> Cmd<'a> {
        let flags = format!("--cfg {} --cfg planted", self.name());
        let folder = build_folder(root, &format!("{}-planted", self.name()));
        self.test(shell, &folder).env("RUSTFLAGS", flags)
    }

    fn name(self) -> &'static str {
        match self {
            Models::Shuttle => "shuttle",
            Models::Loom => "loom",
        }
    }

    /// What the names of all models have in them, and those of other tests beside them have not.
    fn all(self) -> &'static str {
        match self {
            Models::Shuttle => "",
            Models::Loom => "loom_",
        }
    }

    fn test<'a>(self, shell: &'a Shell, folder: &Path) -> Cmd<'a> {
        // Without SQL, which has no latch of interest and takes longer to build than all the rest.
        let which = match self {
            Models::Shuttle => {
                "--package drystone --no-default-features --features btree --test shuttle"
            }
            Models::Loom => {
                "--package drystone-base --package drystone-mvcc --package drystone-storage-pager --lib"
            }
        };
        let which = which.split(' ');
        cmd!(
            shell,
            "cargo test --quiet --profile campaign --target-dir {folder} {which...}"
        )
    }
}
