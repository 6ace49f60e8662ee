//! What a running statement has at hand.

use std::cell::RefCell;
use std::sync::Arc;

use drystone_record::Value;

use crate::engine::SqlEngine;
use crate::error::SqlError;
use crate::exec::deadline::Deadline;
use crate::exec::memory::MemoryBudget;
use crate::exec::reader::Reader;
use crate::exec::subplan::SubplanResults;
use crate::function::EvalContext;

/// One execution of one statement.
pub(crate) struct Context<'t> {
    pub(crate) engine: SqlEngine,
    pub(crate) reader: Reader<'t>,
    pub(crate) parameters: Arc<[Value]>,
    pub(crate) memory: MemoryBudget,
    deadline: Deadline,
    /// The moment that `now()` gives.
    pub(crate) functions: EvalContext,
    pub(crate) subplans: RefCell<Vec<SubplanResults>>,
}

impl<'t> Context<'t> {
    pub(crate) fn new(
        engine: &SqlEngine,
        reader: Reader<'t>,
        parameters: Arc<[Value]>,
        functions: EvalContext,
        subplan_count: usize,
    ) -> Context<'t> {
        Context {
            reader,
            parameters,
            memory: MemoryBudget::new(engine.options().statement_memory_bytes_max),
            deadline: Deadline::new(engine.options().statement_time_max, engine.clock()),
            functions,
            subplans: RefCell::new(
                (0..subplan_count)
                    .map(|_| SubplanResults::default())
                    .collect(),
            ),
            engine: engine.clone(),
        }
    }

    /// To be called for every row that is read or joined: fails when the statement has taken its time.
    #[inline]
    pub(crate) fn note_row(&self) -> Result<(), SqlError> {
        self.deadline.note_row(self.engine.clock())
    }

    /// Where the statement itself runs: within no other query.
    pub(crate) fn env(&self) -> Env<'_> {
        Env {
            cx: self,
            outer: &[],
        }
    }
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
pub(crate) struct Env<'e> {
    pub(crate) cx: &'e Context<'e>,
    /// Values of the row around the subquery that runs.
    pub(crate) outer: &'e [Value],
}
