//! Expressions.

use drystone_record::{DataType, Value};
use sqlparser::ast::{
    self, AccessExpr, BinaryOperator, CaseWhen, CastKind, CeilFloorKind, Spanned, TrimWhereField,
    TypedString, UnaryOperator,
};
use sqlparser::tokenizer::Span;

use crate::bind::literal::{null, number};
use crate::bind::names::{self, Name, fold, refuse};
use crate::bind::{Binder, types};
use crate::cast::CastContext;
use crate::error::SqlError;
use crate::logical::{Expr, ExprKind, LikeExpr, Subquery, SubqueryKind};
use crate::operator::{BinaryOp, UnaryOp};
use crate::sql_state::SqlState;

impl<'a> Binder<'a> {
    /// Binds an expression over the scope of the current query.
    pub(crate) fn bind_expr(&mut self, syntax: &'a ast::Expr) -> Result<Expr, SqlError> {
        self.within_expr(|binder| binder.bind_kind(syntax))
    }

    fn bind_kind(&mut self, syntax: &'a ast::Expr) -> Result<Expr, SqlError> {
        match syntax {
            ast::Expr::Identifier(ident) => self.bind_identifier(ident),
            ast::Expr::CompoundIdentifier(parts) => self.bind_qualified(parts, syntax.span()),
            ast::Expr::Value(value) => self.bind_value(value),
            ast::Expr::TypedString(typed) => self.bind_typed_string(typed),
            ast::Expr::Nested(inner) => self.bind_expr(inner),
            ast::Expr::BinaryOp { left, op, right } => self.bind_binary(syntax, left, op, right),
            ast::Expr::UnaryOp { op, expr } => self.bind_unary(*op, expr, syntax.span()),
            ast::Expr::IsNull(expr) => self.bind_is_null(expr, false),
            ast::Expr::IsNotNull(expr) => self.bind_is_null(expr, true),
            ast::Expr::IsTrue(expr) => self.bind_is_truth(expr, true, false),
            ast::Expr::IsNotTrue(expr) => self.bind_is_truth(expr, true, true),
            ast::Expr::IsFalse(expr) => self.bind_is_truth(expr, false, false),
            ast::Expr::IsNotFalse(expr) => self.bind_is_truth(expr, false, true),
            ast::Expr::IsUnknown(expr) => self.bind_is_unknown(expr, false),
            ast::Expr::IsNotUnknown(expr) => self.bind_is_unknown(expr, true),
            ast::Expr::IsDistinctFrom(left, right) => self.bind_is_distinct(left, right, false),
            ast::Expr::IsNotDistinctFrom(left, right) => self.bind_is_distinct(left, right, true),
            ast::Expr::InList {
                expr,
                list,
                negated,
            } => self.bind_in_list(expr, list, *negated),
            ast::Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => self.bind_in_subquery(expr, subquery, *negated),
            ast::Expr::Between {
                expr,
                negated,
                low,
                high,
            } => self.bind_between(expr, *negated, low, high),
            ast::Expr::Like {
                negated,
                any,
                expr,
                pattern,
                escape_char,
            } => {
                refuse(*any, "LIKE ANY", syntax.span())?;
                self.bind_like(*negated, false, expr, pattern, escape_char.as_ref())
            }
            ast::Expr::ILike {
                negated,
                any,
                expr,
                pattern,
                escape_char,
            } => {
                refuse(*any, "ILIKE ANY", syntax.span())?;
                self.bind_like(*negated, true, expr, pattern, escape_char.as_ref())
            }
            ast::Expr::Case {
                case_token: _,
                end_token: _,
                operand,
                conditions,
                else_result,
            } => self.bind_case(operand.as_deref(), conditions, else_result.as_deref()),
            ast::Expr::Cast {
                kind,
                expr,
                data_type,
                array,
                format,
            } => {
                let span = expr.span();
                refuse(*array, "CAST to an array", span)?;
                refuse(format.is_some(), "CAST FORMAT", span)?;
                refuse(
                    !matches!(kind, CastKind::Cast | CastKind::DoubleColon),
                    "TRY_CAST",
                    span,
                )?;
                self.bind_cast(expr, data_type)
            }
            ast::Expr::Exists { subquery, negated } => self.bind_exists(subquery, *negated),
            ast::Expr::Subquery(query) => self.bind_scalar_subquery(query),
            ast::Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                is_some: _,
            } => match &**right {
                ast::Expr::Subquery(query) => self.bind_in_subquery(left, query, false),
                other => Err(SqlError::unsupported("ANY of an array")
                    .at(other.span())
                    .with_hint("write IN (...)")),
            },
            ast::Expr::AllOp {
                left,
                compare_op: BinaryOperator::NotEq,
                right,
            } => match &**right {
                ast::Expr::Subquery(query) => self.bind_in_subquery(left, query, true),
                other => Err(SqlError::unsupported("ALL of an array").at(other.span())),
            },
            ast::Expr::Function(function) => self.bind_function(function),
            ast::Expr::Ceil { expr, field } => self.bind_rounding("ceil", expr, field),
            ast::Expr::Floor { expr, field } => self.bind_rounding("floor", expr, field),
            ast::Expr::Position { expr, r#in } => {
                let args = vec![self.bind_expr(r#in)?, self.bind_expr(expr)?];
                self.call("strpos", args, syntax.span())
            }
            ast::Expr::Substring {
                expr,
                substring_from,
                substring_for,
                special: _,   // Says how it was written.
                shorthand: _, // The same.
            } => self.bind_substring(expr, substring_from.as_deref(), substring_for.as_deref()),
            ast::Expr::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters,
            } => {
                refuse(
                    trim_characters.is_some(),
                    "TRIM with a comma",
                    syntax.span(),
                )?;
                self.bind_trim(*trim_where, trim_what.as_deref(), expr)
            }
            ast::Expr::Extract {
                field,
                syntax: _, // Says how it was written.
                expr,
            } => {
                let span = expr.span();
                let field = Expr::new(
                    ExprKind::Constant(Value::from(field.to_string().to_lowercase())),
                    DataType::Text,
                );
                let args = vec![field, self.bind_expr(expr)?];
                self.call("date_part", args, span)
            }
            ast::Expr::CompoundFieldAccess { root, access_chain } => {
                self.bind_access(root, access_chain)
            }
            other => Err(
                SqlError::unsupported(format!("the expression {}", shortened(other)))
                    .at(other.span()),
            ),
        }
    }

