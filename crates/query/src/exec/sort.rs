//! ORDER BY: all rows kept and sorted, or only the first ones where LIMIT says so.

use std::cmp::Ordering;
use std::sync::Arc;

use drystone_record::Value;

use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::memory::row_bytes;
use crate::exec::operator::{Operator, Row};
use crate::exec::simple::Counts;
use crate::plan::{Sort, SortKey};

/// Rows beyond the wanted ones that are kept before the surplus is thrown out.
const SURPLUS_ROWS: usize = 1_024;

/// A row with the values of its sort keys, and when it came: equal rows stay in that order.
struct Keyed {
    keys: Box<[Value]>,
    number: u64,
    row: Row,
}

pub(crate) struct SortOperator {
    input: Box<dyn Operator>,
    sort: Arc<Sort>,
    sorted: Option<std::vec::IntoIter<Keyed>>,
}

impl SortOperator {
    pub(crate) fn new(input: Box<dyn Operator>, sort: Arc<Sort>) -> SortOperator {
        SortOperator {
            input,
            sort,
            sorted: None,
        }
    }

    /// Reads all of the input and sorts it.
    fn read(&mut self, env: Env<'_>) -> Result<std::vec::IntoIter<Keyed>, SqlError> {
        let counts = match &self.sort.top {
            Some(window) => window.counts(env)?,
            None => Counts {
                limit: u64::MAX,
                offset: 0,
            },
        };
        let wanted = usize::try_from(counts.limit.saturating_add(counts.offset));
        let wanted = wanted.unwrap_or(usize::MAX);
        let offset = usize::try_from(counts.offset).unwrap_or(usize::MAX);
        let mut rows = self.collect(wanted, env)?;
        rows.sort_unstable_by(|left, right| order(&self.sort.keys, left, right));
        rows.truncate(wanted);
        rows.drain(..offset.min(rows.len()));
        Ok(rows.into_iter())
    }

    /// All rows, or at least the first `wanted` ones.
    fn collect(&mut self, wanted: usize, env: Env<'_>) -> Result<Vec<Keyed>, SqlError> {
        let mut rows: Vec<Keyed> = Vec::new();
        let mut row = Row::new();
        let mut number = 0;
        let most = wanted.saturating_add(SURPLUS_ROWS.max(wanted));
        while wanted > 0 && self.input.next(env, &mut row)? {
            let keys = self.sort.keys.iter().map(|key| key.expr.eval(&row, env));
            let keys = keys.collect::<Result<Box<[Value]>, SqlError>>()?;
            number += 1;
            env.cx.memory.take(row_bytes(&row) + row_bytes(&keys))?;
            rows.push(Keyed {
                keys,
                number,
                row: std::mem::take(&mut row),
            });
            if rows.len() >= most {
                self.throw_out(&mut rows, wanted, env);
            }
        }
        Ok(rows)
    }

    /// Keeps the first `wanted` rows, in any order.
    fn throw_out(&self, rows: &mut Vec<Keyed>, wanted: usize, env: Env<'_>) {
        rows.select_nth_unstable_by(wanted - 1, |left, right| {
            order(&self.sort.keys, left, right)
        });
        let freed = rows[wanted..]
            .iter()
            .map(|keyed| row_bytes(&keyed.row) + row_bytes(&keyed.keys));
        env.cx.memory.give_back(freed.sum());
        rows.truncate(wanted);
    }
}

impl Operator for SortOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        if self.sorted.is_none() {
            self.sorted = Some(self.read(env)?);
        }
        match self.sorted.as_mut().and_then(Iterator::next) {
            Some(keyed) => {
                *row = keyed.row;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

fn order(keys: &[SortKey], left: &Keyed, right: &Keyed) -> Ordering {
    let pairs = left.keys.iter().zip(&right.keys).zip(keys);
    for ((left, right), key) in pairs {
        let order = order_of_key(key, left, right);
        if order != Ordering::Equal {
            return order;
        }
    }
    left.number.cmp(&right.number)
}

fn order_of_key(key: &SortKey, left: &Value, right: &Value) -> Ordering {
    let nulls = match key.nulls_first {
        true => (Ordering::Less, Ordering::Greater),
        false => (Ordering::Greater, Ordering::Less),
    };
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => nulls.0,
        (false, true) => nulls.1,
        (false, false) if key.descending => right.sort_cmp(left),
        (false, false) => left.sort_cmp(right),
    }
}
