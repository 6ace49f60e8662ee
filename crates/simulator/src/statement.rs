//! SQL of a plan: statements and queries over tables of one shape.
//!
//! ```sql
//! CREATE TABLE t0 (id BIGINT PRIMARY KEY, a BIGINT NOT NULL, b TEXT, v VECTOR(2) NOT NULL)
//! ```

use drystone::Value;
use serde::{Deserialize, Serialize};

/// A statement that changes something. Tables go by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Statement {
    /// CREATE TABLE.
    CreateTable(u8),
    /// DROP TABLE.
    DropTable(u8),
    /// CREATE INDEX.
    CreateIndex(u8, IndexOn),
    /// DROP INDEX.
    DropIndex(u8, IndexOn),
    /// INSERT of rows, as one statement.
    Insert(u8, Vec<Cells>),
    /// Many rows through [`drystone::Database::bulk_insert`].
    BulkInsert(u8, Vec<Cells>),
    /// UPDATE of a row, by its id, to these cells.
    Update(u8, Cells),
    /// UPDATE of a row's id: from one to another.
    Move(u8, i16, i16),
    /// UPDATE of all rows with `a` in `from..=to`: adds to `a`.
    Add(u8, i16, i16, i16),
    /// UPDATE of all rows with `a` in `from..=to`: sets `b`.
    Label(u8, i16, i16, Option<u8>),
    /// DELETE of a row, by its id.
    Delete(u8, i16),
    /// DELETE of all rows with `a` in `from..=to`.
    DeleteRange(u8, i16, i16),
}

/// An index that a table may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IndexOn {
    /// On `a`.
    A,
    /// On `b`, unique.
    B,
    /// HNSW on `v`.
    V,
}

impl IndexOn {
    /// All of them.
    pub const ALL: [IndexOn; 3] = [IndexOn::A, IndexOn::B, IndexOn::V];
}

/// The cells of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cells {
    /// Column `id`.
    pub id: i16,
    /// Column `a`.
    pub a: i64,
    /// Column `b`: NULL, or the label of this number.
    pub b: Option<u8>,
    /// Column `v`.
    pub v: (i8, i8),
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// All rows, by id.
    All(u8),
    /// One row, by its id.
    Id(u8, i16),
    /// Rows with `a` in `from..=to`, by id.
    A(u8, i16, i16),
    /// Rows with this label.
    B(u8, u8),
    /// How many rows have `a` of at least this, and the sum of it.
    Sum(u8, i16),
    /// The nearest so many rows to a point.
    Nearest(u8, (i8, i8), u8),
}

impl Query {
    /// The table it reads.
    #[must_use]
    pub fn table(&self) -> u8 {
        match self {
            Query::All(table)
            | Query::Id(table, _)
            | Query::A(table, ..)
            | Query::B(table, _)
            | Query::Sum(table, _)
            | Query::Nearest(table, ..) => *table,
        }
    }

    /// Its text and parameters.
    #[must_use]
    pub fn sql(&self) -> (String, Vec<Value>) {
        const COLUMNS: &str = "SELECT id, a, b, v FROM";
        let table = table_name(self.table());
        match self {
            Query::All(_) => (format!("{COLUMNS} {table} ORDER BY id"), vec![]),
            Query::Id(_, id) => (
                format!("{COLUMNS} {table} WHERE id = $1"),
                vec![number(*id)],
            ),
            Query::A(_, from, to) => (
                format!("{COLUMNS} {table} WHERE a BETWEEN $1 AND $2 ORDER BY id"),
                vec![number(*from), number(*to)],
            ),
            Query::B(_, label) => (
                format!("{COLUMNS} {table} WHERE b = $1 ORDER BY id"),
                vec![label_text(*label).into()],
            ),
            Query::Sum(_, from) => (
                format!("SELECT count(*), COALESCE(sum(a), 0)::BIGINT FROM {table} WHERE a >= $1"),
                vec![number(*from)],
            ),
            Query::Nearest(_, point, limit) => (
                format!("{COLUMNS} {table} ORDER BY v <-> $1 LIMIT {limit}"),
                vec![vector_text(*point).into()],
            ),
        }
    }
}

impl Statement {
    /// The table it is about.
    #[must_use]
    pub fn table(&self) -> u8 {
        match self {
            Statement::CreateTable(table)
            | Statement::DropTable(table)
            | Statement::CreateIndex(table, _)
            | Statement::DropIndex(table, _)
            | Statement::Insert(table, _)
            | Statement::BulkInsert(table, _)
            | Statement::Update(table, _)
            | Statement::Move(table, ..)
            | Statement::Add(table, ..)
            | Statement::Label(table, ..)
            | Statement::Delete(table, _)
            | Statement::DeleteRange(table, ..) => *table,
        }
    }