    fn bind_identifier(&mut self, ident: &ast::Ident) -> Result<Expr, SqlError> {
        let name = fold(ident);
        match (self.resolve(None, &name), ident.quote_style) {
            (Err(error), None) => match bare_function(&name.text) {
                Some(function) => self.call(function, Vec::new(), name.span),
                None => Err(error),
            },
            (resolved, _) => resolved,
        }
    }

    fn bind_qualified(&mut self, parts: &[ast::Ident], span: Span) -> Result<Expr, SqlError> {
        let parts: Vec<Name> = parts.iter().map(fold).collect();
        match parts.as_slice() {
            [table, column] => self.resolve(Some(table), column),
            [schema, table, column] if schema.text == "public" => self.resolve(Some(table), column),
            _ => Err(SqlError::unsupported("a name of so many parts").at(span)),
        }
    }

    /// `TIMESTAMP '2026-11-20'`.
    fn bind_typed_string(&mut self, typed: &ast::TypedString) -> Result<Expr, SqlError> {
        let TypedString {
            data_type,
            value,
            uses_odbc_syntax,
        } = typed;
        refuse(*uses_odbc_syntax, "ODBC syntax", value.span)?;
        let target = types::data_type(data_type, value.span)?;
        let text = self.bind_value(value)?;
        self.coerce_in(text, target, CastContext::Explicit)
            .map_err(|error| error.at(value.span))
    }

