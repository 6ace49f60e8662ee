//! Law suites: what every engine, file system and stream of changes must keep, run against yours.
//!
//! A law panics where it is broken, and says which, with the seed that shows it again ([`crate::SEED_VARIABLE`]).
//! Call each law from a test of its own, or all at once:
//!
//! ```
//! use drystone_testkit::laws::EngineLaws;
//! use drystone_testkit::ModelEngine;
//!
//! EngineLaws::new(|env, dir| ModelEngine::open(env, dir)).entries_come_in_order();
//! ```

mod changes;
mod engine;
mod file_system;

pub use changes::check_changes;
pub use engine::EngineLaws;
pub use file_system::FileSystemLaws;

/// Tells the seed of a law when the law is broken.
#[derive(Debug)]
struct SeedNote {
    law: &'static str,
    seed: u64,
}

impl SeedNote {
    fn new(law: &'static str, seed: u64) -> SeedNote {
        SeedNote { law, seed }
    }
}

impl Drop for SeedNote {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let SeedNote { law, seed } = self;
            eprintln!(
                "broken law: {law}; run it again with {}={seed:#x}",
                crate::SEED_VARIABLE
            );
        }
    }
}
