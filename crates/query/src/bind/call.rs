//! Calls: functions, aggregates, and the few that are neither.

use sqlparser::ast::{
    self, DuplicateTreatment, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Spanned,
};
use sqlparser::tokenizer::Span;

use drystone_record::DataType;

use crate::aggregate;
use crate::bind::expr::function_name;
use crate::bind::literal::null;
use crate::bind::names::{Name, refuse};
use crate::bind::{Aggregation, Binder};
use crate::error::SqlError;
use crate::function;
use crate::limits::MAX_SYNTAX_DEPTH;
use crate::logical::{AggregateCall, ColumnId, Expr, ExprKind};
use crate::operator::BinaryOp;
use crate::sql_state::SqlState;

/// A call taken apart.
struct Call<'a> {
    name: Name,
    args: Vec<&'a ast::Expr>,
    is_star: bool,
    distinct: bool,
    filter: Option<&'a ast::Expr>,
}

impl<'a> Binder<'a> {
    pub(crate) fn bind_function(&mut self, syntax: &'a Function) -> Result<Expr, SqlError> {
        let call = take_apart(syntax)?;
        let span = call.name.span;
        if aggregate::is_aggregate(&call.name.text) {
            return self.bind_aggregate(call).map_err(|error| error.at(span));
        }
        refuse(call.is_star, "* as an argument of a function", span)?;
        refuse(call.distinct, "DISTINCT in a function", span)?;
        refuse(call.filter.is_some(), "FILTER on a function", span)?;
        let mut args = Vec::with_capacity(call.args.len());
        for arg in call.args {
            args.push(self.bind_expr(arg)?);
        }
        match (call.name.text.as_str(), args.len()) {
            ("coalesce", 1..) => self.bind_coalesce(args),
            ("nullif", 2) => self.bind_null_if(args),
            (name, _) => return self.call(name, args, span),
        }
        .map_err(|error| error.at(span))
    }

    /// A call of a function, with casts where the arguments need them.
    pub(crate) fn call(
        &mut self,
        name: &str,
        args: Vec<Expr>,
        span: Span,
    ) -> Result<Expr, SqlError> {
        let types: Vec<Option<DataType>> = args.iter().map(|arg| arg.data_type).collect();
        let function =
            function::resolve(name, &types).map_err(|error| SqlError::from(error).at(span))?;
        let targets = function.arg_types().to_vec();
        let args = args
            .into_iter()
            .zip(targets)
            .map(|(arg, target)| self.coerce(arg, target))
            .collect::<Result<Vec<Expr>, SqlError>>()
            .map_err(|error| error.at(span))?;
        let data_type = function.return_type();
        Ok(Expr::new(ExprKind::Function { function, args }, data_type))
    }

    fn bind_coalesce(&mut self, mut args: Vec<Expr>) -> Result<Expr, SqlError> {
        let mut all: Vec<&mut Expr> = args.iter_mut().collect();
        let data_type = self.unify(&mut all, "COALESCE")?;
        Ok(Expr::new(ExprKind::Coalesce(args), data_type))
    }

    /// `CASE WHEN a = b THEN NULL ELSE a END`.
    fn bind_null_if(&mut self, mut args: Vec<Expr>) -> Result<Expr, SqlError> {
        let right = args.pop().unwrap_or_else(null);
        let mut left = args.pop().unwrap_or_else(null);
        // The left side is there twice, so calls within calls double it.
        if left.part_count() > MAX_SYNTAX_DEPTH as usize {
            return Err(SqlError::new(
                SqlState::StatementTooComplex,
                "the first argument of NULLIF is too complex",
            )
            .with_hint("compute it in a subquery of FROM"));
        }
        let equal = self.binary(BinaryOp::Eq, left.clone(), right)?;
        let data_type = self.settle(&mut left)?;
        let mut nothing = null();
        nothing.data_type = Some(data_type);
        Ok(Expr::new(
            ExprKind::Case {
                branches: vec![(equal, nothing)],
                otherwise: Some(Box::new(left)),
            },
            data_type,
        ))
    }