    fn bind_binary(
        &mut self,
        syntax: &'a ast::Expr,
        left: &'a ast::Expr,
        op: &BinaryOperator,
        right: &'a ast::Expr,
    ) -> Result<Expr, SqlError> {
        match op {
            BinaryOperator::And | BinaryOperator::Or => self.bind_chain(syntax, op),
            BinaryOperator::PGLikeMatch => self.bind_like(false, false, left, right, None),
            BinaryOperator::PGILikeMatch => self.bind_like(false, true, left, right, None),
            BinaryOperator::PGNotLikeMatch => self.bind_like(true, false, left, right, None),
            BinaryOperator::PGNotILikeMatch => self.bind_like(true, true, left, right, None),
            op => {
                let op = binary_op(op).map_err(|error| error.at(right.span()))?;
                let bound_left = self.bind_expr(left)?;
                let bound_right = self.bind_expr(right)?;
                self.binary(op, bound_left, bound_right)
                    .map_err(|error| error.at(left.span()))
            }
        }
    }

    /// A chain of AND or of OR, as one expression: the parser nests it to the left, as deep as it is long.
    fn bind_chain(
        &mut self,
        syntax: &'a ast::Expr,
        chain: &BinaryOperator,
    ) -> Result<Expr, SqlError> {
        let mut links = Vec::new();
        let mut rest = syntax;
        while let ast::Expr::BinaryOp { left, op, right } = rest
            && op == chain
        {
            links.push(&**right);
            rest = left;
        }
        links.push(rest);
        let mut bound = Vec::with_capacity(links.len());
        for link in links.into_iter().rev() {
            bound.push(self.bind_condition(link, &chain.to_string())?);
        }
        Ok(Expr::boolean(match chain {
            BinaryOperator::And => ExprKind::And(bound),
            _ => ExprKind::Or(bound),
        }))
    }

    fn bind_unary(
        &mut self,
        op: UnaryOperator,
        operand: &'a ast::Expr,
        span: Span,
    ) -> Result<Expr, SqlError> {
        match op {
            UnaryOperator::Not => {
                let bound = self.bind_condition(operand, "NOT")?;
                Ok(Expr::boolean(ExprKind::Not(Box::new(bound))))
            }
            UnaryOperator::Plus => self.bind_expr(operand),
            UnaryOperator::Minus => {
                if let ast::Expr::Value(ast::ValueWithSpan {
                    value: ast::Value::Number(text, false),
                    span,
                }) = operand
                {
                    return number(&format!("-{text}")).map_err(|error| error.at(*span));
                }
                let bound = self.bind_expr(operand)?;
                self.unary(UnaryOp::Minus, bound)
                    .map_err(|error| error.at(span))
            }
            other => Err(SqlError::unsupported(format!("operator {other}")).at(span)),
        }
    }

    fn bind_is_null(&mut self, operand: &'a ast::Expr, negated: bool) -> Result<Expr, SqlError> {
        let mut expr = self.bind_expr(operand)?;
        self.settle(&mut expr)?;
        Ok(Expr::boolean(ExprKind::IsNull {
            expr: Box::new(expr),
            negated,
        }))
    }

    fn bind_is_truth(
        &mut self,
        operand: &'a ast::Expr,
        truth: bool,
        negated: bool,
    ) -> Result<Expr, SqlError> {
        let expr = self.bind_condition(operand, "IS TRUE")?;
        Ok(Expr::boolean(ExprKind::IsTruth {
            expr: Box::new(expr),
            truth,
            negated,
        }))
    }

    fn bind_is_unknown(&mut self, operand: &'a ast::Expr, negated: bool) -> Result<Expr, SqlError> {
        let expr = self.bind_condition(operand, "IS UNKNOWN")?;
        Ok(Expr::boolean(ExprKind::IsNull {
            expr: Box::new(expr),
            negated,
        }))
    }

    fn bind_is_distinct(
        &mut self,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        negated: bool,
    ) -> Result<Expr, SqlError> {
        let span = left.span();
        let mut left = self.bind_expr(left)?;
        let mut right = self.bind_expr(right)?;
        self.unify(&mut [&mut left, &mut right], "IS DISTINCT FROM")
            .map_err(|error| error.at(span))?;
        Ok(Expr::boolean(ExprKind::IsDistinct {
            left: Box::new(left),
            right: Box::new(right),
            negated,
        }))
    }

