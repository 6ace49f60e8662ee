//! Which key or index a table is read by.
//!
//! A key is usable as far as its first columns are compared for equality, and one column further for a list of values
//! or a range. Of the usable ones the cheapest is taken, where reading in the wanted order saves a sort.

use std::sync::Arc;

use drystone_record::DataType;

use crate::catalog::{IndexKind, Table};
use crate::error::SqlError;
use crate::logical::{ColumnId, Expr, ExprKind, RelationId, SortKey, TableRelation};
use crate::operator::BinaryOp;
use crate::plan::{Access, KeyAccess, KeyBound, Node, Scan};
use crate::planner::estimate::{EQUAL, RANGE, selectivity};
use crate::planner::relation::cheap_first;
use crate::planner::{Layout, Planned, Planner, ROW_KEY, Wish};

/// What a row costs that is found through an index, in rows of a plain scan: a look-up of its own.
const LOOKUP_COST: f64 = 3.0;

/// What it costs to find where to start.
const SEEK_COST: f64 = 2.0;

/// A way to read a table.
pub(super) struct Path {
    which: Which,
    keys: KeyMatch,
    backwards: bool,
    ordered: bool,
    /// Rows it reads.
    pub(super) rows: f64,
    pub(super) cost: f64,
}

/// Which key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Full,
    PrimaryKey,
    Index(usize),
}

/// What the conditions say about the columns of a key.
#[derive(Default)]
struct KeyMatch {
    equal: Vec<Expr>,
    any_of: Option<Vec<Expr>>,
    low: Option<(Expr, bool)>,
    high: Option<(Expr, bool)>,
    /// Positions of the conditions that are thereby met.
    used: Vec<usize>,
}

impl KeyMatch {
    fn is_empty(&self) -> bool {
        self.used.is_empty()
    }
}

impl Path {
    /// The conditions that it does not meet by itself.
    pub(super) fn rest(&self, conjuncts: Vec<Expr>) -> Vec<Expr> {
        let all = conjuncts.into_iter().enumerate();
        all.filter(|(position, _)| !self.keys.used.contains(position))
            .map(|(_, conjunct)| conjunct)
            .collect()
    }

    /// Whether it narrows the table down by a key.
    pub(super) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }
}

