//! Making types agree: what settles the type of a parameter or an untyped literal, and where casts go.

use drystone_record::{DataType, Value};
use sqlparser::ast::{self, Spanned};

use crate::bind::Binder;
use crate::cast::{CastContext, can_cast};
use crate::error::SqlError;
use crate::logical::{Expr, ExprKind};
use crate::operator::{BinaryOp, UnaryOp, binary_type, unary_type};
use crate::sql_state::SqlState;

impl<'a> Binder<'a> {
    /// `expr` as a value of `target`, where that needs no cast that people must ask for.
    pub(crate) fn coerce(&mut self, expr: Expr, target: DataType) -> Result<Expr, SqlError> {
        self.coerce_in(expr, target, CastContext::Implicit)
    }

    /// `expr` as a value of `target`, where `context` allows that.
    pub(crate) fn coerce_in(
        &mut self,
        mut expr: Expr,
        target: DataType,
        context: CastContext,
    ) -> Result<Expr, SqlError> {
        let Some(source) = expr.data_type else {
            self.give_type(&mut expr, target)?;
            return Ok(expr);
        };
        if source == target {
            return Ok(expr);
        }
        if !can_cast(&source, &target, context) {
            return Err(no_cast(source, target, context));
        }
        Ok(Expr::new(
            ExprKind::Cast {
                expr: Box::new(expr),
                target,
                context,
            },
            target,
        ))
    }

    /// Gives a type to an expression that has none yet.
    fn give_type(&mut self, expr: &mut Expr, target: DataType) -> Result<(), SqlError> {
        match &mut expr.kind {
            ExprKind::Parameter(position) => match self.parameters[*position] {
                None => self.parameters[*position] = Some(target),
                Some(known) => {
                    expr.data_type = Some(known);
                    *expr = self.coerce(expr.clone(), target)?;
                }
            },
            ExprKind::Constant(Value::Text(text)) => {
                let value = Value::parse(&target, text).map_err(|error| {
                    SqlError::new(SqlState::InvalidTextRepresentation, error.to_string())
                })?;
                expr.kind = ExprKind::Constant(value);
            }
            _ => {}
        }
        expr.data_type = Some(target);
        Ok(())
    }

    /// The type of `expr`; TEXT where nothing has settled it.
    pub(crate) fn settle(&mut self, expr: &mut Expr) -> Result<DataType, SqlError> {
        if expr.data_type.is_none() {
            self.give_type(expr, DataType::Text)?;
        }
        Ok(expr.data_type.unwrap_or(DataType::Text))
    }

    /// Coerces all to the one type that fits them; TEXT when none has a type.
    pub(crate) fn unify(
        &mut self,
        exprs: &mut [&mut Expr],
        what: &str,
    ) -> Result<DataType, SqlError> {
        let mut common = None;
        for expr in exprs.iter() {
            let (Some(so_far), Some(next)) = (common, expr.data_type) else {
                common = common.or(expr.data_type);
                continue;
            };
            common = Some(common_type(so_far, next).ok_or_else(|| {
                SqlError::new(
                    SqlState::DatatypeMismatch,
                    format!("{what} types {so_far} and {next} cannot be matched"),
                )
            })?);
        }
        let target = common.unwrap_or(DataType::Text);
        for expr in exprs.iter_mut() {
            let taken = std::mem::replace(*expr, crate::bind::literal::null());
            **expr = self.coerce(taken, target)?;
        }
        Ok(target)
    }

    /// Binds a condition: an expression of type BOOLEAN.
    pub(crate) fn bind_condition(
        &mut self,
        syntax: &'a ast::Expr,
        clause: &str,
    ) -> Result<Expr, SqlError> {
        let bound = self.bind_expr(syntax)?;
        self.condition(bound, clause)
            .map_err(|error| error.at(syntax.span()))
    }

    /// `expr` as an argument of `clause` that must be BOOLEAN.
    pub(crate) fn condition(&mut self, expr: Expr, clause: &str) -> Result<Expr, SqlError> {
        if let Some(data_type) = expr.data_type
            && data_type != DataType::Boolean
        {
            return Err(SqlError::new(
                SqlState::DatatypeMismatch,
                format!("argument of {clause} must be type boolean, not type {data_type}"),
            ));
        }
        self.coerce(expr, DataType::Boolean)
    }

    /// `left op right`, with casts where the types need them.
    pub(crate) fn binary(
        &mut self,
        op: BinaryOp,
        left: Expr,
        right: Expr,
    ) -> Result<Expr, SqlError> {
        let types = binary_type(op, left.data_type.as_ref(), right.data_type.as_ref())?;
        let left = self.coerce(left, types.left)?;
        let right = self.coerce(right, types.right)?;
        Ok(Expr::new(
            ExprKind::Binary {
                op,
                left: Box::new(left),
                right: Box::new(right),
            },
            types.result,
        ))
    }

    /// `op expr`.
    pub(crate) fn unary(&mut self, op: UnaryOp, expr: Expr) -> Result<Expr, SqlError> {
        let types = unary_type(op, expr.data_type.as_ref())?;
        let expr = self.coerce(expr, types.operand)?;
        Ok(Expr::new(
            ExprKind::Unary {
                op,
                expr: Box::new(expr),
            },
            types.result,
        ))
    }
}

/// The type that values of both become without loss; `None` where there is none.
pub(crate) fn common_type(left: DataType, right: DataType) -> Option<DataType> {
    if left == right || can_cast(&right, &left, CastContext::Implicit) {
        return Some(left);
    }
    can_cast(&left, &right, CastContext::Implicit).then_some(right)
}

fn no_cast(source: DataType, target: DataType, context: CastContext) -> SqlError {
    match context {
        CastContext::Explicit => SqlError::new(
            SqlState::CannotCoerce,
            format!("cannot cast type {source} to {target}"),
        ),
        CastContext::Assignment | CastContext::Implicit => SqlError::new(
            SqlState::DatatypeMismatch,
            format!("a value of type {target} is needed, but this is of type {source}"),
        )
        .with_hint("you will need to rewrite or cast the expression"),
    }
}