    fn bind_in_list(
        &mut self,
        operand: &'a ast::Expr,
        list: &'a [ast::Expr],
        negated: bool,
    ) -> Result<Expr, SqlError> {
        let mut expr = self.bind_expr(operand)?;
        let mut bound = Vec::with_capacity(list.len());
        for item in list {
            bound.push(self.bind_expr(item)?);
        }
        let mut all: Vec<&mut Expr> = std::iter::once(&mut expr).chain(&mut bound).collect();
        self.unify(&mut all, "IN")
            .map_err(|error| error.at(operand.span()))?;
        Ok(Expr::boolean(ExprKind::InList {
            expr: Box::new(expr),
            list: bound,
            negated,
        }))
    }

    fn bind_between(
        &mut self,
        operand: &'a ast::Expr,
        negated: bool,
        low: &'a ast::Expr,
        high: &'a ast::Expr,
    ) -> Result<Expr, SqlError> {
        let at = |error: SqlError| error.at(operand.span());
        let expr = self.bind_expr(operand)?;
        let low = self.bind_expr(low)?;
        let above = self.binary(BinaryOp::GtEq, expr.clone(), low).map_err(at)?;
        let high = self.bind_expr(high)?;
        let below = self.binary(BinaryOp::LtEq, expr, high).map_err(at)?;
        let within = Expr::boolean(ExprKind::And(vec![above, below]));
        Ok(match negated {
            false => within,
            true => Expr::boolean(ExprKind::Not(Box::new(within))),
        })
    }

    fn bind_like(
        &mut self,
        negated: bool,
        ignores_case: bool,
        operand: &'a ast::Expr,
        pattern: &'a ast::Expr,
        escape: Option<&ast::ValueWithSpan>,
    ) -> Result<Expr, SqlError> {
        let expr = self.bind_expr(operand)?;
        let expr = self
            .coerce(expr, DataType::Text)
            .map_err(|error| error.at(operand.span()))?;
        let bound = self.bind_expr(pattern)?;
        let bound = self
            .coerce(bound, DataType::Text)
            .map_err(|error| error.at(pattern.span()))?;
        Ok(Expr::boolean(ExprKind::Like(Box::new(LikeExpr {
            expr,
            pattern: bound,
            escape: match escape {
                None => Some('\\'),
                Some(value) => escape_character(value)?,
            },
            ignores_case,
            negated,
        }))))
    }

    /// CASE. With an operand, each WHEN is compared to it.
    fn bind_case(
        &mut self,
        operand: Option<&'a ast::Expr>,
        conditions: &'a [CaseWhen],
        otherwise: Option<&'a ast::Expr>,
    ) -> Result<Expr, SqlError> {
        let subject = match operand {
            Some(operand) => Some(self.bind_expr(operand)?),
            None => None,
        };
        let mut tests = Vec::with_capacity(conditions.len());
        let mut results = Vec::with_capacity(conditions.len());
        for CaseWhen { condition, result } in conditions {
            tests.push(match &subject {
                None => self.bind_condition(condition, "CASE/WHEN")?,
                Some(subject) => {
                    let value = self.bind_expr(condition)?;
                    self.binary(BinaryOp::Eq, subject.clone(), value)
                        .map_err(|error| error.at(condition.span()))?
                }
            });
            results.push(self.bind_expr(result)?);
        }
        let mut otherwise = match otherwise {
            Some(otherwise) => self.bind_expr(otherwise)?,
            None => null(),
        };
        let mut all: Vec<&mut Expr> = results
            .iter_mut()
            .chain(std::iter::once(&mut otherwise))
            .collect();
        let data_type = self
            .unify(&mut all, "CASE")
            .map_err(|error| match conditions.first() {
                Some(first) => error.at(first.result.span()),
                None => error,
            })?;
        Ok(Expr::new(
            ExprKind::Case {
                branches: tests.into_iter().zip(results).collect(),
                otherwise: Some(Box::new(otherwise)),
            },
            data_type,
        ))
    }

