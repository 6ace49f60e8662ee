//! The interface of operators, and which node becomes which.

use std::sync::Arc;
use std::time::Duration;

use drystone_base::sync::Mutex;
use drystone_record::Value;

use crate::error::SqlError;
use crate::exec::aggregate::AggregateOperator;
use crate::exec::context::Env;
use crate::exec::count::CountOperator;
use crate::exec::hash_join::HashJoinOperator;
use crate::exec::join::{LookupJoinOperator, LoopJoinOperator};
use crate::exec::scan::ScanOperator;
use crate::exec::set_operation::SetOperator;
use crate::exec::simple::{
    DistinctOperator, FilterOperator, LimitOperator, OneOperator, ProjectOperator, ValuesOperator,
};
use crate::exec::sort::SortOperator;
use crate::exec::vector_scan::VectorScanOperator;
use crate::plan::Node;

/// The values of one row, by slot.
pub(crate) type Row = Vec<Value>;

/// A step of a running query.
pub(crate) trait Operator: Send {
    /// Puts the next row into `row`, whatever was in it; false when there is none. Not to be called after that.
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError>;
}

/// Starts a node. Nothing is read before the first row is asked for.
pub(crate) fn open(node: &Node) -> Box<dyn Operator> {
    Opener { profile: None }.open(node)
}

/// What operators did, by node in the order in which plans are printed.
pub(crate) type Profile = Arc<Mutex<Vec<OperatorProfile>>>;

/// What one operator did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OperatorProfile {
    pub(crate) rows: u64,
    /// With that of the operators below.
    pub(crate) time: Duration,
}

/// Starts a node whose operators note what they do.
pub(crate) fn open_profiled(node: &Node, profile: &Profile) -> Box<dyn Operator> {
    Opener {
        profile: Some(Arc::clone(profile)),
    }
    .open(node)
}

struct Opener {
    profile: Option<Profile>,
}

impl Opener {
    fn open(&mut self, node: &Node) -> Box<dyn Operator> {
        let Some(profile) = self.profile.clone() else {
            return self.open_plain(node);
        };
        let position = {
            let mut operators = profile.lock();
            operators.push(OperatorProfile::default());
            operators.len() - 1
        };
        Box::new(Profiled {
            inner: self.open_plain(node),
            profile,
            position,
        })
    }

    fn open_plain(&mut self, node: &Node) -> Box<dyn Operator> {
        match node {
            Node::One => Box::new(OneOperator::default()),
            Node::Scan(scan) => Box::new(ScanOperator::new(Arc::clone(scan))),
            Node::VectorScan(scan) => Box::new(VectorScanOperator::new(Arc::clone(scan))),
            Node::Values(values) => Box::new(ValuesOperator::new(Arc::clone(values))),
            Node::Filter(filter) => Box::new(FilterOperator::new(
                self.open(&filter.input),
                Arc::clone(filter),
            )),
            Node::Project(project) => Box::new(ProjectOperator::new(
                self.open(&project.input),
                Arc::clone(project),
            )),
            Node::HashJoin(join) => {
                let probe = self.open(&join.probe);
                let build = self.open(&join.build);
                Box::new(HashJoinOperator::new(probe, build, Arc::clone(join)))
            }
            Node::LookupJoin(join) => Box::new(LookupJoinOperator::new(
                self.open(&join.left),
                Arc::clone(join),
            )),
            Node::LoopJoin(join) => {
                let left = self.open(&join.left);
                let right = self.open(&join.right);
                Box::new(LoopJoinOperator::new(left, right, Arc::clone(join)))
            }
            Node::Aggregate(aggregate) => Box::new(AggregateOperator::new(
                self.open(&aggregate.input),
                Arc::clone(aggregate),
            )),
            Node::KeyCount(count) => Box::new(CountOperator::new(Arc::clone(count))),
            Node::Distinct(distinct) => Box::new(DistinctOperator::new(self.open(&distinct.input))),
            Node::Sort(sort) => {
                Box::new(SortOperator::new(self.open(&sort.input), Arc::clone(sort)))
            }
            Node::Limit(limit) => Box::new(LimitOperator::new(
                self.open(&limit.input),
                Arc::clone(limit),
            )),
            Node::SetOperation(operation) => {
                let left = self.open(&operation.left);
                let right = self.open(&operation.right);
                Box::new(SetOperator::new(left, right, Arc::clone(operation)))
            }
        }
    }
}

/// An operator that notes rows and time.
struct Profiled {
    inner: Box<dyn Operator>,
    profile: Profile,
    position: usize,
}

impl Operator for Profiled {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        let clock = env.cx.engine.clock();
        let started = clock.monotonic();
        let more = self.inner.next(env, row);
        let took = clock.monotonic().saturating_sub(started);
        let noted = &mut self.profile.lock()[self.position];
        noted.time += took;
        noted.rows += u64::from(matches!(more, Ok(true)));
        more
    }
}
