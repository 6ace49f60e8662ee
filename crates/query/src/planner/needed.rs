//! Which columns of which tables a statement reads. Scans decode no others.

use std::collections::{BTreeMap, BTreeSet};

use crate::logical::{Expr, ExprKind, Query, Relation, RelationId};

/// Columns by relation.
#[derive(Debug, Default)]
pub(super) struct NeededColumns {
    columns: BTreeMap<RelationId, BTreeSet<usize>>,
}

impl NeededColumns {
    /// The columns of one relation, ascending.
    pub(super) fn of(&self, relation: RelationId) -> Vec<usize> {
        let columns = self.columns.get(&relation);
        columns.map_or_else(Vec::new, |columns| columns.iter().copied().collect())
    }

    pub(super) fn add(&mut self, relation: RelationId, column: usize) {
        self.columns.entry(relation).or_default().insert(column);
    }

    pub(super) fn add_query(&mut self, query: &Query) {
        for column in &query.columns {
            self.add(column.id.relation, column.id.column);
        }
        self.add_relation(&query.root);
    }

    pub(super) fn add_exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) {
        for expr in exprs {
            self.add_expr(expr);
        }
    }

    fn add_expr(&mut self, expr: &Expr) {
        expr.walk(&mut |part| {
            match &part.kind {
                ExprKind::Column(id) => self.add(id.relation, id.column),
                ExprKind::Subquery(subquery) => self.add_query(&subquery.query),
                _ => {}
            }
            true
        });
    }

    pub(super) fn add_relation(&mut self, relation: &Relation) {
        match relation {
            Relation::One | Relation::Table(_) => {}
            Relation::Values { id: _, rows } => self.add_exprs(rows.iter().flatten()),
            Relation::Join {
                kind: _,
                left,
                right,
                on,
            } => {
                self.add_relation(left);
                self.add_relation(right);
                self.add_exprs(on);
            }
            Relation::Filter { input, conjuncts } => {
                self.add_relation(input);
                self.add_exprs(conjuncts);
            }
            Relation::Aggregate {
                id: _,
                aggregate_id: _,
                input,
                groups,
                aggregates,
            } => {
                self.add_relation(input);
                self.add_exprs(groups);
                for call in aggregates {
                    self.add_exprs(&call.args);
                    self.add_exprs(&call.filter);
                }
            }
            Relation::Project {
                id: _,
                input,
                exprs,
            } => {
                self.add_relation(input);
                self.add_exprs(exprs);
            }
            Relation::Distinct { input } => self.add_relation(input),
            Relation::Sort { input, keys } => {
                self.add_relation(input);
                self.add_exprs(keys.iter().map(|key| &key.expr));
            }
            Relation::Limit {
                input,
                limit,
                offset,
            } => {
                self.add_relation(input);
                self.add_exprs(limit);
                self.add_exprs(offset);
            }
            Relation::SetOperation { left, right, .. } => {
                self.add_query(left);
                self.add_query(right);
            }
        }
    }
}

/// Whether an expression has a subquery in it.
pub(super) fn has_subquery(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |part| {
        found |= matches!(part.kind, ExprKind::Subquery(_));
        !found
    });
    found
}
