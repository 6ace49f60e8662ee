//! GROUP BY: rows gathered by their group, in a hash table.

use std::sync::Arc;

use drystone_record::Value;
use hashbrown::HashMap;

use crate::aggregate::Accumulator;
use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::operator::{Operator, Row};
use crate::plan::{Aggregate, Call};

/// The accumulators of one group.
type Accumulators = Box<[Accumulator]>;

/// A group's values, and what is gathered of it.
type Group = (Box<[Value]>, Accumulators);

pub(crate) struct AggregateOperator {
    input: Box<dyn Operator>,
    aggregate: Arc<Aggregate>,
    groups: Option<std::vec::IntoIter<Group>>,
}

impl AggregateOperator {
    pub(crate) fn new(input: Box<dyn Operator>, aggregate: Arc<Aggregate>) -> AggregateOperator {
        AggregateOperator {
            input,
            aggregate,
            groups: None,
        }
    }

    /// Reads all of the input.
    fn gather(&mut self, env: Env<'_>) -> Result<Vec<Group>, SqlError> {
        let aggregate = Arc::clone(&self.aggregate);
        let mut groups: Vec<Group> = Vec::new();
        let mut positions: HashMap<Box<[Value]>, usize> = HashMap::new();
        if aggregate.groups.is_empty() {
            groups.push((Box::default(), accumulators(&aggregate.calls)));
        }
        let mut row = Row::new();
        let mut key = Row::new();
        let mut args = Row::new();
        while self.input.next(env, &mut row)? {
            let position = match aggregate.groups.is_empty() {
                true => 0,
                false => {
                    key.clear();
                    for group in &aggregate.groups {
                        key.push(group.eval(&row, env)?);
                    }
                    match positions.get(key.as_slice()) {
                        Some(position) => *position,
                        None => {
                            env.cx.memory.take_row(&key)?;
                            env.cx.memory.take_row(&key)?;
                            env.cx
                                .memory
                                .take(aggregate.calls.len() * size_of::<Accumulator>())?;
                            let group: Box<[Value]> = key.as_slice().into();
                            positions.insert(group.clone(), groups.len());
                            groups.push((group, accumulators(&aggregate.calls)));
                            groups.len() - 1
                        }
                    }
                }
            };
            for (call, accumulator) in aggregate.calls.iter().zip(&mut groups[position].1) {
                update(call, accumulator, &row, &mut args, env)?;
            }
        }
        Ok(groups)
    }
}

impl Operator for AggregateOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        let groups = match &mut self.groups {
            Some(groups) => groups,
            None => {
                let groups = self.gather(env)?.into_iter();
                self.groups.insert(groups)
            }
        };
        let Some((key, accumulators)) = groups.next() else {
            return Ok(false);
        };
        row.clear();
        row.extend(key);
        for accumulator in accumulators {
            row.push(accumulator.finish()?);
        }
        Ok(true)
    }
}

fn accumulators(calls: &[Call]) -> Accumulators {
    calls
        .iter()
        .map(|call| match call.distinct {
            true => Accumulator::distinct(&call.function),
            false => Accumulator::new(&call.function),
        })
        .collect()
}

/// Gives one row to one aggregate.
fn update(
    call: &Call,
    accumulator: &mut Accumulator,
    row: &[Value],
    args: &mut Row,
    env: Env<'_>,
) -> Result<(), SqlError> {
    if let Some(filter) = &call.filter
        && filter.test(row, env)? != Some(true)
    {
        return Ok(());
    }
    args.clear();
    for arg in &call.args {
        args.push(arg.eval(row, env)?);
    }
    let before = accumulator.heap_bytes();
    accumulator.update(args)?;
    match accumulator.heap_bytes().saturating_sub(before) {
        0 => Ok(()),
        grown => env.cx.memory.take(grown),
    }
}
