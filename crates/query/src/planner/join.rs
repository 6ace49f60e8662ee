//! Joins: in which order, and how each is run.
//!
//! Inner joins are taken apart into their inputs and conditions, and put together greedily: start with the input of
//! the fewest rows, and add the one that keeps the result smallest, preferring inputs that a condition ties to what is
//! there. An outer join is one input; its own inputs are planned apart.

use std::sync::Arc;

use crate::error::SqlError;
use crate::logical::{Expr, ExprKind, JoinKind, Relation, RelationId, TableRelation};
use crate::operator::BinaryOp;
use crate::plan::{self, Node};
use crate::planner::estimate::selectivity;
use crate::planner::{Layout, Planned, Planner, Wish};

/// What a look-up by key costs, in rows of a hash join.
const LOOKUP_COST: f64 = 4.0;

/// One input of a chain of inner joins.
struct Input<'r> {
    relation: &'r Relation,
    /// Relations whose columns it gives.
    ids: Vec<RelationId>,
    /// Conditions on it alone.
    local: Vec<Expr>,
    /// Rows expected after those.
    rows: f64,
}

impl Planner<'_> {
    /// A join with its conditions.
    pub(super) fn joins(
        &mut self,
        relation: &Relation,
        conjuncts: Vec<Expr>,
        wish: Wish<'_>,
    ) -> Result<Planned, SqlError> {
        let ordered = wish.order.is_empty();
        let planned = match relation {
            Relation::Join {
                kind: JoinKind::Left,
                left,
                right,
                on,
            } => self.left_join(left, right, on, conjuncts)?,
            _ => self.inner_joins(relation, conjuncts)?,
        };
        Ok(Planned { ordered, ..planned })
    }

    fn left_join(
        &mut self,
        left: &Relation,
        right: &Relation,
        on: &[Expr],
        conjuncts: Vec<Expr>,
    ) -> Result<Planned, SqlError> {
        let left_ids = relation_ids(left);
        let (below, above): (Vec<Expr>, Vec<Expr>) = conjuncts
            .into_iter()
            .partition(|conjunct| reads_only(conjunct, &left_ids));
        let left = self.relation(left, below, Wish::default())?;
        let joined = self.join(JoinKind::Left, left, right, on.to_vec())?;
        self.filter(joined, &above)
    }

    fn inner_joins(
        &mut self,
        relation: &Relation,
        conjuncts: Vec<Expr>,
    ) -> Result<Planned, SqlError> {
        let mut relations = Vec::new();
        let mut conditions = conjuncts;
        take_apart(relation, &mut relations, &mut conditions);
        let mut inputs = Vec::with_capacity(relations.len());
        for relation in relations {
            let ids = relation_ids(relation);
            let (local, others): (Vec<Expr>, Vec<Expr>) = conditions
                .into_iter()
                .partition(|condition| reads_only(condition, &ids) && reads_some(condition));
            conditions = others;
            inputs.push(Input {
                rows: self.expected_rows(relation, &local)?,
                relation,
                ids,
                local,
            });
        }
        let first = position_of_least(inputs.iter().map(|input| input.rows));
        let first = inputs.remove(first);
        let mut planned = self.relation(first.relation, first.local, Wish::default())?;
        while !inputs.is_empty() {
            let next = next_input(&planned, &inputs, &conditions);
            let input = inputs.remove(next);
            let mut ids: Vec<RelationId> = input.ids.clone();
            ids.extend(planned.layout.columns.iter().map(|column| column.relation));
            let (mut on, others): (Vec<Expr>, Vec<Expr>) = conditions
                .into_iter()
                .partition(|condition| reads_only(condition, &ids) && reads_some(condition));
            conditions = others;
            on.extend(input.local);
            planned = self.join(JoinKind::Inner, planned, input.relation, on)?;
        }
        self.filter(planned, &conditions)
    }

    /// Rows of an input after its conditions, without a plan of it.
    fn expected_rows(&self, relation: &Relation, local: &[Expr]) -> Result<f64, SqlError> {
        const OTHER_ROWS: f64 = 1_000.0;
        Ok(match relation {
            Relation::Table(table) => {
                let path = self.best_path(table, local, &Layout::default(), Wish::default())?;
                let total = self.table_rows(&table.table)?;
                path.rows.min((total * selectivity(local)).max(1.0))
            }
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            Relation::Values { rows, .. } => rows.len() as f64,
            Relation::One => 1.0,
            _ => (OTHER_ROWS * selectivity(local)).max(1.0),
        })
    }

    /// `left` joined with `right` by the cheapest means. `on` holds all conditions on `right` too.
    fn join(
        &mut self,
        kind: JoinKind,
        left: Planned,
        right: &Relation,
        on: Vec<Expr>,
    ) -> Result<Planned, SqlError> {
        let right_ids = relation_ids(right);
        if let Relation::Table(table) = right
            && let Some(joined) = self.lookup_join(kind, &left, table, &on)?
        {
            return Ok(joined);
        }
        let (local, between): (Vec<Expr>, Vec<Expr>) = on
            .into_iter()
            .partition(|condition| reads_only(condition, &right_ids) && reads_some(condition));
        let right = self.relation(right, local, Wish::default())?;
        let (equal, residual) = split_equalities(between, &left.layout, &right.layout);
        match equal.is_empty() {
            true => self.loop_join(kind, left, right, &residual),
            false => self.hash_join(kind, left, right, equal, &residual),
        }
    }

    /// A look-up in `right` for each left row, where that is cheaper than reading all of it.
    fn lookup_join(
        &mut self,
        kind: JoinKind,
        left: &Planned,
        right: &TableRelation,
        on: &[Expr],
    ) -> Result<Option<Planned>, SqlError> {
        let (usable, residual): (Vec<Expr>, Vec<Expr>) = on
            .iter()
            .cloned()
            .partition(|condition| is_lookup_condition(condition, right.id, &left.layout));
        let path = self.best_path(right, &usable, &left.layout, Wish::default())?;
        let plain = self.best_path(right, &[], &Layout::default(), Wish::default())?;
        if !path.has_keys() || left.rows * path.rows * LOOKUP_COST > plain.cost + left.rows {
            return Ok(None);
        }
        let rows = (left.rows * path.rows).max(1.0);
        let (local, mut others): (Vec<Expr>, Vec<Expr>) = path
            .rest(usable)
            .into_iter()
            .partition(|condition| reads_only(condition, &[right.id]));
        others.extend(residual);
        let (scan, scan_layout) = self.scan(right, &local, &left.layout, path)?;
        let layout = left.layout.then(&scan_layout);
        Ok(Some(Planned {
            node: Node::LookupJoin(Arc::new(plan::LookupJoin {
                kind,
                left: left.node.clone(),
                right: Arc::new(scan),
                residual: self.compile_all(&others, &layout)?,
                right_width: scan_layout.columns.len(),
            })),
            layout,
            rows,
            ordered: false,
        }))
    }

    fn hash_join(
        &mut self,
        kind: JoinKind,
        left: Planned,
        right: Planned,
        equal: Vec<(Expr, Expr)>,
        residual: &[Expr],
    ) -> Result<Planned, SqlError> {
        let rows = joined_rows(kind, left.rows, right.rows);
        let (left_keys, right_keys): (Vec<Expr>, Vec<Expr>) = equal.into_iter().unzip();
        let swap = kind == JoinKind::Inner && left.rows < right.rows;
        let (probe, probe_keys, build, build_keys) = match swap {
            true => (right, right_keys, left, left_keys),
            false => (left, left_keys, right, right_keys),
        };
        let layout = probe.layout.then(&build.layout);
        Ok(Planned {
            node: Node::HashJoin(Arc::new(plan::HashJoin {
                kind,
                probe_keys: self.compile_all(&probe_keys, &probe.layout)?,
                build_keys: self.compile_all(&build_keys, &build.layout)?,
                residual: self.compile_all(residual, &layout)?,
                build_width: build.layout.columns.len(),
                probe: probe.node,
                build: build.node,
            })),
            layout,
            rows,
            ordered: false,
        })
    }

    fn loop_join(
        &mut self,
        kind: JoinKind,
        left: Planned,
        right: Planned,
        residual: &[Expr],
    ) -> Result<Planned, SqlError> {
        let layout = left.layout.then(&right.layout);
        Ok(Planned {
            node: Node::LoopJoin(Arc::new(plan::LoopJoin {
                kind,
                residual: self.compile_all(residual, &layout)?,
                right_width: right.layout.columns.len(),
                left: left.node,
                right: right.node,
            })),
            layout,
            rows: (left.rows * right.rows * selectivity(residual)).max(1.0),
            ordered: false,
        })
    }
}