    fn bind_cast(
        &mut self,
        operand: &'a ast::Expr,
        target: &ast::DataType,
    ) -> Result<Expr, SqlError> {
        let span = operand.span();
        let target = types::data_type(target, span)?;
        let expr = self.bind_expr(operand)?;
        self.coerce_in(expr, target, CastContext::Explicit)
            .map_err(|error| error.at(span))
    }

    fn bind_exists(&mut self, syntax: &'a ast::Query, negated: bool) -> Result<Expr, SqlError> {
        let (query, outer) = self.bind_subquery(syntax)?;
        Ok(subquery(
            syntax.span(),
            SubqueryKind::Exists { negated },
            query,
            outer,
            DataType::Boolean,
        ))
    }

    fn bind_scalar_subquery(&mut self, syntax: &'a ast::Query) -> Result<Expr, SqlError> {
        let (query, outer) = self.bind_subquery(syntax)?;
        match query.columns.as_slice() {
            [column] => {
                let data_type = column.data_type;
                Ok(subquery(
                    syntax.span(),
                    SubqueryKind::Scalar,
                    query,
                    outer,
                    data_type,
                ))
            }
            _ => Err(one_column(syntax.span())),
        }
    }

    fn bind_in_subquery(
        &mut self,
        operand: &'a ast::Expr,
        syntax: &'a ast::Query,
        negated: bool,
    ) -> Result<Expr, SqlError> {
        let expr = self.bind_expr(operand)?;
        let (query, outer) = self.bind_subquery(syntax)?;
        let [column] = query.columns.as_slice() else {
            return Err(one_column(syntax.span()));
        };
        let theirs = column.data_type;
        let ours = expr.data_type.unwrap_or(theirs);
        let common = match column.is_untyped {
            true => Some(ours),
            false => crate::bind::coerce::common_type(ours, theirs),
        };
        let common = common.ok_or_else(|| {
            SqlError::new(
                SqlState::UndefinedFunction,
                format!("operator does not exist: {ours} = {theirs}"),
            )
            .at(operand.span())
        })?;
        let expr = self
            .coerce(expr, common)
            .map_err(|error| error.at(operand.span()))?;
        let query = self.cast_columns(query, &[common])?;
        let kind = SubqueryKind::In { expr, negated };
        Ok(subquery(
            syntax.span(),
            kind,
            query,
            outer,
            DataType::Boolean,
        ))
    }

    fn bind_rounding(
        &mut self,
        name: &'static str,
        operand: &'a ast::Expr,
        field: &CeilFloorKind,
    ) -> Result<Expr, SqlError> {
        let plain = matches!(
            field,
            CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime)
        );
        refuse(!plain, "CEIL or FLOOR to a unit", operand.span())?;
        let args = vec![self.bind_expr(operand)?];
        self.call(name, args, operand.span())
    }

    fn bind_substring(
        &mut self,
        operand: &'a ast::Expr,
        from: Option<&'a ast::Expr>,
        len: Option<&'a ast::Expr>,
    ) -> Result<Expr, SqlError> {
        let text = self.bind_expr(operand)?;
        let from = match from {
            Some(from) => self.bind_expr(from)?,
            None => number("1")?,
        };
        let mut args = vec![text, from];
        if let Some(len) = len {
            args.push(self.bind_expr(len)?);
        }
        self.call("substring", args, operand.span())
    }

    fn bind_trim(
        &mut self,
        side: Option<TrimWhereField>,
        what: Option<&'a ast::Expr>,
        operand: &'a ast::Expr,
    ) -> Result<Expr, SqlError> {
        let name = match side {
            None | Some(TrimWhereField::Both) => "btrim",
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
        };
        let mut args = vec![self.bind_expr(operand)?];
        if let Some(what) = what {
            args.push(self.bind_expr(what)?);
        }
        self.call(name, args, operand.span())
    }

    /// `document['key']` and `document[0]`: subscripts of JSONB.
    fn bind_access(
        &mut self,
        root: &'a ast::Expr,
        chain: &'a [AccessExpr],
    ) -> Result<Expr, SqlError> {
        let mut expr = self.bind_expr(root)?;
        for access in chain {
            let subscript = match access {
                AccessExpr::Subscript(ast::Subscript::Index { index }) => index,
                AccessExpr::Subscript(_) | AccessExpr::Dot(_) => {
                    return Err(SqlError::unsupported("this kind of access").at(root.span()));
                }
            };
            let key = self.bind_expr(subscript)?;
            expr = self
                .binary(BinaryOp::JsonGet, expr, key)
                .map_err(|error| error.at(subscript.span()))?;
        }
        Ok(expr)
    }
}