impl Planner<'_> {
    /// A table with its conditions.
    pub(super) fn table(
        &mut self,
        relation: &TableRelation,
        conjuncts: Vec<Expr>,
        wish: Wish<'_>,
    ) -> Result<Planned, SqlError> {
        let nothing = Layout::default();
        let path = self.best_path(relation, &conjuncts, &nothing, wish)?;
        let ordered = path.ordered;
        let rest = path.rest(conjuncts);
        let (scan, layout) = self.scan(relation, &rest, &nothing, path)?;
        Ok(Planned {
            rows: scan.rows,
            node: Node::Scan(Arc::new(scan)),
            layout,
            ordered,
        })
    }

    /// The cheapest way to read a table whose conditions may use the columns of `outside`.
    pub(super) fn best_path(
        &self,
        relation: &TableRelation,
        conjuncts: &[Expr],
        outside: &Layout,
        wish: Wish<'_>,
    ) -> Result<Path, SqlError> {
        let table = &relation.table;
        let keys = match_key(relation.id, table, table.key_columns(), conjuncts, outside);
        if !table.has_row_ids() && keys.equal.len() == table.key_columns().len() {
            return Ok(one_row(keys));
        }
        let table_rows = self.table_rows(table)?;
        let left = selectivity(conjuncts);
        let mut best = full_path(relation, table_rows, left, wish);
        let primary = (Which::PrimaryKey, table.key_columns().to_vec(), true);
        let indexes = table.indexes().iter().enumerate();
        let indexes = indexes.filter_map(|(position, index)| match index.kind {
            IndexKind::BTree { unique } => {
                Some((Which::Index(position), index.columns.clone(), unique))
            }
            IndexKind::Hnsw(_) => None,
        });
        for (which, columns, unique) in std::iter::once(primary).chain(indexes) {
            let keys = match_key(relation.id, table, &columns, conjuncts, outside);
            let is_one = unique && keys.equal.len() == columns.len() && !columns.is_empty();
            let order = key_order(relation, which, &columns, &keys, wish.order, is_one);
            if keys.is_empty()
                && (which == Which::PrimaryKey || order.is_none() || wish.order.is_empty())
            {
                continue;
            }
            let rows = match is_one {
                true => 1.0,
                false => (table_rows * key_share(&keys)).max(1.0),
            };
            let per_row = match which {
                Which::Index(_) => LOOKUP_COST,
                Which::Full | Which::PrimaryKey => 1.0,
            };
            let remaining = (table_rows * left).max(1.0).min(rows);
            let path = Path {
                which,
                backwards: order == Some(true),
                ordered: order.is_some() || wish.order.is_empty(),
                cost: SEEK_COST + cost_of(rows, per_row, remaining, order.is_some(), wish),
                rows,
                keys,
            };
            if path.cost < best.cost {
                best = path;
            }
        }
        Ok(best)
    }

    /// The scan of a path that checks `rest` too. Slots: the columns that the statement reads, those of conditions
    /// first.
    pub(super) fn scan(
        &mut self,
        relation: &TableRelation,
        rest: &[Expr],
        outside: &Layout,
        path: Path,
    ) -> Result<(Scan, Layout), SqlError> {
        let rest = cheap_first(rest);
        let (columns, filter_columns, emits_key) = self.scan_columns(relation.id, &rest);
        let mut layout = Layout::of_relation(relation.id, columns.iter().copied());
        if emits_key {
            layout.columns.push(ColumnId {
                relation: relation.id,
                column: ROW_KEY,
            });
        }
        let filter = self.compile_all(&rest, &layout)?;
        let rows = (path.rows * selectivity(&rest)).max(1.0);
        let access = match path.which {
            Which::Full => Access::Full {
                backwards: path.backwards,
            },
            Which::PrimaryKey => {
                Access::Key(self.key_access(path.keys, path.backwards, outside)?)
            }
            Which::Index(index_idx) => Access::Index {
                index_idx,
                keys: self.key_access(path.keys, path.backwards, outside)?,
            },
        };
        let scan = Scan {
            table: Arc::clone(&relation.table),
            alias: relation.alias.clone(),
            access,
            columns: columns.into(),
            filter_columns,
            emits_key,
            filter,
            rows,
        };
        Ok((scan, layout))
    }

    /// The columns that a scan decodes, how many of them its conditions read, and whether the row's key is wanted.
    pub(super) fn scan_columns(
        &self,
        relation: RelationId,
        conditions: &[Expr],
    ) -> (Vec<usize>, usize, bool) {
        let mut read_first: Vec<usize> = conditions
            .iter()
            .flat_map(Expr::columns)
            .filter(|column| column.relation == relation)
            .map(|column| column.column)
            .collect();
        read_first.sort_unstable();
        read_first.dedup();
        let mut needed = self.needed.of(relation);
        let emits_key = needed.last() == Some(&ROW_KEY);
        needed.retain(|column| *column != ROW_KEY && !read_first.contains(column));
        let filter_columns = read_first.len();
        read_first.extend(needed);
        (read_first, filter_columns, emits_key)
    }

    fn key_access(
        &mut self,
        keys: KeyMatch,
        backwards: bool,
        outside: &Layout,
    ) -> Result<KeyAccess, SqlError> {
        Ok(KeyAccess {
            equal: self.compile_all(&keys.equal, outside)?,
            any_of: match &keys.any_of {
                Some(values) => Some(self.compile_all(values, outside)?),
                None => None,
            },
            low: self.key_bound(keys.low, outside)?,
            high: self.key_bound(keys.high, outside)?,
            backwards,
        })
    }

    fn key_bound(
        &mut self,
        bound: Option<(Expr, bool)>,
        outside: &Layout,
    ) -> Result<Option<KeyBound>, SqlError> {
        bound
            .map(|(value, inclusive)| {
                Ok(KeyBound {
                    value: self.compile(&value, outside)?,
                    inclusive,
                })
            })
            .transpose()
    }
}

