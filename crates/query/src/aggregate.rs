//! Aggregates: which there are, and how values are gathered into one.
//!
//! Results differ from PostgreSQL's where it has NUMERIC, which this does not: the sum of BIGINT is BIGINT and an error
//! where it does not fit; averages and variances of integers are DOUBLE PRECISION.

mod accumulator;
mod moments;
mod resolve;

use drystone_record::DataType;

pub(crate) use accumulator::Accumulator;
pub(crate) use resolve::{is_aggregate, names, resolve, resolve_star};

/// An aggregate whose argument types are settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AggregateFunction {
    kind: Kind,
    args: Vec<DataType>,
    result: DataType,
}

/// What is gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// `count(*)`.
    CountRows,
    /// `count(x)`.
    Count,
    Sum,
    Avg,
    Min,
    Max,
    BoolAnd,
    BoolOr,
    StringAgg,
    JsonbAgg,
    JsonbObjectAgg,
    Spread(moments::Spread),
}

impl AggregateFunction {
    /// The types that its arguments must be cast to.
    pub(crate) fn arg_types(&self) -> &[DataType] {
        &self.args
    }

    /// Whether it counts rows, whatever is in them.
    pub(crate) fn counts_rows(&self) -> bool {
        self.kind == Kind::CountRows
    }

    /// The type of its result.
    pub(crate) fn return_type(&self) -> DataType {
        self.result
    }
}

#[cfg(test)]
mod tests;
