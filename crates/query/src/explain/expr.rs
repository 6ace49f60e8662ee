//! Expressions of plans as text.

use drystone_record::Value;

use crate::catalog::Table;
use crate::plan::{Comparison, Expr, LikePattern, Node, SubplanKind};

/// What slots are called.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    slots: Vec<String>,
}

impl Names {
    /// The slots of a node's rows.
    pub(super) fn of(node: &Node) -> Names {
        let slots = match node {
            Node::One => Vec::new(),
            Node::Scan(scan) => {
                let names = qualified(&scan.alias, &scan.table, &scan.columns);
                with_key(names, scan.emits_key)
            }
            Node::VectorScan(scan) => {
                let names = qualified(&scan.alias, &scan.table, &scan.columns);
                with_key(names, scan.emits_key)
            }
            Node::Values(values) => {
                let width = values.rows.first().map_or(0, |row| row.len());
                (1..=width)
                    .map(|column| format!("column{column}"))
                    .collect()
            }
            Node::Filter(filter) => return Names::of(&filter.input),
            Node::Project(project) => {
                let names = Names::of(&project.input);
                project
                    .exprs
                    .iter()
                    .map(|expr| text(expr, &names))
                    .collect()
            }
            Node::HashJoin(join) => both(Names::of(&join.probe), Names::of(&join.build)),
            Node::LookupJoin(join) => {
                let right = qualified(&join.right.alias, &join.right.table, &join.right.columns);
                let slots = with_key(right, join.right.emits_key);
                both(Names::of(&join.left), Names { slots })
            }
            Node::LoopJoin(join) => both(Names::of(&join.left), Names::of(&join.right)),
            Node::Aggregate(aggregate) => {
                let names = Names::of(&aggregate.input);
                let groups = aggregate.groups.iter().map(|group| text(group, &names));
                let calls = aggregate
                    .calls
                    .iter()
                    .map(|call| match call.args.is_empty() {
                        true => format!("{}(*)", call.name),
                        false => format!("{}({})", call.name, list(&call.args, &names)),
                    });
                groups.chain(calls).collect()
            }
            Node::KeyCount(count) => vec!["count(*)".to_owned(); count.columns],
            Node::Distinct(distinct) => return Names::of(&distinct.input),
            Node::Sort(sort) => return Names::of(&sort.input),
            Node::Limit(limit) => return Names::of(&limit.input),
            Node::SetOperation(operation) => return Names::of(&operation.left),
        };
        Names {
            slots: slots.into_iter().map(shortened).collect(),
        }
    }

    /// Columns of one table, by their names alone.
    pub(super) fn of_columns(table: &Table, columns: &[usize]) -> Names {
        let columns = columns.iter();
        Names {
            slots: columns
                .map(|&column| table.columns()[column].name.clone())
                .collect(),
        }
    }

    fn slot(&self, slot: usize) -> &str {
        self.slots.get(slot).map_or("?", String::as_str)
    }
}

/// A name that other names are made of: without an end, those would double where a column is used twice.
fn shortened(mut name: String) -> String {
    const MAX_NAME_CHARS: usize = 200;
    if let Some((end, _)) = name.char_indices().nth(MAX_NAME_CHARS) {
        name.truncate(end);
        name.push_str("...");
    }
    name
}

fn qualified(alias: &str, table: &Table, columns: &[usize]) -> Vec<String> {
    let columns = columns.iter();
    columns
        .map(|&column| format!("{alias}.{}", table.columns()[column].name))
        .collect()
}

fn with_key(mut names: Vec<String>, emits_key: bool) -> Vec<String> {
    if emits_key {
        names.push("(row key)".to_owned());
    }
    names
}

fn both(mut left: Names, right: Names) -> Vec<String> {
    left.slots.extend(right.slots);
    left.slots
}

/// Expressions, apart by commas.
pub(super) fn list(exprs: &[Expr], names: &Names) -> String {
    let all: Vec<String> = exprs.iter().map(|expr| text(expr, names)).collect();
    all.join(", ")
}

