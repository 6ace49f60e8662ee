//! EXPLAIN: plans as lines of text, in the manner of PostgreSQL.
//!
//! [`expr`] writes expressions with the names that slots have.

mod expr;

use std::fmt::Write as _;
use std::sync::Arc;

use drystone_base::sync::Mutex;
use drystone_record::{DataType, Value};

use crate::catalog::{IndexKind, Table};
use crate::error::SqlError;
use crate::exec::context::Context;
use crate::exec::operator::{OperatorProfile, Profile, Row, open_profiled};
use crate::explain::expr::{Names, list, text};
use crate::logical::{JoinKind, SetOp};
use crate::plan::{
    Access, Expr, KeyAccess, Node, PlannedStatement, Scan, Sort, VectorScan, Window,
};
use crate::rows::{ResultColumn, Rows};

/// The columns of EXPLAIN's result.
pub(crate) fn columns() -> Arc<[ResultColumn]> {
    Arc::from([ResultColumn {
        name: "QUERY PLAN".to_owned(),
        data_type: DataType::Text,
    }])
}

/// The plan of a statement, run first where `analyze` says so.
pub(crate) fn run(
    statement: &PlannedStatement,
    analyze: bool,
    cx: &Context<'_>,
) -> Result<Rows, SqlError> {
    let mut writer = Writer::default();
    match statement {
        PlannedStatement::Query(query) => {
            let started = cx.engine.clock().monotonic();
            if analyze {
                writer.profile = Some(profiled(&query.root, cx)?);
            }
            let took = cx.engine.clock().monotonic().saturating_sub(started);
            writer.node(&query.root, 0);
            if analyze {
                writer.line(0, format!("Execution Time: {:.3} ms", millis(took)));
            }
        }
        PlannedStatement::Insert(insert) => {
            writer.line(0, format!("Insert on {}", insert.table.name()));
            writer.node(&insert.source, 1);
        }
        PlannedStatement::Update(update) => {
            writer.line(0, format!("Update on {}", update.table.name()));
            writer.node(&update.source, 1);
        }
        PlannedStatement::Delete(delete) => {
            writer.line(0, format!("Delete on {}", delete.table.name()));
            writer.node(&delete.source, 1);
        }
        _ => return Err(SqlError::unsupported("EXPLAIN of this statement")),
    }
    let lines = writer.lines.into_iter();
    let rows = lines.map(|line| vec![Value::from(line)]).collect();
    Ok(Rows::buffered(columns(), rows))
}

/// Runs a node to its end.
fn profiled(root: &Node, cx: &Context<'_>) -> Result<Vec<OperatorProfile>, SqlError> {
    let profile = Profile::new(Mutex::new(Vec::new()));
    let mut operator = open_profiled(root, &profile);
    let mut row = Row::new();
    while operator.next(cx.env(), &mut row)? {}
    Ok(profile.lock().clone())
}

