//! One crash point, as text that replays it.

use std::fmt;
use std::str::FromStr;

use crate::seed::parse_seed;
use crate::sim::CrashPolicy;

/// A power cut at one place of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerCut {
    /// How many operations of the workload, or of the recovery that was cut before, had been done.
    pub at: usize,
    /// What survived.
    pub policy: CrashPolicy,
    /// Which draw of the policy: the same numbers give the same disk.
    pub draw: u64,
}

/// A place where a run of [`super::CrashPoints`] cut the power, then perhaps again in the recovery, and so on.
///
/// Its text, `SEED/AT.POLICY.DRAW/...`, is what the environment variable [`super::POINT_VARIABLE`] takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// The seed of the run.
    pub seed: u64,
    /// The cuts, the one in the workload first.
    pub cuts: Vec<PowerCut>,
}

impl CrashPoint {
    /// This point, and one more cut in the recovery after it.
    pub(super) fn then(&self, cut: PowerCut) -> CrashPoint {
        let mut cuts = self.cuts.clone();
        cuts.push(cut);
        CrashPoint {
            seed: self.seed,
            cuts,
        }
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.seed)?;
        for cut in &self.cuts {
            write!(f, "/{}.{}.{}", cut.at, cut.policy, cut.draw)?;
        }
        Ok(())
    }
}

/// A text that names no crash point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no crash point; expected SEED/AT.POLICY.DRAW/...")]
pub struct NoCrashPoint {
    /// The text.
    pub text: String,
}

impl FromStr for CrashPoint {
    type Err = NoCrashPoint;

    fn from_str(text: &str) -> Result<CrashPoint, NoCrashPoint> {
        parse(text).ok_or_else(|| NoCrashPoint {
            text: text.to_owned(),
        })
    }
}

fn parse(text: &str) -> Option<CrashPoint> {
    let mut parts = text.split('/');
    let seed = parse_seed(parts.next()?)?;
    let cuts: Option<Vec<PowerCut>> = parts.map(parse_cut).collect();
    let cuts = cuts.filter(|cuts| !cuts.is_empty())?;
    Some(CrashPoint { seed, cuts })
}

fn parse_cut(text: &str) -> Option<PowerCut> {
    let mut parts = text.split('.');
    let at = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let draw = parts.next()?.parse().ok()?;
    let policy = parse_policy(name)?;
    let nothing_more = parts.next().is_none();
    nothing_more.then_some(PowerCut { at, policy, draw })
}

fn parse_policy(name: &str) -> Option<CrashPolicy> {
    if let Some(limit) = name.strip_prefix("Subset") {
        return limit.parse().ok().map(CrashPolicy::Subset);
    }
    let mut named = CrashPolicy::ALL.into_iter().chain(CrashPolicy::BLASTS);
    named.find(|policy| policy.to_string() == name)
}
