//! Which aggregate a name and its arguments mean.

use drystone_record::DataType;

use crate::aggregate::moments::{Of, Root, Spread};
use crate::aggregate::{AggregateFunction, Kind};
use crate::function::ResolveError;

/// All names, each with what it gathers.
const NAMES: &[(&str, Kind)] = &[
    ("count", Kind::Count),
    ("sum", Kind::Sum),
    ("avg", Kind::Avg),
    ("min", Kind::Min),
    ("max", Kind::Max),
    ("bool_and", Kind::BoolAnd),
    ("every", Kind::BoolAnd),
    ("bool_or", Kind::BoolOr),
    ("string_agg", Kind::StringAgg),
    ("jsonb_agg", Kind::JsonbAgg),
    ("json_agg", Kind::JsonbAgg),
    ("jsonb_object_agg", Kind::JsonbObjectAgg),
    ("json_object_agg", Kind::JsonbObjectAgg),
    ("var_pop", spread(Of::Population, Root::Variance)),
    ("var_samp", spread(Of::Sample, Root::Variance)),
    ("variance", spread(Of::Sample, Root::Variance)),
    ("stddev_pop", spread(Of::Population, Root::Deviation)),
    ("stddev_samp", spread(Of::Sample, Root::Deviation)),
    ("stddev", spread(Of::Sample, Root::Deviation)),
];

const fn spread(of: Of, root: Root) -> Kind {
    Kind::Spread(Spread { of, root })
}

/// Names of all aggregates.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// Whether it is the name of an aggregate.
pub(crate) fn is_aggregate(name: &str) -> bool {
    kind_of(name).is_some()
}

/// `name(*)`: only `count` has it.
pub(crate) fn resolve_star(name: &str) -> Result<AggregateFunction, ResolveError> {
    match kind_of(name) {
        Some(Kind::Count) => Ok(AggregateFunction {
            kind: Kind::CountRows,
            args: Vec::new(),
            result: DataType::BigInt,
        }),
        _ => Err(ResolveError::star(name)),
    }
}

/// `name(args)`; an argument whose type is not known is `None`.
pub(crate) fn resolve(
    name: &str,
    args: &[Option<DataType>],
) -> Result<AggregateFunction, ResolveError> {
    let kind = kind_of(name).ok_or_else(|| ResolveError::unknown(name, args))?;
    let (args, result) = match (kind, args) {
        (Kind::Sum | Kind::Avg | Kind::Spread(_), [None]) => {
            return Err(ResolveError::ambiguous(name, args));
        }
        _ => {
            signature(kind, args).ok_or_else(|| ResolveError::no_match(name, args, takes(kind)))?
        }
    };
    Ok(AggregateFunction { kind, args, result })
}

fn kind_of(name: &str) -> Option<Kind> {
    let mut names = NAMES.iter();
    names
        .find(|(known, _)| *known == name)
        .map(|(_, kind)| *kind)
}

/// What the arguments must be cast to and what comes of them; `None` where they do not fit.
fn signature(kind: Kind, args: &[Option<DataType>]) -> Option<(Vec<DataType>, DataType)> {
    use DataType::{BigInt, Boolean, Double, Integer, Jsonb, Text, Vector};
    let (args, result) = match (kind, args) {
        (Kind::Count, [arg]) => (vec![arg.unwrap_or(Text)], BigInt),
        (Kind::Sum, [Some(arg @ (Integer | BigInt))]) => (vec![*arg], BigInt),
        (Kind::Sum | Kind::Avg, [Some(arg @ Vector(_))]) => (vec![*arg], *arg),
        (Kind::Sum, [Some(Double)]) => (vec![Double], Double),
        (Kind::Avg, [Some(arg @ (Integer | BigInt | Double))]) => (vec![*arg], Double),
        (Kind::Min | Kind::Max, [arg]) => {
            let arg = arg.unwrap_or(Text);
            let ordered = arg.is_key() && arg != Boolean;
            ordered.then_some((vec![arg], arg))?
        }
        (Kind::BoolAnd | Kind::BoolOr, [None | Some(Boolean)]) => (vec![Boolean], Boolean),
        (Kind::StringAgg, [value, delimiter]) => string_agg(*value, *delimiter)?,
        (Kind::JsonbAgg, [arg]) => (vec![arg.unwrap_or(Text)], Jsonb),
        (Kind::JsonbObjectAgg, [key, value]) => {
            (vec![key.unwrap_or(Text), value.unwrap_or(Text)], Jsonb)
        }
        (Kind::Spread(_), [Some(arg)]) if arg.is_numeric() => (vec![Double], Double),
        _ => return None,
    };
    Some((args, result))
}

/// Both TEXT, or both BYTEA.
fn string_agg(
    value: Option<DataType>,
    delimiter: Option<DataType>,
) -> Option<(Vec<DataType>, DataType)> {
    let whole = value.or(delimiter).unwrap_or(DataType::Text);
    let fits = |arg: Option<DataType>| arg.is_none_or(|arg| arg == whole);
    let is_string = matches!(whole, DataType::Text | DataType::Bytea);
    (is_string && fits(value) && fits(delimiter)).then(|| (vec![whole, whole], whole))
}

/// What it takes, for people.
fn takes(kind: Kind) -> &'static str {
    match kind {
        Kind::CountRows | Kind::Count | Kind::JsonbAgg => "any",
        Kind::Sum | Kind::Avg => "integer, bigint, double precision or vector",
        Kind::Min | Kind::Max => {
            "integer, bigint, double precision, text, bytea or timestamp without time zone"
        }
        Kind::BoolAnd | Kind::BoolOr => "boolean",
        Kind::StringAgg => "text, text or bytea, bytea",
        Kind::JsonbObjectAgg => "any, any",
        Kind::Spread(_) => "integer, bigint or double precision",
    }
}
