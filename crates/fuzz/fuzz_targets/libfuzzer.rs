//! All targets under libFuzzer: the variable `DRYSTONE_FUZZ_TARGET` names the one that runs.
#![no_main]

use std::sync::LazyLock;

use drystone_fuzz::Target;

static TARGET: LazyLock<Target> = LazyLock::new(Target::of_environment);

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
