//! Relational algebra to nodes. Conditions are pushed towards the tables they are about.

use std::sync::Arc;

use drystone_record::Value;

use crate::error::SqlError;
use crate::logical::{ColumnId, Expr, ExprKind, Query, Relation, RelationId, SortKey};
use crate::plan::{self, Node, Scan};
use crate::planner::estimate::selectivity;
use crate::planner::needed::has_subquery;
use crate::planner::{Layout, Planned, Planner, Wish};

impl Planner<'_> {
    /// A query whose slots are its columns, in order.
    pub(super) fn query_root(
        &mut self,
        query: &Query,
        wish: Wish<'_>,
    ) -> Result<Planned, SqlError> {
        let planned = self.relation(&query.root, Vec::new(), wish)?;
        let wanted: Vec<ColumnId> = query.columns.iter().map(|column| column.id).collect();
        if planned.layout.columns == wanted {
            return Ok(planned);
        }
        let exprs = query.columns.iter();
        let exprs: Vec<Expr> = exprs
            .map(|column| Expr::column(column.id, column.data_type))
            .collect();
        let exprs = self.compile_all(&exprs, &planned.layout)?;
        Ok(Planned {
            node: project(planned.node, exprs),
            layout: Layout { columns: wanted },
            ..planned
        })
    }

    /// `relation`, with `conjuncts` that its rows must satisfy.
    pub(super) fn relation(
        &mut self,
        relation: &Relation,
        conjuncts: Vec<Expr>,
        wish: Wish<'_>,
    ) -> Result<Planned, SqlError> {
        crate::stack::with_room(|| self.relation_kind(relation, conjuncts, wish))
    }

    fn relation_kind(
        &mut self,
        relation: &Relation,
        mut conjuncts: Vec<Expr>,
        wish: Wish<'_>,
    ) -> Result<Planned, SqlError> {
        match relation {
            Relation::One => {
                let planned = Planned {
                    node: Node::One,
                    layout: Layout::default(),
                    rows: 1.0,
                    ordered: wish.order.is_empty(),
                };
                self.filter(planned, &conjuncts)
            }
            Relation::Table(table) => self.table(table, conjuncts, wish),
            Relation::Values { id, rows } => {
                let planned = self.values(*id, rows)?;
                self.filter(planned, &conjuncts)
            }
            Relation::Join { .. } => self.joins(relation, conjuncts, wish),
            Relation::Filter {
                input,
                conjuncts: more,
            } => {
                conjuncts.extend(more.iter().cloned());
                self.relation(input, conjuncts, wish)
            }
            Relation::Aggregate {
                id,
                aggregate_id,
                input,
                groups,
                aggregates,
            } => {
                let planned = self.aggregate(*id, *aggregate_id, input, groups, aggregates)?;
                self.filter(planned, &conjuncts)
            }
            Relation::Project { id, input, exprs } => {
                self.project(*id, input, exprs, conjuncts, wish)
            }
            Relation::Distinct { input } => {
                let planned = self.relation(input, conjuncts, Wish::default())?;
                Ok(Planned {
                    node: Node::Distinct(Arc::new(plan::Distinct {
                        input: planned.node,
                    })),
                    rows: (planned.rows / 2.0).max(1.0),
                    ordered: wish.order.is_empty(),
                    layout: planned.layout,
                })
            }
            Relation::Sort { input, keys } => self.sort(input, keys, conjuncts, None, wish.limit),
            Relation::Limit {
                input,
                limit,
                offset,
            } => {
                let planned = self.limit(input, limit.as_ref(), offset.as_ref())?;
                self.filter(planned, &conjuncts)
            }
            Relation::SetOperation {
                id,
                op,
                all,
                left,
                right,
            } => {
                let left_planned = self.query_root(left, Wish::default())?;
                let right_planned = self.query_root(right, Wish::default())?;
                let planned = Planned {
                    node: Node::SetOperation(Arc::new(plan::SetOperation {
                        op: *op,
                        all: *all,
                        left: left_planned.node,
                        right: right_planned.node,
                    })),
                    layout: Layout::of_relation(*id, 0..left.columns.len()),
                    rows: left_planned.rows + right_planned.rows,
                    ordered: wish.order.is_empty(),
                };
                self.filter(planned, &conjuncts)
            }
        }
    }

    /// `planned`, without the rows that fail a condition.
    pub(super) fn filter(
        &mut self,
        planned: Planned,
        conjuncts: &[Expr],
    ) -> Result<Planned, SqlError> {
        if conjuncts.is_empty() {
            return Ok(planned);
        }
        let ordered = cheap_first(conjuncts);
        let conjuncts_compiled = self.compile_all(&ordered, &planned.layout)?;
        Ok(Planned {
            node: Node::Filter(Arc::new(plan::Filter {
                input: planned.node,
                conjuncts: conjuncts_compiled,
            })),
            rows: (planned.rows * selectivity(conjuncts)).max(1.0),
            ..planned
        })
    }

    fn values(&mut self, id: RelationId, rows: &[Vec<Expr>]) -> Result<Planned, SqlError> {
        let nothing = Layout::default();
        let mut compiled = Vec::with_capacity(rows.len());
        for row in rows {
            compiled.push(self.compile_all(row, &nothing)?);
        }
        let width = rows.first().map_or(0, Vec::len);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let count = rows.len() as f64;
        Ok(Planned {
            node: Node::Values(Arc::new(plan::Values {
                rows: compiled.into(),
            })),
            layout: Layout::of_relation(id, 0..width),
            rows: count,
            ordered: false,
        })
    }

    fn aggregate(
        &mut self,
        id: RelationId,
        aggregate_id: RelationId,
        input: &Relation,
        groups: &[Expr],
        aggregates: &[crate::logical::AggregateCall],
    ) -> Result<Planned, SqlError> {
        let planned = self.relation(input, Vec::new(), Wish::default())?;
        let layout = &planned.layout;
        let group_exprs = self.compile_all(groups, layout)?;
        let mut calls = Vec::with_capacity(aggregates.len());
        for call in aggregates {
            calls.push(plan::Call {
                function: call.function.clone(),
                name: call.name.clone(),
                args: self.compile_all(&call.args, layout)?,
                distinct: call.distinct,
                filter: match &call.filter {
                    Some(filter) => Some(self.compile(filter, layout)?),
                    None => None,
                },
            });
        }
        let rows = match groups.is_empty() {
            true => 1.0,
            false => (planned.rows / 10.0).max(1.0),
        };
        let node = match counted_scan(&planned.node, &group_exprs, &calls) {
            Some(scan) => Node::KeyCount(Arc::new(plan::KeyCount {
                scan,
                columns: calls.len(),
            })),
            None => Node::Aggregate(Arc::new(plan::Aggregate {
                input: planned.node,
                groups: group_exprs,
                calls: calls.into(),
            })),
        };
        Ok(Planned {
            node,
            layout: Layout::of_relation(id, 0..groups.len())
                .then(&Layout::of_relation(aggregate_id, 0..aggregates.len())),
            rows,
            ordered: false,
        })
    }

    /// A select list. Conditions on its columns become conditions on what they are computed from.
    fn project(
        &mut self,
        id: RelationId,
        input: &Relation,
        exprs: &[Expr],
        conjuncts: Vec<Expr>,
        wish: Wish<'_>,
    ) -> Result<Planned, SqlError> {
        let (below, above): (Vec<Expr>, Vec<Expr>) = conjuncts
            .into_iter()
            .partition(|conjunct| can_push(conjunct, id, exprs));
        let below = below
            .into_iter()
            .map(|conjunct| substituted(conjunct, id, exprs))
            .collect();
        let can_order = wish
            .order
            .iter()
            .all(|key| stays_small(&key.expr, id, exprs));
        let order: Vec<SortKey> = wish
            .order
            .iter()
            .filter(|_| can_order)
            .map(|key| SortKey {
                expr: substituted(key.expr.clone(), id, exprs),
                ..*key
            })
            .collect();
        let wish = Wish {
            order: &order,
            limit: wish.limit.filter(|_| can_order),
        };
        let planned = self.relation(input, below, wish)?;
        let compiled = self.compile_all(exprs, &planned.layout)?;
        let projected = Planned {
            node: project(planned.node, compiled),
            layout: Layout::of_relation(id, 0..exprs.len()),
            ordered: planned.ordered && can_order,
            ..planned
        };
        self.filter(projected, &above)
    }

    fn limit(
        &mut self,
        input: &Relation,
        limit: Option<&Expr>,
        offset: Option<&Expr>,
    ) -> Result<Planned, SqlError> {
        let nothing = Layout::default();
        let window = plan::Window {
            limit: limit
                .map(|limit| self.compile(limit, &nothing))
                .transpose()?,
            offset: offset
                .map(|offset| self.compile(offset, &nothing))
                .transpose()?,
        };
        let count = expected_rows(&window);
        if let Relation::Sort { input, keys } = input {
            if let Some(nearest) = self.nearest(input, keys, &window)? {
                return Ok(nearest);
            }
            return self.sort(input, keys, Vec::new(), Some(window), count);
        }
        let wish = Wish {
            order: &[],
            limit: count,
        };
        let planned = self.relation(input, Vec::new(), wish)?;
        Ok(limited(planned, window, count))
    }

    /// A sort, or nothing where the rows come in order.
    fn sort(
        &mut self,
        input: &Relation,
        keys: &[SortKey],
        conjuncts: Vec<Expr>,
        window: Option<plan::Window>,
        count: Option<f64>,
    ) -> Result<Planned, SqlError> {
        let wish = Wish {
            order: keys,
            limit: count,
        };
        let planned = self.relation(input, conjuncts, wish)?;
        if planned.ordered {
            return Ok(match window {
                Some(window) => limited(planned, window, count),
                None => planned,
            });
        }
        let mut compiled = Vec::with_capacity(keys.len());
        for key in keys {
            compiled.push(plan::SortKey {
                expr: self.compile(&key.expr, &planned.layout)?,
                descending: key.descending,
                nulls_first: key.nulls_first,
            });
        }
        let rows = match (&window, count) {
            (Some(_), Some(count)) => planned.rows.min(count),
            _ => planned.rows,
        };
        Ok(Planned {
            node: Node::Sort(Arc::new(plan::Sort {
                input: planned.node,
                keys: compiled.into(),
                top: window,
            })),
            rows,
            ordered: true,
            ..planned
        })
    }
}

