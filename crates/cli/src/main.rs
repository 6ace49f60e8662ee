//! The command `drystone`: a shell, scripts, import and export, verify and statistics.

use std::process::ExitCode;

fn main() -> ExitCode {
    drystone_cli::main()
}
