//! The command `drystone` as a library, so that its import can be measured and its parts be tested.
//!
//! Results go to standard output, all else to standard error. The exit status is 0 when all went well, 1 when something
//! failed, 2 when the arguments are wrong, 130 after Ctrl-C.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a command works on the real file system and the real clock"
)]

mod arguments;
mod dot_command;
mod export;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod import;
mod interrupt;
mod output;
mod repair;
mod report;
mod script;
mod shell;
mod workbench;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use workbench::Workbench;

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if error.is::<interrupt::Interrupted>() => {
            ExitCode::from(interrupt::EXIT_STATUS)
        }
        Err(error) => {
            eprintln!("error: {}", report::describe(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    interrupt::watch()?;
    let mut bench = Workbench::new(arguments.mode, arguments.timer);
    match arguments.command {
        Command::Shell { path } => {
            bench.open(&path)?;
            shell::run(&mut bench)?;
        }
        Command::Run { file, database } => {
            if let Some(path) = database {
                bench.open(&path)?;
            }
            script::run_file(&mut bench, &file)?;
        }
        Command::Sql { path, sql } => {
            bench.open(&path)?;
            script::run_text(&mut bench, &sql, script::Echo::Off)?;
        }
        Command::Import {
            path,
            table,
            file,
            primary_key,
        } => {
            bench.open(&path)?;
            let imported = import::run(bench.database()?, &table, &file, primary_key.as_deref())?;
            eprintln!("{imported}");
        }
        Command::Export { path, table, file } => {
            bench.open_existing(&path)?;
            let rows = export::run(bench.database()?, &table, &file)?;
            eprintln!("{rows} rows of {table} written to {}", file.display());
        }
        Command::Verify { path } => {
            bench.open_existing(&path)?;
            report::verify(bench.database()?)?;
        }
        Command::Compact { path } => {
            bench.open_existing(&path)?;
            report::compact(bench.database()?)?;
        }
        Command::Repair { path, apply } => repair::run(&path, apply)?,
        Command::Stats { path } => {
            bench.open_existing(&path)?;
            report::stats(bench.database()?)?;
        }
    }
    bench.close()
}