/// Inputs and conditions of nested inner joins.
fn take_apart<'r>(
    relation: &'r Relation,
    inputs: &mut Vec<&'r Relation>,
    conditions: &mut Vec<Expr>,
) {
    match relation {
        Relation::Join {
            kind: JoinKind::Inner,
            left,
            right,
            on,
        } => {
            conditions.extend(on.iter().cloned());
            take_apart(left, inputs, conditions);
            take_apart(right, inputs, conditions);
        }
        Relation::Filter { input, conjuncts }
            if matches!(
                **input,
                Relation::Join {
                    kind: JoinKind::Inner,
                    ..
                }
            ) =>
        {
            conditions.extend(conjuncts.iter().cloned());
            take_apart(input, inputs, conditions);
        }
        other => inputs.push(other),
    }
}

/// The relations whose columns a relation gives.
pub(super) fn relation_ids(relation: &Relation) -> Vec<RelationId> {
    match relation {
        Relation::One => Vec::new(),
        Relation::Table(table) => vec![table.id],
        Relation::Values { id, .. }
        | Relation::Project { id, .. }
        | Relation::SetOperation { id, .. } => vec![*id],
        Relation::Aggregate {
            id, aggregate_id, ..
        } => vec![*id, *aggregate_id],
        Relation::Join { left, right, .. } => {
            let mut ids = relation_ids(left);
            ids.extend(relation_ids(right));
            ids
        }
        Relation::Filter { input, .. }
        | Relation::Distinct { input }
        | Relation::Sort { input, .. }
        | Relation::Limit { input, .. } => relation_ids(input),
    }
}

