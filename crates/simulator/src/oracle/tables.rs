//! What SQL statements do to a state, and what they leave in a footprint.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::Lives;
use super::footprint::Footprint;
use super::state::{State, Table};
use crate::statement::{Cells, IndexOn, Statement};

/// What a statement must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// So many rows changed.
    Affected(u64),
    /// It fails with this SQLSTATE.
    Fails(&'static str),
}

const NO_TABLE: Said = Said::Fails("42P01");
const NO_INDEX: Said = Said::Fails("42704");
const NAME_TAKEN: Said = Said::Fails("42P07");
const NOT_UNIQUE: Said = Said::Fails("23505");

/// About how many bytes a row takes.
const ROW_BYTES: usize = 400;

/// Does what a statement does; nothing where it fails.
pub(crate) fn run(
    statement: &Statement,
    state: &mut State,
    footprint: &mut Footprint,
    lives: &mut Lives,
) -> Said {
    let before = (state.clone(), footprint.clone());
    let said = Work {
        state,
        footprint,
        lives,
    }
    .run(statement);
    if matches!(said, Said::Fails(_)) {
        (*state, *footprint) = before;
    }
    said
}

struct Work<'w> {
    state: &'w mut State,
    footprint: &'w mut Footprint,
    lives: &'w mut Lives,
}

