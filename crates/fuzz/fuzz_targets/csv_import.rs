//! Target `csv_import` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drystone_fuzz::run("csv_import", data));