/// The look-up of one row by its primary key: nothing is cheaper, whatever the size of the table.
fn one_row(keys: KeyMatch) -> Path {
    Path {
        which: Which::PrimaryKey,
        keys,
        backwards: false,
        ordered: true,
        rows: 1.0,
        cost: SEEK_COST,
    }
}

/// Reading the whole table, in the order of its primary key.
fn full_path(relation: &TableRelation, rows: f64, left: f64, wish: Wish<'_>) -> Path {
    let table = &relation.table;
    let keys = KeyMatch::default();
    let order = match table.has_row_ids() {
        true => wish.order.is_empty().then_some(false),
        false => key_order(
            relation,
            Which::Full,
            table.key_columns(),
            &keys,
            wish.order,
            false,
        ),
    };
    let remaining = (rows * left).max(1.0);
    Path {
        which: Which::Full,
        keys,
        backwards: order == Some(true),
        ordered: order.is_some(),
        rows,
        cost: cost_of(rows, 1.0, remaining, order.is_some(), wish),
    }
}

/// What it costs to read `rows` rows of which `remaining` pass all conditions, and to sort those where need be.
fn cost_of(rows: f64, per_row: f64, remaining: f64, ordered: bool, wish: Wish<'_>) -> f64 {
    match wish.limit {
        Some(limit) if ordered => rows.min(limit * (rows / remaining).max(1.0)) * per_row,
        _ if ordered || wish.order.is_empty() => rows * per_row,
        _ => rows * per_row + remaining * remaining.max(2.0).log2() * 0.2,
    }
}

/// The share of a table that lies in the matched part of a key.
fn key_share(keys: &KeyMatch) -> f64 {
    let equal: f64 = keys.equal.iter().map(|_| EQUAL).product();
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let any_of = keys
        .any_of
        .as_ref()
        .map_or(1.0, |values| (EQUAL * values.len() as f64).min(1.0));
    let bounds = usize::from(keys.low.is_some()) + usize::from(keys.high.is_some());
    let range = match bounds {
        0 => 1.0,
        1 => RANGE,
        _ => RANGE / 3.0,
    };
    equal * any_of * range
}

/// What `conjuncts` say about the first columns of a key, with values made of the columns of `outside`.
fn match_key(
    relation: RelationId,
    table: &Table,
    columns: &[usize],
    conjuncts: &[Expr],
    outside: &Layout,
) -> KeyMatch {
    let mut keys = KeyMatch::default();
    for &column in columns {
        let id = ColumnId { relation, column };
        let data_type = table.columns()[column].data_type;
        let mut compared = conjuncts
            .iter()
            .enumerate()
            .filter_map(|(position, conjunct)| {
                let (op, value) = compared_to(conjunct, id, data_type, outside)?;
                Some((position, op, value))
            });
        if let Some((position, _, value)) =
            compared.find(|(position, op, _)| *op == BinaryOp::Eq && !keys.used.contains(position))
        {
            keys.equal.push(value);
            keys.used.push(position);
            continue;
        }
        match_last(&mut keys, id, data_type, conjuncts, outside);
        break;
    }
    keys
}

/// A list of values or a range of the column after those that are compared for equality.
fn match_last(
    keys: &mut KeyMatch,
    id: ColumnId,
    data_type: DataType,
    conjuncts: &[Expr],
    outside: &Layout,
) {
    for (position, conjunct) in conjuncts.iter().enumerate() {
        if let Some(values) = listed(conjunct, id, data_type, outside) {
            keys.any_of = Some(values);
            keys.used.push(position);
            return;
        }
    }
    for (position, conjunct) in conjuncts.iter().enumerate() {
        let Some((op, value)) = compared_to(conjunct, id, data_type, outside) else {
            continue;
        };
        let (bound, inclusive) = match op {
            BinaryOp::Gt => (&mut keys.low, false),
            BinaryOp::GtEq => (&mut keys.low, true),
            BinaryOp::Lt => (&mut keys.high, false),
            BinaryOp::LtEq => (&mut keys.high, true),
            _ => continue,
        };
        if bound.is_none() {
            *bound = Some((value, inclusive));
            keys.used.push(position);
        }
    }
}

