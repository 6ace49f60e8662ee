//! What the shell and scripts work on: an open database, a session in it, and how results are shown.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, anyhow};
use drystone::{CreateMode, Database, Options, Outcome, Session};

use crate::dot_command::{DotCommand, HELP};
use crate::output::Mode;
use crate::{export, import, report, script};

/// Whether to go on with the next line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    Quit,
}

/// An open database and how its results are shown.
pub(crate) struct Workbench {
    open: Option<Open>,
    mode: Mode,
    timer: bool,
}

struct Open {
    session: Session,
    database: Database,
}

impl Workbench {
    pub(crate) fn new(mode: Mode, timer: bool) -> Workbench {
        Workbench {
            open: None,
            mode,
            timer,
        }
    }

    /// Opens the database in `path`, or creates it, in place of the one that was open.
    pub(crate) fn open(&mut self, path: &Path) -> anyhow::Result<()> {
        self.open_with(path, CreateMode::IfMissing)
    }

    /// Opens the database in `path`, which must be there.
    pub(crate) fn open_existing(&mut self, path: &Path) -> anyhow::Result<()> {
        self.open_with(path, CreateMode::Never)
    }

    fn open_with(&mut self, path: &Path, create: CreateMode) -> anyhow::Result<()> {
        let previous = self.open.take();
        if let Some(Open { session, database }) = previous {
            drop(session);
            database.close()?;
        }
        let database = Database::open_with(
            path,
            Options {
                create,
                ..Options::default()
            },
        )?;
        self.open = Some(Open {
            session: database.session(),
            database,
        });
        Ok(())
    }

    pub(crate) fn database(&self) -> anyhow::Result<&Database> {
        let open = self.open.as_ref();
        open.map(|open| &open.database)
            .ok_or_else(|| anyhow!("no database is open; say .open DIRECTORY first"))
    }

    /// Whether a transaction is open in the session.
    pub(crate) fn in_transaction(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.session.in_transaction())
    }

    /// Runs one SQL statement and shows what it gives.
    pub(crate) fn run_sql(&mut self, sql: &str) -> anyhow::Result<()> {
        let (mode, timer) = (self.mode, self.timer);
        self.database()?;
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let started = Instant::now();
        let outcome = open.session.execute(sql, &[])?;
        let mut out = io::stdout().lock();
        let summary = match outcome {
            Outcome::Rows(rows) => counted(mode.write(rows, &mut out)?, "row"),
            Outcome::Affected(count) => format!("{} changed", counted(count, "row")),
            Outcome::Done(tag) => tag.to_string(),
        };
        show_summary(
            mode,
            timer.then(|| started.elapsed().as_secs_f64() * 1e3),
            &summary,
            &mut out,
        )?;
        Ok(out.flush()?)
    }

    /// Runs a command that starts with a dot.
    pub(crate) fn run_dot(&mut self, line: &str) -> anyhow::Result<Flow> {
        match DotCommand::parse(line)? {
            DotCommand::Quit => return Ok(Flow::Quit),
            DotCommand::Help => println!("{HELP}"),
            DotCommand::Open(path) => self.open(&path)?,
            DotCommand::Tables => report::tables(self.database()?)?,
            DotCommand::Schema(table) => report::schema(self.database()?, table.as_deref())?,
            DotCommand::Import { table, file } => {
                self.refuse_in_transaction(".import")?;
                println!("{}", import::run(self.database()?, &table, &file, None)?);
            }
            DotCommand::Export { table, file } => {
                let rows = export::run(self.database()?, &table, &file)?;
                println!("{rows} rows of {table} written to {}", file.display());
            }
            DotCommand::Mode(mode) => self.mode = mode,
            DotCommand::Timer(on) => self.timer = on,
            DotCommand::Read(file) => {
                script::run_file(self, &file).with_context(|| format!("in {}", file.display()))?;
            }
            DotCommand::Stats => report::stats(self.database()?)?,
            DotCommand::Verify => report::verify(self.database()?)?,
        }
        Ok(Flow::Continue)
    }

    fn refuse_in_transaction(&self, what: &str) -> anyhow::Result<()> {
        if self.in_transaction() {
            return Err(anyhow!(
                "{what} commits by itself: COMMIT or ROLLBACK the open transaction first"
            ));
        }
        Ok(())
    }

    /// Closes the database: all commits are on stable media when this returns.
    pub(crate) fn close(mut self) -> anyhow::Result<()> {
        if let Some(Open { session, database }) = self.open.take() {
            drop(session);
            database.close()?;
        }
        Ok(())
    }
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// For people, what was done stands under the table; programs that read CSV or JSON get it on standard error.
fn show_summary(
    mode: Mode,
    millis: Option<f64>,
    summary: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let time = millis
        .map(|millis| format!("  ({millis:.3} ms)"))
        .unwrap_or_default();
    match mode {
        Mode::Table => writeln!(out, "{summary}{time}"),
        Mode::Csv | Mode::Json if millis.is_some() => writeln!(io::stderr(), "{summary}{time}"),
        Mode::Csv | Mode::Json => Ok(()),
    }
}
