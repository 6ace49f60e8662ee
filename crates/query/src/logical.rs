//! Bound queries: every name resolved, every expression typed, nothing yet said about how to run them.

use std::sync::Arc;

use drystone_record::{DataType, Value};
use sqlparser::tokenizer::Span;

use crate::aggregate::AggregateFunction;
use crate::cast::CastContext;
use crate::catalog::Table;
use crate::function::ResolvedFunction;
use crate::operator::{BinaryOp, UnaryOp};

/// One item of one FROM, or one step that makes new columns. Unique in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RelationId(pub(crate) u32);

/// One column of one relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ColumnId {
    pub(crate) relation: RelationId,
    pub(crate) column: usize,
}

/// An expression and its type; `None` for NULL, parameters and string literals whose type is not settled yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) data_type: Option<DataType>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExprKind {
    Constant(Value),
    /// Position from 0.
    Parameter(usize),
    Column(ColumnId),
    /// A value of the query around, by its position in [`Subquery::outer`].
    Outer(usize),
    Unary {
        op: UnaryOp,
        expr: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull {
        expr: Box<Expr>,
        negated: bool,
    },
    /// IS [NOT] TRUE and FALSE.
    IsTruth {
        expr: Box<Expr>,
        truth: bool,
        negated: bool,
    },
    IsDistinct {
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
    },
    InList {
        expr: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    Like(Box<LikeExpr>),
    /// The first branch whose condition is true.
    Case {
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast {
        expr: Box<Expr>,
        target: DataType,
        context: CastContext,
    },
    Function {
        function: ResolvedFunction,
        args: Vec<Expr>,
    },
    /// The first argument that is not NULL; others after it are not evaluated.
    Coalesce(Vec<Expr>),
    Subquery(Box<Subquery>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LikeExpr {
    pub(crate) expr: Expr,
    pub(crate) pattern: Expr,
    pub(crate) escape: Option<char>,
    pub(crate) ignores_case: bool,
    pub(crate) negated: bool,
}

/// A query used as a value.
#[derive(Clone, Debug)]
pub(crate) struct Subquery {
    /// Where it stands in the text.
    pub(crate) place: Span,
    pub(crate) kind: SubqueryKind,
    pub(crate) query: Query,
    /// Values of the query around that it uses. Empty: it gives the same for every row, and runs once.
    pub(crate) outer: Vec<Expr>,
}

impl PartialEq for Subquery {
    /// The same subquery, bound once or twice, about the same values. Two of the same text are evaluated apart.
    fn eq(&self, other: &Subquery) -> bool {
        self.place == other.place
            && self.place != Span::empty()
            && self.kind == other.kind
            && self.outer == other.outer
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SubqueryKind {
    /// Its only column of its only row; NULL when there is no row.
    Scalar,
    Exists {
        negated: bool,
    },
    In {
        expr: Expr,
        negated: bool,
    },
}

/// A query and what its columns are called.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) root: Relation,
    pub(crate) columns: Vec<OutputColumn>,
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutputColumn {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) id: ColumnId,
    /// A literal of no type, which counts as TEXT: where it meets a type, in a set operation, it takes that.
    pub(crate) is_untyped: bool,
}

impl OutputColumn {
    /// Column `column` of a relation.
    pub(crate) fn new(
        name: String,
        data_type: DataType,
        relation: RelationId,
        column: usize,
    ) -> OutputColumn {
        OutputColumn {
            name,
            data_type,
            id: ColumnId { relation, column },
            is_untyped: false,
        }
    }
}

/// Relational algebra.
#[derive(Clone, Debug)]
pub(crate) enum Relation {
    /// One row without columns: what SELECT without FROM reads.
    One,
    Table(TableRelation),
    Values {
        id: RelationId,
        rows: Vec<Vec<Expr>>,
    },
    Join {
        kind: JoinKind,
        left: Box<Relation>,
        right: Box<Relation>,
        on: Vec<Expr>,
    },
    Filter {
        input: Box<Relation>,
        /// All must be true.
        conjuncts: Vec<Expr>,
    },
    /// Columns: the groups under `id`, the aggregates under `aggregate_id`.
    Aggregate {
        id: RelationId,
        aggregate_id: RelationId,
        input: Box<Relation>,
        groups: Vec<Expr>,
        aggregates: Vec<AggregateCall>,
    },
    Project {
        id: RelationId,
        input: Box<Relation>,
        exprs: Vec<Expr>,
    },
    /// Drops rows that are equal in all columns.
    Distinct {
        input: Box<Relation>,
    },
    Sort {
        input: Box<Relation>,
        keys: Vec<SortKey>,
    },
    Limit {
        input: Box<Relation>,
        limit: Option<Expr>,
        offset: Option<Expr>,
    },
    SetOperation {
        id: RelationId,
        op: SetOp,
        all: bool,
        left: Box<Query>,
        right: Box<Query>,
    },
}

/// A table in FROM.
#[derive(Clone, Debug)]
pub(crate) struct TableRelation {
    pub(crate) id: RelationId,
    pub(crate) table: Arc<Table>,
    /// Its alias, or its name.
    pub(crate) alias: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetOp {
    Union,
    Intersect,
    Except,
}

/// One aggregate of an [`Relation::Aggregate`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AggregateCall {
    pub(crate) function: AggregateFunction,
    /// The name it was called by.
    pub(crate) name: String,
    pub(crate) args: Vec<Expr>,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<Expr>,
    pub(crate) data_type: DataType,
}

/// One key of a sort.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SortKey {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

impl Expr {
    pub(crate) fn new(kind: ExprKind, data_type: DataType) -> Expr {
        Expr {
            kind,
            data_type: Some(data_type),
        }
    }

    pub(crate) fn column(id: ColumnId, data_type: DataType) -> Expr {
        Expr::new(ExprKind::Column(id), data_type)
    }

    pub(crate) fn boolean(kind: ExprKind) -> Expr {
        Expr::new(kind, DataType::Boolean)
    }

    /// Calls `visit` on this expression and, where it returns true, on its parts.
    pub(crate) fn walk(&self, visit: &mut dyn FnMut(&Expr) -> bool) {
        if visit(self) {
            for part in self.parts() {
                part.walk(visit);
            }
        }
    }

    /// How many expressions it consists of, itself included. Of a subquery, those evaluated for the row around it.
    pub(crate) fn part_count(&self) -> usize {
        let mut count = 0;
        self.walk(&mut |_| {
            count += 1;
            true
        });
        count
    }

    /// Expressions directly within. Of a subquery: those evaluated for the row around it.
    pub(crate) fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Constant(_)
            | ExprKind::Parameter(_)
            | ExprKind::Column(_)
            | ExprKind::Outer(_) => Vec::new(),
            ExprKind::Unary { expr, .. }
            | ExprKind::Not(expr)
            | ExprKind::IsNull { expr, .. }
            | ExprKind::IsTruth { expr, .. }
            | ExprKind::Cast { expr, .. } => vec![expr],
            ExprKind::Binary { left, right, .. } | ExprKind::IsDistinct { left, right, .. } => {
                vec![left, right]
            }
            ExprKind::And(all) | ExprKind::Or(all) | ExprKind::Coalesce(all) => {
                all.iter().collect()
            }
            ExprKind::InList { expr, list, .. } => {
                std::iter::once(&**expr).chain(list.iter()).collect()
            }
            ExprKind::Like(like) => vec![&like.expr, &like.pattern],
            ExprKind::Case {
                branches,
                otherwise,
            } => branches
                .iter()
                .flat_map(|(condition, result)| [condition, result])
                .chain(otherwise.as_deref())
                .collect(),
            ExprKind::Function { args, .. } => args.iter().collect(),
            ExprKind::Subquery(subquery) => {
                let operand = match &subquery.kind {
                    SubqueryKind::In { expr, .. } => Some(expr),
                    SubqueryKind::Scalar | SubqueryKind::Exists { .. } => None,
                };
                operand.into_iter().chain(subquery.outer.iter()).collect()
            }
        }
    }

    /// As [`Expr::parts`], to be changed.
    pub(crate) fn parts_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            ExprKind::Constant(_)
            | ExprKind::Parameter(_)
            | ExprKind::Column(_)
            | ExprKind::Outer(_) => Vec::new(),
            ExprKind::Unary { expr, .. }
            | ExprKind::Not(expr)
            | ExprKind::IsNull { expr, .. }
            | ExprKind::IsTruth { expr, .. }
            | ExprKind::Cast { expr, .. } => vec![expr],
            ExprKind::Binary { left, right, .. } | ExprKind::IsDistinct { left, right, .. } => {
                vec![left, right]
            }
            ExprKind::And(all) | ExprKind::Or(all) | ExprKind::Coalesce(all) => {
                all.iter_mut().collect()
            }
            ExprKind::InList { expr, list, .. } => std::iter::once(&mut **expr)
                .chain(list.iter_mut())
                .collect(),
            ExprKind::Like(like) => vec![&mut like.expr, &mut like.pattern],
            ExprKind::Case {
                branches,
                otherwise,
            } => branches
                .iter_mut()
                .flat_map(|(condition, result)| [condition, result])
                .chain(otherwise.as_deref_mut())
                .collect(),
            ExprKind::Function { args, .. } => args.iter_mut().collect(),
            ExprKind::Subquery(subquery) => {
                let operand = match &mut subquery.kind {
                    SubqueryKind::In { expr, .. } => Some(expr),
                    SubqueryKind::Scalar | SubqueryKind::Exists { .. } => None,
                };
                operand
                    .into_iter()
                    .chain(subquery.outer.iter_mut())
                    .collect()
            }
        }
    }

    /// The columns it reads.
    pub(crate) fn columns(&self) -> Vec<ColumnId> {
        let mut columns = Vec::new();
        self.walk(&mut |expr| {
            if let ExprKind::Column(id) = expr.kind {
                columns.push(id);
            }
            true
        });
        columns
    }

    /// Whether it gives the same value for every row of one execution: no column, nothing volatile.
    pub(crate) fn is_row_independent(&self) -> bool {
        let mut independent = true;
        self.walk(&mut |expr| {
            independent &= match &expr.kind {
                ExprKind::Column(_) => false,
                ExprKind::Function { function, .. } => !function.is_volatile(),
                _ => true,
            };
            independent
        });
        independent
    }
}
