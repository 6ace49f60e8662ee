//! Plans: how a statement is run. Immutable, shared by all who run it.
//!
//! A node gives rows: slices of values in *slots*. Which column is in which slot is settled here; nothing is looked up
//! by name or column number while rows flow.

use std::sync::Arc;

use drystone_base::KeyspaceId;
use drystone_record::{DataType, Value};

use crate::aggregate::AggregateFunction;
use crate::bind::statement::ConflictKey;
use crate::cast::CastContext;
use crate::catalog::{Catalog, Metric, Table};
use crate::function::ResolvedFunction;
use crate::like::Pattern;
use crate::logical::{JoinKind, SetOp};
use crate::operator::{BinaryOp, UnaryOp};
use crate::rows::ResultColumn;

/// A statement that is ready to run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) statement: PlannedStatement,
    /// What `$1`, `$2`, ... are cast to.
    pub(crate) parameters: Vec<DataType>,
    /// How many subqueries it has: each keeps its results apart.
    pub(crate) subplan_count: usize,
    /// What it was bound against.
    pub(crate) catalog: Arc<Catalog>,
}

#[derive(Debug)]
pub(crate) enum PlannedStatement {
    Query(QueryPlan),
    Insert(Box<InsertPlan>),
    Update(Box<UpdatePlan>),
    Delete(Box<DeletePlan>),
    Truncate(Vec<Arc<Table>>),
    CreateTable(crate::bind::ddl::CreateTable),
    AlterTable(crate::bind::table_options::AlterTable),
    CreateIndex(crate::bind::ddl::CreateIndex),
    DropTables(crate::bind::ddl::DropObjects),
    DropIndexes(crate::bind::ddl::DropObjects),
    /// Run by the session, which looks at the syntax.
    Control,
    Explain {
        analyze: bool,
        statement: Box<PlannedStatement>,
    },
}

/// A query.
#[derive(Debug)]
pub(crate) struct QueryPlan {
    pub(crate) root: Node,
    pub(crate) columns: Arc<[ResultColumn]>,
    /// Set when the whole query is one look-up by primary key.
    pub(crate) point: Option<PointQuery>,
}

/// `SELECT columns FROM table WHERE primary key = ...`, and nothing else.
#[derive(Debug)]
pub(crate) struct PointQuery {
    pub(crate) table: Arc<Table>,
    /// One for each key column.
    pub(crate) key: Box<[Expr]>,
    /// Columns of the table, in the order of the result.
    pub(crate) columns: Box<[usize]>,
}

/// What RETURNING gives.
#[derive(Debug)]
pub(crate) struct ReturningPlan {
    pub(crate) exprs: Box<[Expr]>,
    pub(crate) columns: Arc<[ResultColumn]>,
}

#[derive(Debug)]
pub(crate) struct InsertPlan {
    pub(crate) table: Arc<Table>,
    pub(crate) source: Node,
    /// Where each column's value comes from.
    pub(crate) cells: Box<[Cell]>,
    pub(crate) on_conflict: Option<ConflictPlan>,
    pub(crate) returning: Option<ReturningPlan>,
}

/// Where the value of a column of a new row comes from.
#[derive(Debug)]
pub(crate) enum Cell {
    /// A slot of the source.
    Slot(usize),
    /// The column's default.
    Default(Expr),
}

#[derive(Debug)]
pub(crate) struct ConflictPlan {
    pub(crate) target: Option<ConflictKey>,
    pub(crate) update: Option<ConflictUpdatePlan>,
}

/// DO UPDATE. Slots: the row that is there, then the row that was to be inserted.
#[derive(Debug)]
pub(crate) struct ConflictUpdatePlan {
    pub(crate) assignments: Box<[(usize, Expr)]>,
    pub(crate) condition: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct UpdatePlan {
    pub(crate) table: Arc<Table>,
    pub(crate) source: Node,
    /// Where the source has the row's columns and its key.
    pub(crate) target: TargetSlots,
    pub(crate) assignments: Box<[(usize, Expr)]>,
    pub(crate) returning: Option<ReturningPlan>,
}

#[derive(Debug)]
pub(crate) struct DeletePlan {
    pub(crate) table: Arc<Table>,
    pub(crate) source: Node,
    pub(crate) target: TargetSlots,
    pub(crate) returning: Option<ReturningPlan>,
}

/// Slots of the row that is written to.
#[derive(Debug)]
pub(crate) struct TargetSlots {
    /// Slot of each column of the table.
    pub(crate) columns: Box<[usize]>,
    /// Slot of the row's key.
    pub(crate) key: usize,
}

/// A step that gives rows.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// One row without slots.
    One,
    Scan(Arc<Scan>),
    VectorScan(Arc<VectorScan>),
    Values(Arc<Values>),
    Filter(Arc<Filter>),
    Project(Arc<Project>),
    HashJoin(Arc<HashJoin>),
    LookupJoin(Arc<LookupJoin>),
    LoopJoin(Arc<LoopJoin>),
    Aggregate(Arc<Aggregate>),
    KeyCount(Arc<KeyCount>),
    Distinct(Arc<Distinct>),
    Sort(Arc<Sort>),
    Limit(Arc<Limit>),
    SetOperation(Arc<SetOperation>),
}