fn reads_only(expr: &Expr, ids: &[RelationId]) -> bool {
    expr.columns()
        .iter()
        .all(|column| ids.contains(&column.relation))
}

/// Whether it reads any column: a condition that reads none is checked once, on top.
fn reads_some(expr: &Expr) -> bool {
    !expr.columns().is_empty()
}

fn position_of_least(rows: impl Iterator<Item = f64>) -> usize {
    rows.enumerate()
        .min_by(|(_, left), (_, right)| left.total_cmp(right))
        .map_or(0, |(position, _)| position)
}

/// The input to join next: tied by a condition where one is, and then that which keeps the result smallest.
fn next_input(planned: &Planned, inputs: &[Input<'_>], conditions: &[Expr]) -> usize {
    let tied = |input: &Input<'_>| {
        conditions.iter().any(|condition| {
            let columns = condition.columns();
            columns
                .iter()
                .any(|column| input.ids.contains(&column.relation))
                && columns
                    .iter()
                    .any(|column| planned.layout.has_relation(column.relation))
                && columns.iter().all(|column| {
                    input.ids.contains(&column.relation)
                        || planned.layout.has_relation(column.relation)
                })
        })
    };
    let scores = inputs.iter().map(|input| match tied(input) {
        true => (0u8, input.rows),
        false => (1u8, input.rows),
    });
    scores
        .enumerate()
        .min_by(|(_, left), (_, right)| left.0.cmp(&right.0).then(left.1.total_cmp(&right.1)))
        .map_or(0, |(position, _)| position)
}

/// Whether a condition can be checked by a look-up in `right`: it reads `right` and what is on the left.
fn is_lookup_condition(condition: &Expr, right: RelationId, left: &Layout) -> bool {
    let columns = condition.columns();
    columns.iter().any(|column| column.relation == right)
        && columns
            .iter()
            .all(|column| column.relation == right || left.slot(*column).is_some())
}

/// Conditions `left = right` between the two sides, and the others.
fn split_equalities(
    conditions: Vec<Expr>,
    left: &Layout,
    right: &Layout,
) -> (Vec<(Expr, Expr)>, Vec<Expr>) {
    let within = |expr: &Expr, layout: &Layout| {
        reads_some(expr)
            && expr
                .columns()
                .iter()
                .all(|column| layout.slot(*column).is_some())
    };
    let mut equal = Vec::new();
    let mut residual = Vec::new();
    for condition in conditions {
        match &condition.kind {
            ExprKind::Binary {
                op: BinaryOp::Eq,
                left: one,
                right: other,
            } if one.data_type == other.data_type => {
                if within(one, left) && within(other, right) {
                    equal.push(((**one).clone(), (**other).clone()));
                    continue;
                }
                if within(other, left) && within(one, right) {
                    equal.push(((**other).clone(), (**one).clone()));
                    continue;
                }
                residual.push(condition);
            }
            _ => residual.push(condition),
        }
    }
    (equal, residual)
}

fn joined_rows(kind: JoinKind, left: f64, right: f64) -> f64 {
    let inner = (left * right / left.max(right)).max(1.0);
    match kind {
        JoinKind::Inner => inner,
        JoinKind::Left => inner.max(left),
    }
}
