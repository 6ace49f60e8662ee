//! The example runs, from end to end.

#[allow(dead_code, reason = "a program, of which the test calls one function")]
#[path = "../../examples/ledger.rs"]
mod ledger;

use std::path::Path;

use drystone_base::Env;

#[test]
fn the_ledger_runs() {
    ledger::keep_ledger(&Env::memory(1), Path::new("ledger")).unwrap();
}
