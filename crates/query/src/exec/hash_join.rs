//! A join by equal keys: one side into a hash table, the other past it.

use std::sync::Arc;

use drystone_record::Value;
use hashbrown::HashMap;

use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::eval::{all_true, eval_all};
use crate::exec::join::{combine, without_partner};
use crate::exec::operator::{Operator, Row};
use crate::logical::JoinKind;
use crate::plan::HashJoin;

/// A row of the build side, and the one before it with the same key.
struct Built {
    row: Row,
    before: Option<usize>,
}

/// The build side by key.
#[derive(Default)]
struct Table {
    rows: Vec<Built>,
    /// The last row of each key.
    last: HashMap<Box<[Value]>, usize>,
}

pub(crate) struct HashJoinOperator {
    probe: Box<dyn Operator>,
    build: Box<dyn Operator>,
    join: Arc<HashJoin>,
    table: Option<Table>,
    probe_row: Row,
    /// The next partner of the current probe row; the outer `None` between probe rows.
    partner: Option<Option<usize>>,
    matched: bool,
}

impl HashJoinOperator {
    pub(crate) fn new(
        probe: Box<dyn Operator>,
        build: Box<dyn Operator>,
        join: Arc<HashJoin>,
    ) -> HashJoinOperator {
        HashJoinOperator {
            probe,
            build,
            join,
            table: None,
            probe_row: Row::new(),
            partner: None,
            matched: false,
        }
    }

    fn build_table(&mut self, env: Env<'_>) -> Result<Table, SqlError> {
        let mut table = Table::default();
        let mut row = Row::new();
        while self.build.next(env, &mut row)? {
            let key = eval_all(&self.join.build_keys, &row, env)?;
            if key.iter().any(Value::is_null) {
                continue;
            }
            env.cx.memory.take_row(&row)?;
            env.cx.memory.take_row(&key)?;
            let position = table.rows.len();
            let before = table.last.insert(key, position);
            table.rows.push(Built {
                row: std::mem::take(&mut row),
                before,
            });
        }
        Ok(table)
    }
}

impl Operator for HashJoinOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        if self.table.is_none() {
            self.table = Some(self.build_table(env)?);
        }
        let Some(table) = &self.table else {
            return Ok(false);
        };
        loop {
            let mut partner = match self.partner {
                Some(partner) => partner,
                None => {
                    if !self.probe.next(env, &mut self.probe_row)? {
                        return Ok(false);
                    }
                    self.matched = false;
                    let key = eval_all(&self.join.probe_keys, &self.probe_row, env)?;
                    table.last.get(&key).copied()
                }
            };
            while let Some(position) = partner {
                let built = &table.rows[position];
                partner = built.before;
                env.cx.note_row()?;
                combine(row, &self.probe_row, &built.row);
                if all_true(&self.join.residual, row, env)? {
                    self.matched = true;
                    self.partner = Some(partner);
                    return Ok(true);
                }
            }
            self.partner = None;
            if self.join.kind == JoinKind::Left && !self.matched {
                without_partner(row, &self.probe_row, self.join.build_width);
                return Ok(true);
            }
        }
    }
}
