//! `drystone repair`: gives up what is behind damage in the log, where a person says so.

use std::path::Path;

use anyhow::Context;
use drystone::{CreateMode, Database, Error, ErrorKind, Options, Part, Recovery, RepairReport};

use crate::report;

const GIVE_UP: &str = "the log is damaged; nothing was changed. If there is no better copy: `repair --apply` keeps the \
    commits before the damage, sets the files of the log from there on aside, and gives up the commits in them; copy the \
    whole directory first";

const NOT_THE_LOG: &str = "what is damaged is the engine's, not the log; nothing was changed, and `repair` cannot mend it. \
    Restore the directory from a backup";

const NEITHER: &str = "this is no damage to the log; nothing was changed";

/// Opens the database in `path`; where its log is damaged, says where, and with `apply` keeps what is before that and sets
/// the rest aside.
pub(crate) fn run(path: &Path, apply: bool) -> anyhow::Result<()> {
    match open(path, Recovery::Strict) {
        Ok(database) => {
            println!("the log is sound; nothing to repair");
            Ok(database.close()?)
        }
        Err(error) if !may_be_damage(&error) => Err(error.into()),
        Err(error) => match error.part() {
            Some(Part::Log) if apply => repair(path),
            Some(Part::Log) => Err(error).context(GIVE_UP),
            Some(Part::Engine) => Err(error).context(NOT_THE_LOG),
            _ => Err(error).context(NEITHER),
        },
    }
}

fn repair(path: &Path) -> anyhow::Result<()> {
    let database = open(path, Recovery::Repair)?;
    match database.repaired() {
        Some(report) => tell(&report),
        None => println!("nothing had to be set aside"),
    }
    report::verify(&database)?;
    Ok(database.close()?)
}

fn open(path: &Path, recovery: Recovery) -> Result<Database, Error> {
    let options = Options {
        create: CreateMode::Never,
        recovery,
        ..Options::default()
    };
    Database::open_with(path, options)
}

/// Sectors that the disk does not read any more are damage, too.
fn may_be_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Io)
}

fn tell(report: &RepairReport) {
    println!("{report}");
    for file in &report.set_aside {
        println!("set aside: {}", file.display());
    }
}
