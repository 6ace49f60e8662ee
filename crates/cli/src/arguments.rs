//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::output::Mode;

/// Drystone: one embedded database for keys, tables and vectors.
#[derive(Debug, Parser)]
#[command(name = "drystone", version, about, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// How rows are shown
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) mode: Mode,
    /// Show how long each statement takes
    #[arg(long, global = true)]
    pub(crate) timer: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Type SQL at a prompt; `.help` lists the other commands
    Shell {
        /// Directory of the database; created where there is none
        path: PathBuf,
    },
    /// Run a file of SQL statements and dot-commands
    Run {
        /// The file
        file: PathBuf,
        /// Directory of the database; a script may also say `.open DIRECTORY`
        #[arg(long)]
        database: Option<PathBuf>,
    },
    /// Run SQL given as an argument
    Sql {
        /// Directory of the database; created where there is none
        path: PathBuf,
        /// One or more statements
        sql: String,
    },
    /// Import a CSV or JSON-lines file; the table is made from the data where there is none
    Import {
        /// Directory of the database; created where there is none
        path: PathBuf,
        /// Table to import into
        table: String,
        /// File that ends in .csv, .tsv, .jsonl or .ndjson
        file: PathBuf,
        /// Column that becomes the primary key of a table that is made
        #[arg(long)]
        primary_key: Option<String>,
    },
    /// Export a table to a CSV or JSON-lines file
    Export {
        /// Directory of the database
        path: PathBuf,
        /// Table to export
        table: String,
        /// File that ends in .csv, .tsv, .jsonl or .ndjson
        file: PathBuf,
    },
    /// Check every checksum and invariant of a database
    Verify {
        /// Directory of the database
        path: PathBuf,
    },
    /// Make the files of a database as small as they get
    Compact {
        /// Directory of the database
        path: PathBuf,
    },
    /// Give up what is behind damage in the log of a database that does not open any more
    Repair {
        /// Directory of the database
        path: PathBuf,
        /// Do it, rather than say what is damaged: keeps all before the damage, sets the files from there on aside
        #[arg(long)]
        apply: bool,
    },
    /// Show sizes and counters of a database
    Stats {
        /// Directory of the database
        path: PathBuf,
    },
}