impl Work<'_> {
    fn run(&mut self, statement: &Statement) -> Said {
        let number = statement.table();
        if let Statement::CreateTable(_) = statement {
            return self.create_table(number);
        }
        let Some(table) = self.state.tables.get(&number).cloned() else {
            return match statement {
                Statement::DropIndex(..) => NO_INDEX,
                _ => NO_TABLE,
            };
        };
        match statement {
            Statement::CreateTable(_) => NAME_TAKEN,
            Statement::DropTable(_) => self.drop_table(number, &table),
            Statement::CreateIndex(_, on) => self.create_index(number, table, *on),
            Statement::DropIndex(_, on) => self.drop_index(number, table, *on),
            Statement::Insert(_, rows) | Statement::BulkInsert(_, rows) => {
                self.insert(number, table, rows)
            }
            Statement::Update(_, cells) => {
                let old = table.rows.get(&cells.id).copied();
                self.change(number, table, old.map(|old| (old, *cells)))
            }
            Statement::Move(_, from, to) => self.move_row(number, table, *from, *to),
            Statement::Add(_, from, to, by) => {
                let by = i64::from(*by);
                let changed = matching(&table, *from, *to).map(|old| {
                    let a = old.a + by;
                    (old, Cells { a, ..old })
                });
                let changed: Vec<_> = changed.collect();
                self.change(number, table, changed)
            }
            Statement::Label(_, from, to, label) => {
                let changed =
                    matching(&table, *from, *to).map(|old| (old, Cells { b: *label, ..old }));
                let changed: Vec<_> = changed.collect();
                self.change(number, table, changed)
            }
            Statement::Delete(_, id) => {
                let gone: Vec<_> = table.rows.get(id).copied().into_iter().collect();
                self.delete(number, table, &gone)
            }
            Statement::DeleteRange(_, from, to) => {
                let gone: Vec<_> = matching(&table, *from, *to).collect();
                self.delete(number, table, &gone)
            }
        }
    }

    fn create_table(&mut self, number: u8) -> Said {
        if self.state.tables.contains_key(&number) {
            return NAME_TAKEN;
        }
        let life = self.lives.next();
        let table = Table {
            life,
            ..Table::default()
        };
        self.state.tables.insert(number, table);
        self.footprint.define(number);
        Said::Affected(0)
    }

    fn drop_table(&mut self, number: u8, table: &Table) -> Said {
        self.state.tables.remove(&number);
        self.end(table.life);
        for life in table.indexes.values() {
            self.end(*life);
        }
        self.footprint.define(number);
        Said::Affected(0)
    }

    fn create_index(&mut self, number: u8, mut table: Table, on: IndexOn) -> Said {
        if table.indexes.contains_key(&on) {
            return NAME_TAKEN;
        }
        if on == IndexOn::B && !is_unique(&table.rows) {
            return NOT_UNIQUE;
        }
        let life = self.lives.next();
        table.indexes.insert(on, life);
        for row in table.rows.values() {
            self.footprint.write(life, entry(on, row), 0);
        }
        self.footprint.guarded_whole.insert(table.life);
        self.state.tables.insert(number, table);
        self.footprint.define(number);
        Said::Affected(0)
    }

    fn drop_index(&mut self, number: u8, mut table: Table, on: IndexOn) -> Said {
        let Some(life) = table.indexes.remove(&on) else {
            return NO_INDEX;
        };
        self.end(life);
        self.state.tables.insert(number, table);
        self.footprint.define(number);
        Said::Affected(0)
    }

    /// Ends a life: what was written to it in this transaction goes.
    fn end(&mut self, life: u64) {
        self.footprint.written.retain(|(of, _)| *of != life);
        self.footprint.dropped.insert(life);
    }

    fn insert(&mut self, number: u8, mut table: Table, inserted: &[Cells]) -> Said {
        let rows = Arc::make_mut(&mut table.rows);
        for row in inserted {
            if rows.insert(row.id, *row).is_some() {
                return NOT_UNIQUE;
            }
        }
        if table.indexes.contains_key(&IndexOn::B) && !is_unique(&table.rows) {
            return NOT_UNIQUE;
        }
        for row in inserted {
            self.write_row(&table, row);
        }
        self.put(number, table);
        Said::Affected(inserted.len() as u64)
    }

    fn change(
        &mut self,
        number: u8,
        mut table: Table,
        changes: impl IntoIterator<Item = (Cells, Cells)> + Clone,
    ) -> Said {
        let rows = Arc::make_mut(&mut table.rows);
        let mut count = 0;
        for (_, new) in changes.clone() {
            rows.insert(new.id, new);
            count += 1;
        }
        if table.indexes.contains_key(&IndexOn::B) && !is_unique(&table.rows) {
            return NOT_UNIQUE;
        }
        for (old, new) in changes {
            let key = row_key(&new);
            self.footprint.write(table.life, key, ROW_BYTES);
            for (&on, &life) in &table.indexes {
                let (stale, fresh) = (entry(on, &old), entry(on, &new));
                if stale != fresh {
                    self.footprint.write(life, stale, 0);
                    self.footprint.write(life, fresh, 0);
                } else if on == IndexOn::V && old.v != new.v {
                    self.footprint.write(life, fresh, 0);
                }
            }
        }
        self.put(number, table);
        Said::Affected(count)
    }

    fn move_row(&mut self, number: u8, mut table: Table, from: i16, to: i16) -> Said {
        let Some(old) = table.rows.get(&from).copied() else {
            return self.change(number, table, None);
        };
        if from == to {
            // The row is written anew, and no entry of an index: none of them is another.
            return self.change(number, table, Some((old, old)));
        }
        if table.rows.contains_key(&to) {
            return NOT_UNIQUE;
        }
        let new = Cells { id: to, ..old };
        let rows = Arc::make_mut(&mut table.rows);
        rows.remove(&from);
        rows.insert(to, new);
        self.write_row(&table, &old);
        self.write_row(&table, &new);
        self.put(number, table);
        Said::Affected(1)
    }

    fn delete(&mut self, number: u8, mut table: Table, gone: &[Cells]) -> Said {
        let rows = Arc::make_mut(&mut table.rows);
        for row in gone {
            rows.remove(&row.id);
        }
        for row in gone {
            self.write_row(&table, row);
        }
        self.put(number, table);
        Said::Affected(gone.len() as u64)
    }

    /// Notes that a row and all its entries are written, or removed.
    fn write_row(&mut self, table: &Table, row: &Cells) {
        self.footprint.write(table.life, row_key(row), ROW_BYTES);
        for (&on, &life) in &table.indexes {
            self.footprint.write(life, entry(on, row), 0);
        }
    }

    fn put(&mut self, number: u8, table: Table) {
        self.footprint.guarded_tables.insert(number);
        self.state.tables.insert(number, table);
    }
}

fn matching(table: &Table, from: i16, to: i16) -> impl Iterator<Item = Cells> {
    let span = i64::from(from)..=i64::from(to);
    table
        .rows
        .values()
        .filter(move |row| span.contains(&row.a))
        .copied()
}

/// Whether no two rows have one label.
fn is_unique(rows: &BTreeMap<i16, Cells>) -> bool {
    let mut labels: Vec<u8> = rows.values().filter_map(|row| row.b).collect();
    let count = labels.len();
    labels.sort_unstable();
    labels.dedup();
    labels.len() == count
}

fn row_key(row: &Cells) -> Bytes {
    Bytes::copy_from_slice(&row.id.to_be_bytes())
}

/// The key of a row's entry in an index.
fn entry(on: IndexOn, row: &Cells) -> Bytes {
    match (on, row.b) {
        (IndexOn::A, _) => [&row.a.to_be_bytes()[..], &row.id.to_be_bytes()]
            .concat()
            .into(),
        (IndexOn::B, Some(label)) => vec![1, label].into(),
        (IndexOn::B, None) => [&[0][..], &row.id.to_be_bytes()].concat().into(),
        (IndexOn::V, _) => row_key(row),
    }
}