/// `column op value` or `value op column`, as the operator with the column on its left and the value.
fn compared_to(
    conjunct: &Expr,
    id: ColumnId,
    data_type: DataType,
    outside: &Layout,
) -> Option<(BinaryOp, Expr)> {
    let ExprKind::Binary { op, left, right } = &conjunct.kind else {
        return None;
    };
    if is_key_column(left, id, data_type) && is_known(right, outside) {
        return Some((*op, (**right).clone()));
    }
    if is_key_column(right, id, data_type) && is_known(left, outside) {
        return Some((mirrored(*op)?, (**left).clone()));
    }
    None
}

/// The values of `column IN (...)`.
fn listed(
    conjunct: &Expr,
    id: ColumnId,
    data_type: DataType,
    outside: &Layout,
) -> Option<Vec<Expr>> {
    let ExprKind::InList {
        expr,
        list,
        negated: false,
    } = &conjunct.kind
    else {
        return None;
    };
    let usable =
        is_key_column(expr, id, data_type) && list.iter().all(|value| is_known(value, outside));
    usable.then(|| list.clone())
}

/// Whether an expression is this column, or it widened from INTEGER to BIGINT: look-ups narrow the value instead.
fn is_key_column(expr: &Expr, id: ColumnId, data_type: DataType) -> bool {
    match &expr.kind {
        ExprKind::Column(column) => *column == id,
        ExprKind::Cast {
            expr,
            target: DataType::BigInt,
            context: _,
        } => data_type == DataType::Integer && expr.kind == ExprKind::Column(id),
        _ => false,
    }
}

/// Whether the value of an expression is known when the columns of `outside` are.
fn is_known(expr: &Expr, outside: &Layout) -> bool {
    let mut known = true;
    expr.walk(&mut |part| {
        known &= match &part.kind {
            ExprKind::Column(id) => outside.slot(*id).is_some(),
            ExprKind::Function { function, .. } => !function.is_volatile(),
            _ => true,
        };
        known
    });
    known
}

fn mirrored(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Eq => BinaryOp::Eq,
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::LtEq => BinaryOp::GtEq,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::GtEq => BinaryOp::LtEq,
        _ => return None,
    })
}

/// Whether reading a key in order gives the wanted order: `Some(true)` when it must be read backwards.
fn key_order(
    relation: &TableRelation,
    which: Which,
    columns: &[usize],
    keys: &KeyMatch,
    order: &[SortKey],
    is_one: bool,
) -> Option<bool> {
    if order.is_empty() || is_one {
        return Some(false);
    }
    if keys.any_of.is_some() {
        return None;
    }
    let table = &relation.table;
    let row_key = match which {
        Which::Index(_) => table.key_columns(),
        Which::Full | Which::PrimaryKey => &[],
    };
    let fixed = &columns[..keys.equal.len()];
    let mut following = columns[keys.equal.len()..].iter().chain(row_key);
    let mut backwards = None;
    for key in order {
        let ExprKind::Column(id) = key.expr.kind else {
            return None;
        };
        if id.relation != relation.id {
            return None;
        }
        if fixed.contains(&id.column) {
            continue;
        }
        match following.next() {
            Some(column) if *column == id.column => {}
            // All columns of the row's key are passed: no two rows are equal so far.
            None if !table.has_row_ids() => break,
            _ => return None,
        }
        let nulls_fit = key.nulls_first == key.descending || !table.columns()[id.column].nullable;
        if !nulls_fit || backwards.is_some_and(|backwards| backwards != key.descending) {
            return None;
        }
        backwards = Some(key.descending);
    }
    Some(backwards.unwrap_or(false))
}