/// The scan whose entries are as many as each of these aggregates says: they are all `count(*)`, of rows that are asked
/// for nothing but their keys.
fn counted_scan(input: &Node, groups: &[plan::Expr], calls: &[plan::Call]) -> Option<Arc<Scan>> {
    let Node::Scan(scan) = input else {
        return None;
    };
    let is_count =
        |call: &plan::Call| call.function.counts_rows() && !call.distinct && call.filter.is_none();
    let is_counted = groups.is_empty() && !calls.is_empty() && calls.iter().all(is_count);
    (is_counted && scan.filter.is_empty()).then(|| Arc::clone(scan))
}

fn limited(planned: Planned, window: plan::Window, count: Option<f64>) -> Planned {
    Planned {
        node: Node::Limit(Arc::new(plan::Limit {
            input: planned.node,
            window,
        })),
        rows: count.map_or(planned.rows, |count| planned.rows.min(count)),
        ..planned
    }
}

fn project(input: Node, exprs: Box<[plan::Expr]>) -> Node {
    Node::Project(Arc::new(plan::Project { input, exprs }))
}

/// How many rows a window asks for, where that is known before parameters are.
fn expected_rows(window: &plan::Window) -> Option<f64> {
    const UNKNOWN: f64 = 10.0;
    let limit = match window.limit.as_ref()? {
        plan::Expr::Constant(Value::BigInt(limit)) => *limit,
        plan::Expr::Constant(_) => return None,
        _ => return Some(UNKNOWN),
    };
    let offset = match &window.offset {
        Some(plan::Expr::Constant(Value::BigInt(offset))) => *offset,
        _ => 0,
    };
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let rows = limit.saturating_add(offset).max(0) as f64;
    Some(rows)
}