    /// Its text and parameters. A bulk insert as the INSERT that would do the same.
    #[must_use]
    pub fn sql(&self) -> (String, Vec<Value>) {
        let table = table_name(self.table());
        match self {
            Statement::CreateTable(_) => (
                format!(
                    "CREATE TABLE {table} (id BIGINT PRIMARY KEY, a BIGINT NOT NULL, b TEXT, v VECTOR(2) NOT NULL)"
                ),
                vec![],
            ),
            Statement::DropTable(_) => (format!("DROP TABLE {table}"), vec![]),
            Statement::CreateIndex(number, on) => (create_index(*number, *on), vec![]),
            Statement::DropIndex(number, on) => {
                (format!("DROP INDEX {}", index_name(*number, *on)), vec![])
            }
            Statement::Insert(_, rows) | Statement::BulkInsert(_, rows) => insert(&table, rows),
            Statement::Update(_, cells) => {
                let [id, a, b, v] = cells.values();
                (
                    format!("UPDATE {table} SET a = $2, b = $3, v = $4 WHERE id = $1"),
                    vec![id, a, b, v],
                )
            }
            Statement::Move(_, from, to) => (
                format!("UPDATE {table} SET id = $2 WHERE id = $1"),
                vec![number(*from), number(*to)],
            ),
            Statement::Add(_, from, to, by) => (
                format!("UPDATE {table} SET a = a + $3 WHERE a BETWEEN $1 AND $2"),
                vec![number(*from), number(*to), number(*by)],
            ),
            Statement::Label(_, from, to, label) => (
                format!("UPDATE {table} SET b = $3 WHERE a BETWEEN $1 AND $2"),
                vec![number(*from), number(*to), label_value(*label)],
            ),
            Statement::Delete(_, id) => (
                format!("DELETE FROM {table} WHERE id = $1"),
                vec![number(*id)],
            ),
            Statement::DeleteRange(_, from, to) => (
                format!("DELETE FROM {table} WHERE a BETWEEN $1 AND $2"),
                vec![number(*from), number(*to)],
            ),
        }
    }
}

impl Cells {
    /// As values of the columns.
    #[must_use]
    pub fn values(&self) -> [Value; 4] {
        [
            number(self.id),
            Value::from(self.a),
            label_value(self.b),
            vector_text(self.v).into(),
        ]
    }
}

fn insert(table: &str, rows: &[Cells]) -> (String, Vec<Value>) {
    let places = (0..rows.len()).map(|row| {
        let first = row * 4;
        format!(
            "(${}, ${}, ${}, ${})",
            first + 1,
            first + 2,
            first + 3,
            first + 4
        )
    });
    let places: Vec<String> = places.collect();
    let text = format!("INSERT INTO {table} VALUES {}", places.join(", "));
    (text, rows.iter().flat_map(Cells::values).collect())
}

fn create_index(table: u8, on: IndexOn) -> String {
    let (name, table) = (index_name(table, on), table_name(table));
    match on {
        IndexOn::A => format!("CREATE INDEX {name} ON {table} (a)"),
        IndexOn::B => format!("CREATE UNIQUE INDEX {name} ON {table} (b)"),
        IndexOn::V => {
            format!("CREATE INDEX {name} ON {table} USING hnsw (v) WITH (metric = 'l2')")
        }
    }
}

fn number(number: i16) -> Value {
    Value::from(i64::from(number))
}

fn label_value(label: Option<u8>) -> Value {
    label.map_or(Value::Null, |label| label_text(label).into())
}

/// The text of a label; some are long.
#[must_use]
pub fn label_text(label: u8) -> String {
    format!("label {label}{}", "-".repeat(usize::from(label) * 3))
}

fn vector_text((x, y): (i8, i8)) -> String {
    format!("[{x}, {y}]")
}

/// The name of a table.
#[must_use]
pub fn table_name(table: u8) -> String {
    format!("t{table}")
}

/// The name of an index.
#[must_use]
pub fn index_name(table: u8, on: IndexOn) -> String {
    let column = match on {
        IndexOn::A => "a",
        IndexOn::B => "b",
        IndexOn::V => "v",
    };
    format!("t{table}_{column}")
}