fn subquery(
    place: Span,
    kind: SubqueryKind,
    query: crate::logical::Query,
    outer: Vec<Expr>,
    data_type: DataType,
) -> Expr {
    Expr::new(
        ExprKind::Subquery(Box::new(Subquery {
            place,
            kind,
            query,
            outer,
        })),
        data_type,
    )
}

fn one_column(span: Span) -> SqlError {
    SqlError::new(
        SqlState::SyntaxError,
        "subquery must return only one column",
    )
    .at(span)
}

/// Functions that are called without parentheses.
fn bare_function(name: &str) -> Option<&'static str> {
    match name {
        "current_timestamp" => Some("now"),
        "localtimestamp" => Some("now"),
        _ => None,
    }
}

fn escape_character(value: &ast::ValueWithSpan) -> Result<Option<char>, SqlError> {
    let ast::Value::SingleQuotedString(text) = &value.value else {
        return Err(SqlError::unsupported("ESCAPE with other than a string").at(value.span));
    };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (first, None) => Ok(first),
        _ => Err(SqlError::new(
            SqlState::InvalidEscapeSequence,
            "ESCAPE must be empty or one character",
        )
        .at(value.span)),
    }
}

fn binary_op(op: &BinaryOperator) -> Result<BinaryOp, SqlError> {
    Ok(match op {
        BinaryOperator::Plus => BinaryOp::Add,
        BinaryOperator::Minus => BinaryOp::Subtract,
        BinaryOperator::Multiply => BinaryOp::Multiply,
        BinaryOperator::Divide => BinaryOp::Divide,
        BinaryOperator::Modulo => BinaryOp::Modulo,
        BinaryOperator::PGExp => BinaryOp::Power,
        BinaryOperator::StringConcat => BinaryOp::Concat,
        BinaryOperator::Eq => BinaryOp::Eq,
        BinaryOperator::NotEq => BinaryOp::NotEq,
        BinaryOperator::Lt => BinaryOp::Lt,
        BinaryOperator::LtEq => BinaryOp::LtEq,
        BinaryOperator::Gt => BinaryOp::Gt,
        BinaryOperator::GtEq => BinaryOp::GtEq,
        BinaryOperator::Arrow => BinaryOp::JsonGet,
        BinaryOperator::LongArrow => BinaryOp::JsonGetText,
        BinaryOperator::HashArrow => BinaryOp::JsonPath,
        BinaryOperator::HashLongArrow => BinaryOp::JsonPathText,
        BinaryOperator::AtArrow => BinaryOp::JsonContains,
        BinaryOperator::ArrowAt => BinaryOp::JsonContainedBy,
        BinaryOperator::Question => BinaryOp::JsonHasKey,
        BinaryOperator::LtDashGt => BinaryOp::L2Distance,
        BinaryOperator::Spaceship => BinaryOp::CosineDistance,
        BinaryOperator::Custom(name) if name == "<#>" => BinaryOp::NegativeInnerProduct,
        other => return Err(SqlError::unsupported(format!("operator {other}"))),
    })
}

/// The text of an expression, cut short.
fn shortened(expr: &ast::Expr) -> String {
    let mut text: String = expr.to_string().chars().take(60).collect();
    if text.len() >= 60 {
        text.push_str("...");
    }
    text
}

/// The name of a function, which has no schema but `public` or `pg_catalog`.
pub(crate) fn function_name(name: &ast::ObjectName) -> Result<Name, SqlError> {
    let mut parts = names::parts(name)?;
    match (parts.pop(), parts.first()) {
        (Some(last), None) => Ok(last),
        (Some(last), Some(schema)) if schema.text == "pg_catalog" => Ok(last),
        _ => Err(SqlError::unsupported("a schema before a function").at(name.span())),
    }
}
