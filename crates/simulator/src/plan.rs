//! A plan: all that a run does, written out. A seed draws one; a run follows it and draws nothing of its own that matters.
//!
//! As text it is one line for seed and options, and one for each operation, so that a failure can be printed, edited and
//! run again:
//!
//! ```text
//! {"seed":7,"options":{"cache_bytes":32768,...}}
//! [1,{"Begin":"Transaction"}]
//! [1,{"Change":{"space":0,"key":3,"value":{"len":10,"seed":7}}}]
//! [1,{"Commit":"Sync"}]
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::operation::Operation;
use crate::options::SimOptions;

/// All that a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it was drawn from; decides what the disk does by chance.
    pub seed: u64,
    /// What the database is opened with.
    pub options: SimOptions,
    /// In order.
    pub steps: Vec<Step>,
}

/// One operation of one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step(
    /// The task: it has at most one transaction, one snapshot and one cursor.
    pub u8,
    /// What it does.
    pub Operation,
);

/// The first line of a plan's text.
#[derive(Serialize, Deserialize)]
struct Head {
    seed: u64,
    options: SimOptions,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = Head {
            seed: self.seed,
            options: self.options.clone(),
        };
        writeln!(f, "{}", line(&head)?)?;
        for step in &self.steps {
            writeln!(f, "{}", line(step)?)?;
        }
        Ok(())
    }
}

fn line(part: &impl Serialize) -> Result<String, fmt::Error> {
    serde_json::to_string(part).map_err(|_| fmt::Error)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line(self)?)
    }
}

impl FromStr for Plan {
    type Err = serde_json::Error;

    /// Reads the text of a plan. Empty lines are left out.
    fn from_str(text: &str) -> Result<Plan, serde_json::Error> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let head: Head = serde_json::from_str(lines.next().unwrap_or_default())?;
        let steps = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Plan {
            seed: head.seed,
            options: head.options,
            steps,
        })
    }
}
