//! Targets that need neither files nor a database, under libFuzzer: the variable `DRYSTONE_FUZZ_TARGET` names the one that
//! runs.
#![no_main]

use std::sync::LazyLock;

use drystone_fuzz::{FORMATS, Runner};

static RUNNER: LazyLock<Runner> = LazyLock::new(|| Runner::of_environment(FORMATS.iter().copied()));

libfuzzer_sys::fuzz_target!(|data: &[u8]| (RUNNER.run)(data));
