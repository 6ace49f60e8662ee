//! Which function a name and its arguments mean.
//!
//! Of the functions of that name whose parameters take the arguments, the one that needs the fewest casts; of equals the
//! one that stands first in its table, where the one that a literal of no known type should mean is put.

use drystone_record::DataType;

use crate::cast::{CastContext, can_cast};
use crate::function::{
    Definition, Param, ResolvedFunction, conditional, encoding, format, json, math, rounding,
    substring, system, text, time, vector,
};
use crate::{aggregate, suggest};

const TABLES: &[&[Definition]] = &[
    conditional::FUNCTIONS,
    encoding::FUNCTIONS,
    format::FUNCTIONS,
    json::FUNCTIONS,
    math::FUNCTIONS,
    rounding::FUNCTIONS,
    substring::FUNCTIONS,
    system::FUNCTIONS,
    text::FUNCTIONS,
    time::FUNCTIONS,
    vector::FUNCTIONS,
];

/// No function fits the call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    /// There is none of that name.
    #[error("function {call} does not exist")]
    Unknown {
        /// The call, with its types.
        call: String,
        /// The name that was probably meant.
        near: Option<&'static str>,
    },
    /// There are some of that name, but none takes these arguments.
    #[error("function {call} does not exist; there is {candidates}")]
    NoMatch {
        /// The call, with its types.
        call: String,
        /// What there is.
        candidates: String,
    },
    /// There are several, and nothing says which is meant.
    #[error("function {call} is not unique; cast an argument to the type that is meant")]
    Ambiguous {
        /// The call, with its types.
        call: String,
    },
    /// `name(*)` of something that is not `count`.
    #[error("function {0}(*) does not exist; only count takes *")]
    Star(String),
}

impl ResolveError {
    pub(crate) fn unknown(name: &str, args: &[Option<DataType>]) -> ResolveError {
        ResolveError::Unknown {
            call: described(name, args),
            near: suggest::nearest(name, names()),
        }
    }

    pub(crate) fn no_match(
        name: &str,
        args: &[Option<DataType>],
        candidates: impl Into<String>,
    ) -> ResolveError {
        ResolveError::NoMatch {
            call: described(name, args),
            candidates: candidates.into(),
        }
    }

    pub(crate) fn ambiguous(name: &str, args: &[Option<DataType>]) -> ResolveError {
        ResolveError::Ambiguous {
            call: described(name, args),
        }
    }

    pub(crate) fn star(name: &str) -> ResolveError {
        ResolveError::Star(name.to_owned())
    }

    /// The SQLSTATE code.
    pub(crate) fn sqlstate(&self) -> &'static str {
        match self {
            ResolveError::Ambiguous { .. } => "42725",
            _ => "42883",
        }
    }

    /// The name that was probably meant.
    pub(crate) fn near_name(&self) -> Option<&'static str> {
        match self {
            ResolveError::Unknown { near, .. } => *near,
            _ => None,
        }
    }
}

fn described(name: &str, args: &[Option<DataType>]) -> String {
    let types: Vec<String> = args
        .iter()
        .map(|arg| arg.map_or_else(|| "unknown".to_owned(), |known| known.to_string()))
        .collect();
    format!("{name}({})", types.join(", "))
}

/// All functions.
pub(super) fn all() -> impl Iterator<Item = &'static Definition> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The name at a place in the list of all functions, which goes round.
#[cfg(fuzzing)]
pub(crate) fn name_at(place: usize) -> &'static str {
    let found = all().nth(place % all().count());
    found.map(|definition| definition.name).unwrap_or_default()
}

/// Names of all functions and aggregates.
fn names() -> impl Iterator<Item = &'static str> {
    let scalar = all().map(|definition| definition.name);
    scalar.chain(aggregate::names())
}

fn of_name(name: &str) -> impl Iterator<Item = &'static Definition> {
    all().filter(move |definition| definition.name == name)
}

/// `name(args)`; an argument whose type is not known is `None`.
pub(crate) fn resolve(
    name: &str,
    args: &[Option<DataType>],
) -> Result<ResolvedFunction, ResolveError> {
    let fitting = of_name(name).filter_map(|definition| Fit::of(definition, args));
    let best = fitting.reduce(|best, next| match next.exact > best.exact {
        true => next,
        false => best,
    });
    if let Some(fit) = best {
        return Ok(ResolvedFunction {
            definition: fit.definition,
            args: fit.args,
            result: fit.result,
        });
    }
    let candidates: Vec<String> = of_name(name).map(Definition::to_string).collect();
    match candidates.is_empty() {
        true => Err(ResolveError::unknown(name, args)),
        false => Err(ResolveError::no_match(name, args, candidates.join(", "))),
    }
}

/// A function that takes the arguments.
struct Fit {
    definition: &'static Definition,
    /// Arguments that need no cast.
    exact: usize,
    args: Vec<DataType>,
    result: DataType,
}

impl Fit {
    fn of(definition: &'static Definition, args: &[Option<DataType>]) -> Option<Fit> {
        let params = params_for(definition, args.len())?;
        let common = common_type(&params, args);
        let vector = args.iter().flatten().copied().find(is_vector);
        let mut fit = Fit {
            definition,
            exact: 0,
            args: Vec::with_capacity(args.len()),
            result: DataType::Text,
        };
        for (param, arg) in params.iter().zip(args) {
            let target = match param {
                Param::Is(data_type) => *data_type,
                Param::Vector => arg.filter(is_vector).or(vector)?,
                Param::Any => arg.unwrap_or(DataType::Text),
                Param::Common => common?,
            };
            match arg {
                Some(arg) if *arg == target => fit.exact += 1,
                Some(arg) if !can_cast(arg, &target, CastContext::Implicit) => return None,
                _ => {}
            }
            fit.args.push(target);
        }
        fit.result = match definition.result {
            Param::Is(data_type) => data_type,
            Param::Vector => vector?,
            Param::Common => common?,
            Param::Any => return None,
        };
        Some(fit)
    }
}

/// The parameters for that many arguments; `None` where it does not take so many.
fn params_for(definition: &Definition, count: usize) -> Option<Vec<Param>> {
    let fixed = definition.params.len();
    let further = count.checked_sub(fixed)?;
    let more = match definition.more {
        Some(more) => vec![more; further],
        None if further == 0 => Vec::new(),
        None => return None,
    };
    Some([definition.params, &more].concat())
}

/// The type that all arguments for [`Param::Common`] can take unasked; TEXT where none has a type.
fn common_type(params: &[Param], args: &[Option<DataType>]) -> Option<DataType> {
    let marked = params.iter().zip(args);
    let known = marked.filter_map(|(param, arg)| arg.filter(|_| *param == Param::Common));
    let mut common = None;
    for next in known {
        common = match common {
            None => Some(next),
            Some(so_far) if can_cast(&next, &so_far, CastContext::Implicit) => Some(so_far),
            Some(so_far) if can_cast(&so_far, &next, CastContext::Implicit) => Some(next),
            Some(_) => return None,
        };
    }
    Some(common.unwrap_or(DataType::Text))
}

fn is_vector(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Vector(_))
}