/// Conditions without subqueries before those with: they cost less.
pub(super) fn cheap_first(conjuncts: &[Expr]) -> Vec<Expr> {
    let (dear, mut cheap): (Vec<Expr>, Vec<Expr>) =
        conjuncts.iter().cloned().partition(has_subquery);
    cheap.extend(dear);
    cheap
}

/// Most parts of a select list that are put in the place of an expression's columns: lists of lists that use a column
/// twice would double it at each level.
const MAX_SUBSTITUTED_PARTS: usize = 256;

/// Whether [`substituted`] leaves an expression at a size that is worth it.
fn stays_small(expr: &Expr, id: RelationId, exprs: &[Expr]) -> bool {
    let mut parts = 0;
    expr.walk(&mut |part| {
        if let ExprKind::Column(column) = part.kind
            && column.relation == id
            && let Some(source) = exprs.get(column.column)
        {
            parts += source.part_count();
        }
        parts <= MAX_SUBSTITUTED_PARTS
    });
    parts <= MAX_SUBSTITUTED_PARTS
}

/// Whether a condition on a select list may be checked before the list is computed.
fn can_push(conjunct: &Expr, id: RelationId, exprs: &[Expr]) -> bool {
    let is_pure = conjunct
        .columns()
        .iter()
        .filter(|column| column.relation == id)
        .all(|column| {
            exprs
                .get(column.column)
                .is_some_and(|expr| !has_subquery(expr) && !is_volatile(expr))
        });
    is_pure && stays_small(conjunct, id, exprs)
}

fn is_volatile(expr: &Expr) -> bool {
    let mut volatile = false;
    expr.walk(&mut |part| {
        volatile |=
            matches!(&part.kind, ExprKind::Function { function, .. } if function.is_volatile());
        !volatile
    });
    volatile
}

/// `expr` with the columns of a select list replaced by what they are computed from.
fn substituted(mut expr: Expr, id: RelationId, exprs: &[Expr]) -> Expr {
    if let ExprKind::Column(column) = expr.kind
        && column.relation == id
        && let Some(source) = exprs.get(column.column)
    {
        return source.clone();
    }
    for part in expr.parts_mut() {
        let taken = std::mem::replace(part, Expr::boolean(ExprKind::Constant(Value::Null)));
        *part = substituted(taken, id, exprs);
    }
    expr
}
