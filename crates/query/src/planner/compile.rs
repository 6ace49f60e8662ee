//! Expressions over columns become expressions over slots. What is the same for all rows is computed here, once.

use std::sync::Arc;

use drystone_record::Value;

use crate::error::SqlError;
use crate::exec::eval;
use crate::like::Pattern;
use crate::logical::{self, ExprKind, LikeExpr, Subquery, SubqueryKind};
use crate::operator::BinaryOp;
use crate::plan::{Comparison, Expr, Like, LikePattern, Subplan, SubplanKind};
use crate::planner::{Layout, Planner, Wish};
use crate::sql_state::SqlState;

impl Planner<'_> {
    /// `expr` over the slots of `layout`.
    pub(super) fn compile(
        &mut self,
        expr: &logical::Expr,
        layout: &Layout,
    ) -> Result<Expr, SqlError> {
        let compiled = crate::stack::with_room(|| self.compile_kind(expr, layout))?;
        Ok(fold(compiled))
    }

    fn compile_kind(&mut self, expr: &logical::Expr, layout: &Layout) -> Result<Expr, SqlError> {
        Ok(match &expr.kind {
            ExprKind::Constant(value) => Expr::Constant(value.clone()),
            ExprKind::Parameter(position) => Expr::Parameter(*position),
            ExprKind::Column(id) => Expr::Slot(layout.slot(*id).ok_or_else(|| {
                SqlError::new(
                    SqlState::InvalidColumnReference,
                    "a column is used where its table is not in sight",
                )
            })?),
            ExprKind::Outer(position) => Expr::Outer(*position),
            ExprKind::Unary { op, expr } => Expr::Unary {
                op: *op,
                expr: self.compile_box(expr, layout)?,
            },
            ExprKind::Binary { op, left, right } => {
                self.compile_binary(*op, left, right, layout)?
            }
            ExprKind::And(all) => Expr::And(self.compile_all(all, layout)?),
            ExprKind::Or(all) => Expr::Or(self.compile_all(all, layout)?),
            ExprKind::Not(expr) => Expr::Not(self.compile_box(expr, layout)?),
            ExprKind::IsNull { expr, negated } => Expr::IsNull {
                expr: self.compile_box(expr, layout)?,
                negated: *negated,
            },
            ExprKind::IsTruth {
                expr,
                truth,
                negated,
            } => Expr::IsTruth {
                expr: self.compile_box(expr, layout)?,
                truth: *truth,
                negated: *negated,
            },
            ExprKind::IsDistinct {
                left,
                right,
                negated,
            } => Expr::IsDistinct {
                left: self.compile_box(left, layout)?,
                right: self.compile_box(right, layout)?,
                negated: *negated,
            },
            ExprKind::InList {
                expr,
                list,
                negated,
            } => Expr::InList {
                expr: self.compile_box(expr, layout)?,
                list: self.compile_all(list, layout)?,
                negated: *negated,
            },
            ExprKind::Like(like) => Expr::Like(Box::new(self.compile_like(like, layout)?)),
            ExprKind::Case {
                branches,
                otherwise,
            } => Expr::Case {
                branches: branches
                    .iter()
                    .map(|(condition, result)| {
                        Ok((
                            self.compile(condition, layout)?,
                            self.compile(result, layout)?,
                        ))
                    })
                    .collect::<Result<_, SqlError>>()?,
                otherwise: match otherwise {
                    Some(otherwise) => Some(self.compile_box(otherwise, layout)?),
                    None => None,
                },
            },
            ExprKind::Cast {
                expr,
                target,
                context,
            } => Expr::Cast {
                expr: self.compile_box(expr, layout)?,
                target: *target,
                context: *context,
            },
            ExprKind::Function { function, args } => Expr::Function {
                function: function.clone(),
                args: self.compile_all(args, layout)?,
            },
            ExprKind::Coalesce(all) => Expr::Coalesce(self.compile_all(all, layout)?),
            ExprKind::Subquery(subquery) => {
                Expr::Subplan(Arc::new(self.compile_subquery(subquery, layout)?))
            }
        })
    }

    /// Every operator makes NULL of a NULL. As in PostgreSQL, what stands beside a NULL of the statement's text is not
    /// computed where it varies by row, so that it cannot fail; what is the same for all rows may fail all the same.
    fn compile_binary(
        &mut self,
        op: BinaryOp,
        left: &logical::Expr,
        right: &logical::Expr,
        layout: &Layout,
    ) -> Result<Expr, SqlError> {
        let compiled_left = self.compile_box(left, layout)?;
        let compiled_right = self.compile_box(right, layout)?;
        if is_null(&compiled_left) && varies(right) || is_null(&compiled_right) && varies(left) {
            return Ok(Expr::Constant(Value::Null));
        }
        Ok(match comparison(op) {
            Some(op) => Expr::Compare {
                op,
                left: compiled_left,
                right: compiled_right,
            },
            None => Expr::Binary {
                op,
                left: compiled_left,
                right: compiled_right,
            },
        })
    }

    fn compile_box(
        &mut self,
        expr: &logical::Expr,
        layout: &Layout,
    ) -> Result<Box<Expr>, SqlError> {
        self.compile(expr, layout).map(Box::new)
    }

    fn compile_like(&mut self, like: &LikeExpr, layout: &Layout) -> Result<Like, SqlError> {
        let pattern = self.compile(&like.pattern, layout)?;
        let pattern = match pattern {
            Expr::Constant(Value::Text(text)) => {
                LikePattern::Ready(Pattern::new(&text, like.escape, like.ignores_case)?)
            }
            pattern => LikePattern::Computed {
                pattern,
                escape: like.escape,
                ignores_case: like.ignores_case,
            },
        };
        Ok(Like {
            expr: self.compile(&like.expr, layout)?,
            pattern,
            negated: like.negated,
        })
    }

    fn compile_subquery(
        &mut self,
        subquery: &Subquery,
        layout: &Layout,
    ) -> Result<Subplan, SqlError> {
        let id = self.subplan_count;
        self.subplan_count += 1;
        let kind = match &subquery.kind {
            SubqueryKind::Scalar => SubplanKind::Scalar,
            SubqueryKind::Exists { negated } => SubplanKind::Exists { negated: *negated },
            SubqueryKind::In { expr, negated } => SubplanKind::In {
                expr: self.compile(expr, layout)?,
                negated: *negated,
            },
        };
        let wish = Wish {
            limit: matches!(kind, SubplanKind::Exists { .. }).then_some(1.0),
            ..Wish::default()
        };
        let planned = self.query_root(&subquery.query, wish)?;
        Ok(Subplan {
            id,
            kind,
            root: planned.node,
            outer: self.compile_all(&subquery.outer, layout)?,
        })
    }
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Constant(Value::Null))
}

/// Whether the value may differ from row to row, or from run to run.
fn varies(expr: &logical::Expr) -> bool {
    let mut varies = false;
    expr.walk(&mut |part| {
        varies |= matches!(
            part.kind,
            ExprKind::Column(_)
                | ExprKind::Outer(_)
                | ExprKind::Parameter(_)
                | ExprKind::Subquery(_)
        );
        !varies
    });
    varies
}

fn comparison(op: BinaryOp) -> Option<Comparison> {
    Some(match op {
        BinaryOp::Eq => Comparison::Eq,
        BinaryOp::NotEq => Comparison::NotEq,
        BinaryOp::Lt => Comparison::Lt,
        BinaryOp::LtEq => Comparison::LtEq,
        BinaryOp::Gt => Comparison::Gt,
        BinaryOp::GtEq => Comparison::GtEq,
        _ => return None,
    })
}

/// An expression of constants as its value. One that fails stays as it is, to fail when it is run, if it is run.
fn fold(expr: Expr) -> Expr {
    match eval::constant(&expr) {
        Some(value) => Expr::Constant(value),
        None => expr,
    }
}