fn millis(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[derive(Default)]
struct Writer {
    lines: Vec<String>,
    /// What operators did, in the order in which they are written.
    profile: Option<Vec<OperatorProfile>>,
    written: usize,
}

impl Writer {
    /// A line that belongs to a node at `depth`.
    fn line(&mut self, depth: usize, line: impl AsRef<str>) {
        let line = line.as_ref();
        self.lines.push(match depth {
            0 => line.to_owned(),
            depth => format!("{}->  {line}", " ".repeat(depth * 6 - 4)),
        });
    }

    /// A line with more about the node above it.
    fn detail(&mut self, depth: usize, name: &str, what: impl AsRef<str>) {
        let indent = " ".repeat(depth * 6 + 2);
        self.lines
            .push(format!("{indent}{name}: {}", what.as_ref()));
    }

    fn conditions(&mut self, depth: usize, name: &str, all: &[Expr], names: &Names) {
        if !all.is_empty() {
            self.detail(depth, name, conjunction(all, names));
        }
    }

    fn head(&mut self, depth: usize, mut head: String, rows: Option<f64>) {
        if let Some(rows) = rows {
            write!(head, "  (rows={rows:.0})").expect("writing to a String cannot fail");
        }
        if let Some(operator) = self.profile.as_ref().and_then(|all| all.get(self.written)) {
            let time = millis(operator.time);
            write!(head, " (actual time={time:.3} ms rows={})", operator.rows)
                .expect("writing to a String cannot fail");
        }
        self.written += 1;
        self.line(depth, head);
    }

    /// A node and those below it.
    fn node(&mut self, node: &Node, depth: usize) {
        match node {
            Node::One => self.head(depth, "Result".to_owned(), None),
            Node::Scan(scan) => self.scan(scan, &Names::default(), depth, true),
            Node::VectorScan(scan) => self.vector_scan(scan, depth),
            Node::Values(values) => {
                let head = format!("Values Scan on {} rows", values.rows.len());
                self.head(depth, head, None);
            }
            Node::Filter(filter) => {
                self.head(depth, "Filter".to_owned(), None);
                self.conditions(
                    depth,
                    "Filter",
                    &filter.conjuncts,
                    &Names::of(&filter.input),
                );
                self.node(&filter.input, depth + 1);
            }
            Node::Project(project) => {
                self.head(depth, "Project".to_owned(), None);
                self.detail(
                    depth,
                    "Output",
                    list(&project.exprs, &Names::of(&project.input)),
                );
                self.node(&project.input, depth + 1);
            }
            Node::HashJoin(join) => {
                self.head(depth, joined("Hash", join.kind), None);
                let probe = list(&join.probe_keys, &Names::of(&join.probe));
                let build = list(&join.build_keys, &Names::of(&join.build));
                self.detail(depth, "Hash Cond", format!("({probe}) = ({build})"));
                self.conditions(depth, "Join Filter", &join.residual, &Names::of(node));
                self.node(&join.probe, depth + 1);
                self.node(&join.build, depth + 1);
            }
            Node::LookupJoin(join) => {
                self.head(depth, joined("Index Nested Loop", join.kind), None);
                self.conditions(depth, "Join Filter", &join.residual, &Names::of(node));
                self.node(&join.left, depth + 1);
                self.scan(&join.right, &Names::of(&join.left), depth + 1, false);
            }
            Node::LoopJoin(join) => {
                self.head(depth, joined("Nested Loop", join.kind), None);
                self.conditions(depth, "Join Filter", &join.residual, &Names::of(node));
                self.node(&join.left, depth + 1);
                self.node(&join.right, depth + 1);
            }
            Node::Aggregate(aggregate) => {
                let names = Names::of(&aggregate.input);
                match aggregate.groups.is_empty() {
                    true => self.head(depth, "Aggregate".to_owned(), None),
                    false => {
                        self.head(depth, "HashAggregate".to_owned(), None);
                        self.detail(depth, "Group Key", list(&aggregate.groups, &names));
                    }
                }
                self.node(&aggregate.input, depth + 1);
            }
            Node::KeyCount(count) => self.key_count(&count.scan, depth),
            Node::Distinct(distinct) => {
                self.head(depth, "Distinct".to_owned(), None);
                self.node(&distinct.input, depth + 1);
            }
            Node::Sort(sort) => self.sort(sort, depth),
            Node::Limit(limit) => {
                self.head(depth, "Limit".to_owned(), None);
                self.window(&limit.window, depth);
                self.node(&limit.input, depth + 1);
            }
            Node::SetOperation(operation) => {
                let name = match operation.op {
                    SetOp::Union => "Union",
                    SetOp::Intersect => "Intersect",
                    SetOp::Except => "Except",
                };
                let all = if operation.all { " All" } else { "" };
                self.head(depth, format!("{name}{all}"), None);
                self.node(&operation.left, depth + 1);
                self.node(&operation.right, depth + 1);
            }
        }
    }

    /// A scan; `outside` are the names of the row that its keys come from.
    fn scan(&mut self, scan: &Scan, outside: &Names, depth: usize, is_operator: bool) {
        let table = shown_table(&scan.table, &scan.alias);
        let head = match &scan.access {
            Access::Full { backwards: false } => format!("Seq Scan on {table}"),
            Access::Full { backwards: true } => format!("Seq Scan Backward on {table}"),
            Access::Key(keys) if keys.equal.len() == scan.table.key_columns().len() => {
                format!("Primary Key Lookup on {table}")
            }
            Access::Key(keys) => {
                format!("Primary Key Scan{} on {table}", direction(keys))
            }
            Access::Index { index_idx, keys } => format!(
                "Index Scan{} using {} on {table}",
                direction(keys),
                scan.table.indexes()[*index_idx].name
            ),
        };
        match is_operator {
            true => self.head(depth, head, Some(scan.rows)),
            false => self.line(depth, head),
        }
        self.access(scan, outside, depth);
        self.conditions(
            depth,
            "Filter",
            &scan.filter,
            &Names::of_columns(&scan.table, &scan.columns),
        );
    }

    /// A count of keys; see [`crate::plan::KeyCount`].
    fn key_count(&mut self, scan: &Scan, depth: usize) {
        let table = shown_table(&scan.table, &scan.alias);
        let head = match &scan.access {
            Access::Full { .. } | Access::Key(_) => format!("Key Count on {table}"),
            Access::Index { index_idx, .. } => {
                let index = &scan.table.indexes()[*index_idx].name;
                format!("Key Count using {index} on {table}")
            }
        };
        self.head(depth, head, None);
        self.access(scan, &Names::default(), depth);
    }

    /// Which keys a scan reads, if not all.
    fn access(&mut self, scan: &Scan, outside: &Names, depth: usize) {
        match &scan.access {
            Access::Full { .. } => {}
            Access::Key(keys) => {
                self.key(keys, scan.table.key_columns(), &scan.table, outside, depth);
            }
            Access::Index { index_idx, keys } => {
                let columns = &scan.table.indexes()[*index_idx].columns;
                self.key(keys, columns, &scan.table, outside, depth);
            }
        }
    }

    fn key(
        &mut self,
        keys: &KeyAccess,
        columns: &[usize],
        table: &Table,
        outside: &Names,
        depth: usize,
    ) {
        let name = |position: usize| table.columns()[columns[position]].name.as_str();
        let mut conditions = Vec::new();
        for (position, value) in keys.equal.iter().enumerate() {
            conditions.push(format!("({} = {})", name(position), text(value, outside)));
        }
        let next = keys.equal.len();
        if let Some(values) = &keys.any_of {
            conditions.push(format!("({} IN ({}))", name(next), list(values, outside)));
        }
        let bounds = [(&keys.low, ">"), (&keys.high, "<")];
        for (bound, op) in bounds {
            if let Some(bound) = bound {
                let equal = if bound.inclusive { "=" } else { "" };
                let value = text(&bound.value, outside);
                conditions.push(format!("({} {op}{equal} {value})", name(next)));
            }
        }
        if !conditions.is_empty() {
            self.detail(depth, "Index Cond", conditions.join(" AND "));
        }
    }

    fn vector_scan(&mut self, scan: &VectorScan, depth: usize) {
        let index = &scan.table.indexes()[scan.index_idx];
        let table = shown_table(&scan.table, &scan.alias);
        self.head(
            depth,
            format!("Vector Search using {} on {table}", index.name),
            None,
        );
        let column = &scan.table.columns()[index.columns[0]].name;
        let metric = match index.kind {
            IndexKind::Hnsw(hnsw) => hnsw.metric.name(),
            IndexKind::BTree { .. } => "",
        };
        let query = text(&scan.query, &Names::default());
        self.detail(
            depth,
            "Order By",
            format!("{metric} distance of {column} and {query}"),
        );
        let window = Window {
            limit: Some(scan.limit.clone()),
            offset: scan.offset.clone(),
        };
        self.window(&window, depth);
        self.conditions(
            depth,
            "Filter",
            &scan.filter,
            &Names::of_columns(&scan.table, &scan.columns),
        );
    }

    fn sort(&mut self, sort: &Sort, depth: usize) {
        let head = match sort.top {
            Some(_) => "Top-N Sort",
            None => "Sort",
        };
        self.head(depth, head.to_owned(), None);
        let names = Names::of(&sort.input);
        let keys = sort.keys.iter().map(|key| {
            let mut shown = text(&key.expr, &names);
            if key.descending {
                shown.push_str(" DESC");
            }
            match (key.descending, key.nulls_first) {
                (false, true) => shown.push_str(" NULLS FIRST"),
                (true, false) => shown.push_str(" NULLS LAST"),
                _ => {}
            }
            shown
        });
        let keys: Vec<String> = keys.collect();
        self.detail(depth, "Sort Key", keys.join(", "));
        if let Some(window) = &sort.top {
            self.window(window, depth);
        }
        self.node(&sort.input, depth + 1);
    }

    fn window(&mut self, window: &Window, depth: usize) {
        let nothing = Names::default();
        if let Some(limit) = &window.limit {
            self.detail(depth, "Limit", text(limit, &nothing));
        }
        if let Some(offset) = &window.offset {
            self.detail(depth, "Offset", text(offset, &nothing));
        }
    }
}

fn conjunction(all: &[Expr], names: &Names) -> String {
    let all: Vec<String> = all.iter().map(|expr| text(expr, names)).collect();
    all.join(" AND ")
}

fn direction(keys: &KeyAccess) -> &'static str {
    match keys.backwards {
        true => " Backward",
        false => "",
    }
}

fn joined(method: &str, kind: JoinKind) -> String {
    match (method, kind) {
        ("Hash", JoinKind::Inner) => "Hash Join".to_owned(),
        ("Hash", JoinKind::Left) => "Hash Left Join".to_owned(),
        (method, JoinKind::Inner) => method.to_owned(),
        (method, JoinKind::Left) => format!("{method} Left Join"),
    }
}

fn shown_table(table: &Table, alias: &str) -> String {
    match table.name() == alias {
        true => alias.to_owned(),
        false => format!("{} {alias}", table.name()),
    }
}