    /// An aggregate: noted for the GROUP BY step, and here a column of its result.
    fn bind_aggregate(&mut self, call: Call<'a>) -> Result<Expr, SqlError> {
        let place = format!("an argument of {}", call.name.text);
        let aggregation = self.swap_aggregation(Aggregation::Refused("an aggregate's arguments"));
        let (id, mut calls) = match aggregation {
            Aggregation::Collected { id, calls } => (id, calls),
            Aggregation::Refused(clause) => {
                self.swap_aggregation(Aggregation::Refused(clause));
                return Err(SqlError::new(
                    SqlState::GroupingError,
                    format!("aggregate functions are not allowed in {clause}"),
                ));
            }
        };
        let bound = self.bind_aggregate_call(call, &place);
        let position = bound.map(|bound| {
            let known = calls.iter().position(|known| *known == bound);
            let data_type = bound.data_type;
            let position = known.unwrap_or_else(|| {
                calls.push(bound);
                calls.len() - 1
            });
            (position, data_type)
        });
        self.swap_aggregation(Aggregation::Collected { id, calls });
        let (column, data_type) = position?;
        Ok(Expr::column(
            ColumnId {
                relation: id,
                column,
            },
            data_type,
        ))
    }

    fn bind_aggregate_call(
        &mut self,
        call: Call<'a>,
        place: &str,
    ) -> Result<AggregateCall, SqlError> {
        let mut args = Vec::with_capacity(call.args.len());
        for arg in call.args {
            args.push(self.bind_expr(arg)?);
        }
        let types: Vec<Option<DataType>> = args.iter().map(|arg| arg.data_type).collect();
        let function = match call.is_star {
            true => aggregate::resolve_star(&call.name.text)?,
            false => aggregate::resolve(&call.name.text, &types)?,
        };
        let targets = function.arg_types().to_vec();
        let args = args
            .into_iter()
            .zip(targets)
            .map(|(arg, target)| self.coerce(arg, target))
            .collect::<Result<Vec<Expr>, SqlError>>()?;
        let filter = match call.filter {
            Some(filter) => Some(self.bind_condition(filter, place)?),
            None => None,
        };
        let data_type = function.return_type();
        Ok(AggregateCall {
            function,
            name: call.name.text,
            args,
            distinct: call.distinct,
            filter,
            data_type,
        })
    }
}

fn take_apart(syntax: &Function) -> Result<Call<'_>, SqlError> {
    let Function {
        name,
        uses_odbc_syntax,
        parameters,
        args,
        filter,
        null_treatment,
        over,
        within_group,
    } = syntax;
    let span = syntax.span();
    refuse(*uses_odbc_syntax, "ODBC syntax", span)?;
    refuse(
        *parameters != FunctionArguments::None,
        "parameters of a function",
        span,
    )?;
    refuse(null_treatment.is_some(), "IGNORE NULLS", span)?;
    refuse(over.is_some(), "OVER (window functions)", span)?;
    refuse(!within_group.is_empty(), "WITHIN GROUP", span)?;
    let name = function_name(name)?;
    let mut call = Call {
        name,
        args: Vec::new(),
        is_star: false,
        distinct: false,
        filter: filter.as_deref(),
    };
    match args {
        FunctionArguments::None => {}
        FunctionArguments::Subquery(query) => {
            return Err(SqlError::unsupported("a query as an argument").at(query.span()));
        }
        FunctionArguments::List(list) => take_arguments(list, &mut call, span)?,
    }
    Ok(call)
}

fn take_arguments<'a>(
    list: &'a FunctionArgumentList,
    call: &mut Call<'a>,
    span: Span,
) -> Result<(), SqlError> {
    let FunctionArgumentList {
        duplicate_treatment,
        args,
        clauses,
    } = list;
    call.distinct = *duplicate_treatment == Some(DuplicateTreatment::Distinct);
    if let Some(clause) = clauses.first() {
        return Err(SqlError::unsupported(clause_name(clause)).at(span));
    }
    for arg in args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => call.args.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if args.len() == 1 => {
                call.is_star = true;
            }
            FunctionArg::Unnamed(_) => {
                return Err(SqlError::unsupported("* among arguments").at(span));
            }
            FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => {
                return Err(SqlError::unsupported("a named argument").at(span));
            }
        }
    }
    Ok(())
}

fn clause_name(clause: &FunctionArgumentClause) -> &'static str {
    match clause {
        FunctionArgumentClause::IgnoreOrRespectNulls(_) => "IGNORE NULLS",
        FunctionArgumentClause::OrderBy(_) => "ORDER BY within an aggregate",
        FunctionArgumentClause::Limit(_) => "LIMIT within an aggregate",
        FunctionArgumentClause::OnOverflow(_) => "ON OVERFLOW",
        FunctionArgumentClause::Having(_) => "HAVING within an aggregate",
        FunctionArgumentClause::Separator(_) => "SEPARATOR",
        FunctionArgumentClause::JsonNullClause(_)
        | FunctionArgumentClause::JsonReturningClause(_) => "a JSON clause",
    }
}