/// Rows of one table. Slots: `columns`, then the row's key where `emits_key` says so.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) table: Arc<Table>,
    pub(crate) alias: String,
    pub(crate) access: Access,
    /// Columns to decode, those that `filter` reads first.
    pub(crate) columns: Box<[usize]>,
    /// How many of `columns` the filter reads.
    pub(crate) filter_columns: usize,
    pub(crate) emits_key: bool,
    /// All must be true.
    pub(crate) filter: Box<[Expr]>,
    pub(crate) rows: f64,
}

impl Scan {
    /// The keyspace whose entries it reads first.
    pub(crate) fn keyspace(&self) -> KeyspaceId {
        match &self.access {
            Access::Full { .. } | Access::Key(_) => self.table.keyspace(),
            Access::Index { index_idx, .. } => self.table.indexes()[*index_idx].keyspace,
        }
    }
}

/// Which entries a scan reads.
#[derive(Debug)]
pub(crate) enum Access {
    /// All rows, in the order of their keys.
    Full { backwards: bool },
    /// A part of the primary key.
    Key(KeyAccess),
    /// A part of an index, by its position in the table.
    Index { index_idx: usize, keys: KeyAccess },
}

impl Access {
    /// Whether it goes from the last entry to the first.
    pub(crate) fn is_backwards(&self) -> bool {
        match self {
            Access::Full { backwards } => *backwards,
            Access::Key(keys) | Access::Index { keys, .. } => keys.backwards,
        }
    }
}

/// A contiguous part of a key space, or one such part for each of some values. The expressions read the slots of the
/// row that the scan is made for: none, or those of a join's left side.
#[derive(Debug, Default)]
pub(crate) struct KeyAccess {
    /// Values of the first columns.
    pub(crate) equal: Box<[Expr]>,
    /// Values of the column after those, each looked up.
    pub(crate) any_of: Option<Box<[Expr]>>,
    /// Bounds of the column after those.
    pub(crate) low: Option<KeyBound>,
    pub(crate) high: Option<KeyBound>,
    pub(crate) backwards: bool,
}

#[derive(Debug)]
pub(crate) struct KeyBound {
    pub(crate) value: Expr,
    pub(crate) inclusive: bool,
}

/// The rows nearest to a vector, nearest first. Slots as of [`Scan`].
#[derive(Debug)]
pub(crate) struct VectorScan {
    pub(crate) table: Arc<Table>,
    pub(crate) alias: String,
    pub(crate) index_idx: usize,
    pub(crate) metric: Metric,
    /// The vector searched for.
    pub(crate) query: Expr,
    /// How many rows are wanted: LIMIT plus OFFSET.
    pub(crate) limit: Expr,
    pub(crate) offset: Option<Expr>,
    pub(crate) columns: Box<[usize]>,
    pub(crate) emits_key: bool,
    pub(crate) filter: Box<[Expr]>,
}

#[derive(Debug)]
pub(crate) struct Values {
    pub(crate) rows: Box<[Box<[Expr]>]>,
}

#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) input: Node,
    /// All must be true.
    pub(crate) conjuncts: Box<[Expr]>,
}

#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) input: Node,
    pub(crate) exprs: Box<[Expr]>,
}

/// Slots: the probe side's, then the build side's.
#[derive(Debug)]
pub(crate) struct HashJoin {
    pub(crate) kind: JoinKind,
    pub(crate) probe: Node,
    pub(crate) build: Node,
    pub(crate) probe_keys: Box<[Expr]>,
    pub(crate) build_keys: Box<[Expr]>,
    /// More conditions, over both sides' slots.
    pub(crate) residual: Box<[Expr]>,
    /// Slots of the build side.
    pub(crate) build_width: usize,
}

