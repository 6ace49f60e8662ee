//! Targets under libFuzzer: the variable `DRYSTONE_FUZZ_TARGET` names the one that runs.
#![no_main]

use std::sync::LazyLock;

use drystone_fuzz::{Runner, Target};

static RUNNER: LazyLock<Runner> =
    LazyLock::new(|| Runner::of_environment(Target::all().map(|target| target.runner())));

libfuzzer_sys::fuzz_target!(|data: &[u8]| (RUNNER.run)(data));
