//! Everything that readers see of a database, as a state to be held against the oracle's.

use std::collections::BTreeMap;
use std::sync::Arc;

use drystone::{Database, Error, ErrorKind, Row, TableInfo, Value};

use super::judge::Stop;
use crate::oracle::{Space, State, Table};
use crate::statement::{Cells, IndexOn, Query, index_name, label_text};

/// Why nothing could be observed.
pub(crate) enum Unseen {
    /// The database said so.
    Error(Error),
    /// What it gave makes no sense.
    Nonsense(String),
}

impl From<Error> for Unseen {
    fn from(error: Error) -> Unseen {
        Unseen::Error(error)
    }
}

impl From<Unseen> for Stop {
    fn from(unseen: Unseen) -> Stop {
        match unseen {
            Unseen::Error(error) => Stop::unexpected("reading everything", &error),
            Unseen::Nonsense(what) => Stop::wrong(what),
        }
    }
}

/// Reads everything.
pub(crate) fn observe(db: &Database) -> Result<State, Unseen> {
    Ok(State {
        spaces: spaces(db)?,
        tables: tables(db)?,
    })
}

fn spaces(db: &Database) -> Result<BTreeMap<u8, Space>, Unseen> {
    let mut spaces = BTreeMap::new();
    for name in db.keyspace_names()? {
        let number = number_of(&name, 'k')?;
        let entries = db.keyspace(&name)?.get_range::<&[u8]>(..);
        let entries = entries.collect::<Result<BTreeMap<_, _>, _>>()?;
        let space = Space {
            life: 0,
            entries: Arc::new(entries),
        };
        spaces.insert(number, space);
    }
    Ok(spaces)
}

fn tables(db: &Database) -> Result<BTreeMap<u8, Table>, Unseen> {
    let mut tables = BTreeMap::new();
    for info in db.tables()? {
        let number = number_of(info.name(), 't')?;
        tables.insert(number, table(db, number, &info)?);
    }
    Ok(tables)
}

fn table(db: &Database, number: u8, info: &TableInfo) -> Result<Table, Unseen> {
    let rows = rows_of(db, &Query::All(number))?;
    let definition = info.to_sql();
    let indexes = IndexOn::ALL.into_iter();
    let indexes = indexes.filter(|on| definition.contains(&index_name(number, *on)));
    Ok(Table {
        life: 0,
        rows: Arc::new(rows.into_iter().map(|row| (row.id, row)).collect()),
        indexes: indexes.map(|on| (on, 0)).collect(),
    })
}

/// The rows that a query gives, of those that give whole rows.
pub(crate) fn rows_of(db: &Database, query: &Query) -> Result<Vec<Cells>, Unseen> {
    let (sql, parameters) = query.sql();
    let rows = db.query(&sql, &parameters)?;
    rows.map(|row| cells(&row.map_err(Error::from)?)).collect()
}

/// A row of columns `id`, `a`, `b`, `v`.
pub(crate) fn cells(row: &Row) -> Result<Cells, Unseen> {
    let [
        Value::BigInt(id),
        Value::BigInt(a),
        b,
        Value::Vector(vector),
    ] = row.values()
    else {
        return Err(nonsense("a row", row.values()));
    };
    let id = i16::try_from(*id).map_err(|_| nonsense("an id", id))?;
    Ok(Cells {
        id,
        a: *a,
        b: label(b)?,
        v: point(vector)?,
    })
}

fn label(value: &Value) -> Result<Option<u8>, Unseen> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::Text(text) => text,
        other => return Err(nonsense("a label", other)),
    };
    let number = text.split(['-', ' ']).nth(1);
    let label = number.and_then(|number| number.parse().ok());
    let label = label.filter(|label| label_text(*label) == **text);
    label.map(Some).ok_or_else(|| nonsense("a label", value))
}

fn point(vector: &[f32]) -> Result<(i8, i8), Unseen> {
    let whole = |element: f32| (i8::MIN..=i8::MAX).find(|whole| f32::from(*whole) == element);
    match vector {
        [x, y] => match (whole(*x), whole(*y)) {
            (Some(x), Some(y)) => Ok((x, y)),
            _ => Err(nonsense("a vector", vector)),
        },
        _ => Err(nonsense("a vector", vector)),
    }
}

fn number_of(name: &str, first: char) -> Result<u8, Unseen> {
    let number = name.strip_prefix(first).and_then(|rest| rest.parse().ok());
    number.ok_or_else(|| nonsense("a name", name))
}

fn nonsense(what: &str, found: impl std::fmt::Debug) -> Unseen {
    Unseen::Nonsense(format!("{what} that nobody wrote: {found:?}"))
}

/// Whether a failed observation is damage that was said.
pub(crate) fn is_reported(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported)
}

/// Where two states differ, in words.
pub(crate) fn difference(expected: &State, found: &State) -> String {
    for (number, space) in &expected.spaces {
        let Some(other) = found.spaces.get(number) else {
            return format!("keyspace k{number} is missing");
        };
        if space != other {
            let pairs = |space: &Space| -> Vec<_> {
                let pairs = space.entries.iter();
                pairs
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect()
            };
            let compared = drystone_testkit::compare(&pairs(space), &pairs(other));
            return match compared {
                Err(difference) => format!("keyspace k{number}: {difference}"),
                Ok(()) => format!("keyspace k{number} differs"),
            };
        }
    }
    for (number, table) in &expected.tables {
        match found.tables.get(number) {
            None => return format!("table t{number} is missing"),
            Some(other) if table == other => {}
            Some(other) => return table_difference(*number, table, other),
        }
    }
    format!(
        "keyspaces {:?} and tables {:?} instead of {:?} and {:?}",
        found.spaces.keys(),
        found.tables.keys(),
        expected.spaces.keys(),
        expected.tables.keys()
    )
}

fn table_difference(number: u8, expected: &Table, found: &Table) -> String {
    let only = |table: &Table, other: &Table| -> Vec<Cells> {
        let rows = table.rows.values();
        rows.filter(|row| other.rows.get(&row.id) != Some(*row))
            .take(5)
            .copied()
            .collect()
    };
    format!(
        "table t{number}: expected rows {:?}, found {:?}; expected indexes {:?}, found {:?}",
        only(expected, found),
        only(found, expected),
        expected.indexes.keys(),
        found.indexes.keys()
    )
}