/// For each left row, a scan whose keys it gives. Slots: the left side's, then the scan's.
#[derive(Debug)]
pub(crate) struct LookupJoin {
    pub(crate) kind: JoinKind,
    pub(crate) left: Node,
    pub(crate) right: Arc<Scan>,
    pub(crate) residual: Box<[Expr]>,
    pub(crate) right_width: usize,
}

/// Each left row with each right row. The right side is read once and kept.
#[derive(Debug)]
pub(crate) struct LoopJoin {
    pub(crate) kind: JoinKind,
    pub(crate) left: Node,
    pub(crate) right: Node,
    pub(crate) residual: Box<[Expr]>,
    pub(crate) right_width: usize,
}

/// Slots: the groups, then the aggregates.
#[derive(Debug)]
pub(crate) struct Aggregate {
    pub(crate) input: Node,
    pub(crate) groups: Box<[Expr]>,
    pub(crate) calls: Box<[Call]>,
}

/// How many rows a scan without conditions of its own would give, by the keys alone. One row.
#[derive(Debug)]
pub(crate) struct KeyCount {
    pub(crate) scan: Arc<Scan>,
    /// In how many slots the number is wanted.
    pub(crate) columns: usize,
}

/// One aggregate.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: AggregateFunction,
    pub(crate) name: String,
    pub(crate) args: Box<[Expr]>,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Distinct {
    pub(crate) input: Node,
}

#[derive(Debug)]
pub(crate) struct Sort {
    pub(crate) input: Node,
    pub(crate) keys: Box<[SortKey]>,
    /// When only the first rows are wanted: how many.
    pub(crate) top: Option<Window>,
}

#[derive(Debug)]
pub(crate) struct SortKey {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// LIMIT and OFFSET.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) limit: Option<Expr>,
    pub(crate) offset: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) input: Node,
    pub(crate) window: Window,
}

#[derive(Debug)]
pub(crate) struct SetOperation {
    pub(crate) op: SetOp,
    pub(crate) all: bool,
    pub(crate) left: Node,
    pub(crate) right: Node,
}

/// An expression over the slots of a row.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Constant(Value),
    Parameter(usize),
    Slot(usize),
    /// A value of the row around a subquery.
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
    /// A comparison of two values of one type.
    Compare {
        op: Comparison,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    And(Box<[Expr]>),
    Or(Box<[Expr]>),
    Not(Box<Expr>),
    IsNull {
        expr: Box<Expr>,
        negated: bool,
    },
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
        list: Box<[Expr]>,
        negated: bool,
    },
    Like(Box<Like>),
    Case {
        branches: Box<[(Expr, Expr)]>,
        otherwise: Option<Box<Expr>>,
    },
    Cast {
        expr: Box<Expr>,
        target: DataType,
        context: CastContext,
    },
    Function {
        function: ResolvedFunction,
        args: Box<[Expr]>,
    },
    Coalesce(Box<[Expr]>),
    Subplan(Arc<Subplan>),
}

/// `=`, `<` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
}

#[derive(Clone, Debug)]
pub(crate) struct Like {
    pub(crate) expr: Expr,
    pub(crate) pattern: LikePattern,
    pub(crate) negated: bool,
}

impl Like {
    /// Whether it is an ILIKE.
    pub(crate) fn ignores_case(&self) -> bool {
        match &self.pattern {
            LikePattern::Ready(pattern) => pattern.ignores_case(),
            LikePattern::Computed { ignores_case, .. } => *ignores_case,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum LikePattern {
    /// Known before anything runs.
    Ready(Pattern),
    Computed {
        pattern: Expr,
        escape: Option<char>,
        ignores_case: bool,
    },
}

/// A query used as a value.
#[derive(Debug)]
pub(crate) struct Subplan {
    /// Where its results are kept.
    pub(crate) id: usize,
    pub(crate) kind: SubplanKind,
    pub(crate) root: Node,
    /// Values of the row around that it uses. Empty: it runs once.
    pub(crate) outer: Box<[Expr]>,
}

#[derive(Debug)]
pub(crate) enum SubplanKind {
    Scalar,
    Exists { negated: bool },
    In { expr: Expr, negated: bool },
}
