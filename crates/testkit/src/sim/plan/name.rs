//! The name of a plan: its seed, and which of its items are left.

use super::{FaultPlan, PlanItem, PlanShape};
use crate::seed::parse_seed;

/// A text that names no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no plan; expected SEED or SEED-ITEM.ITEM...")]
pub struct NoPlan {
    /// The text.
    pub text: String,
}

impl FaultPlan {
    /// `SEED-ITEM.ITEM...`: enough to have the plan again, with the shape that it was drawn from.
    #[must_use]
    pub fn name(&self) -> String {
        let numbers: Vec<String> = self
            .items
            .iter()
            .map(|item| item.number.to_string())
            .collect();
        format!("{:#x}-{}", self.seed, numbers.join("."))
    }

    /// The plan of a name; a seed alone names all that it gives.
    ///
    /// # Errors
    /// [`NoPlan`] when the text is not such a name, or names items that the shape does not give.
    pub fn named(name: &str, shape: &PlanShape) -> Result<FaultPlan, NoPlan> {
        parse(name, shape).ok_or_else(|| NoPlan {
            text: name.to_owned(),
        })
    }
}

fn parse(name: &str, shape: &PlanShape) -> Option<FaultPlan> {
    let (seed, numbers) = match name.split_once('-') {
        None => return Some(FaultPlan::draw(parse_seed(name)?, shape)),
        Some((seed, numbers)) => (parse_seed(seed)?, numbers),
    };
    let whole = FaultPlan::draw(seed, shape);
    let numbers = numbers.split('.').filter(|number| !number.is_empty());
    let items: Option<Vec<PlanItem>> = numbers
        .map(|number| whole.items.get(number.parse::<usize>().ok()?).cloned())
        .collect();
    Some(whole.with_items(&items?))
}