/// An expression.
pub(super) fn text(expr: &Expr, names: &Names) -> String {
    let inner = |expr: &Expr| text(expr, names);
    let not = |negated: bool| if negated { "NOT " } else { "" };
    match expr {
        Expr::Constant(value) => literal(value),
        Expr::Parameter(position) => format!("${}", position + 1),
        Expr::Slot(slot) => names.slot(*slot).to_owned(),
        Expr::Outer(position) => format!("outer{}", position + 1),
        Expr::Unary { op, expr } => format!("({op}{})", inner(expr)),
        Expr::Binary { op, left, right } => format!("({} {op} {})", inner(left), inner(right)),
        Expr::Compare { op, left, right } => {
            format!("({} {} {})", inner(left), symbol(*op), inner(right))
        }
        Expr::And(all) => joined(all, " AND ", names),
        Expr::Or(all) => joined(all, " OR ", names),
        Expr::Not(expr) => format!("(NOT {})", inner(expr)),
        Expr::IsNull { expr, negated } => format!("({} IS {}NULL)", inner(expr), not(*negated)),
        Expr::IsTruth {
            expr,
            truth,
            negated,
        } => {
            let truth = if *truth { "TRUE" } else { "FALSE" };
            format!("({} IS {}{truth})", inner(expr), not(*negated))
        }
        Expr::IsDistinct {
            left,
            right,
            negated,
        } => format!(
            "({} IS {}DISTINCT FROM {})",
            inner(left),
            not(*negated),
            inner(right)
        ),
        Expr::InList {
            expr,
            list: values,
            negated,
        } => format!(
            "({} {}IN ({}))",
            inner(expr),
            not(*negated),
            list(values, names)
        ),
        Expr::Like(like) => {
            let pattern = match &like.pattern {
                LikePattern::Ready(pattern) => literal(&Value::from(pattern.to_string())),
                LikePattern::Computed { pattern, .. } => inner(pattern),
            };
            let operator = match like.ignores_case() {
                true => "ILIKE",
                false => "LIKE",
            };
            format!(
                "({} {}{operator} {pattern})",
                inner(&like.expr),
                not(like.negated)
            )
        }
        Expr::Case { .. } => "CASE".to_owned(),
        Expr::Cast { expr, target, .. } => format!("({})::{target}", inner(expr)),
        Expr::Function { function, args } => {
            format!("{}({})", function.name(), list(args, names))
        }
        Expr::Coalesce(all) => format!("COALESCE({})", list(all, names)),
        Expr::Subplan(subplan) => {
            let number = subplan.id + 1;
            match &subplan.kind {
                SubplanKind::Scalar => format!("(SubPlan {number})"),
                SubplanKind::Exists { negated } => {
                    format!("({}EXISTS SubPlan {number})", not(*negated))
                }
                SubplanKind::In { expr, negated } => {
                    format!("({} {}IN SubPlan {number})", inner(expr), not(*negated))
                }
            }
        }
    }
}

fn joined(all: &[Expr], between: &str, names: &Names) -> String {
    let all: Vec<String> = all.iter().map(|expr| text(expr, names)).collect();
    format!("({})", all.join(between))
}

fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Bytea(_) | Value::Timestamp(_) | Value::Json(_) | Value::Vector(_) => {
            let shown: String = value.to_string().chars().take(40).collect();
            format!("'{shown}'")
        }
        Value::Boolean(true) => "true".to_owned(),
        Value::Boolean(false) => "false".to_owned(),
        other => other.to_string(),
    }
}

fn symbol(op: Comparison) -> &'static str {
    match op {
        Comparison::Eq => "=",
        Comparison::NotEq => "<>",
        Comparison::Lt => "<",
        Comparison::LtEq => "<=",
        Comparison::Gt => ">",
        Comparison::GtEq => ">=",
    }
}
