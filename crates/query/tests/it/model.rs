//! Random tables and conditions: with indexes and without they give the same, and what a naive evaluator gives.

use drystone_query::Session;
use proptest::prelude::*;

use crate::support::{answer, run, session};

/// One row: columns a and b may be NULL.
type Row = (Option<i32>, Option<i32>, i32);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let small = prop::option::weighted(0.8, -3..4i32);
    prop::collection::vec((small.clone(), small, 0..5i32), 0..25)
}

#[derive(Clone, Debug)]
enum Condition {
    Compare(&'static str, &'static str, i32),
    In(&'static str, Vec<i32>),
    IsNull(&'static str),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

fn condition() -> impl Strategy<Value = Condition> {
    let column = || prop::sample::select(vec!["a", "b", "c"]);
    let op = prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        4 => (column(), op, -4..5i32).prop_map(|(column, op, value)| Condition::Compare(column, op, value)),
        1 => (column(), prop::collection::vec(-3..4i32, 1..4)).prop_map(|(column, list)| Condition::In(column, list)),
        1 => column().prop_map(Condition::IsNull),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(l, r)| Condition::And(Box::new(l), Box::new(r))),
            1 => (inner.clone(), inner.clone()).prop_map(|(l, r)| Condition::Or(Box::new(l), Box::new(r))),
            1 => inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

impl Condition {
    fn sql(&self) -> String {
        match self {
            Condition::Compare(column, op, value) => format!("{column} {op} {value}"),
            Condition::In(column, list) => {
                let list: Vec<String> = list.iter().map(i32::to_string).collect();
                format!("{column} IN ({})", list.join(", "))
            }
            Condition::IsNull(column) => format!("{column} IS NULL"),
            Condition::And(left, right) => format!("({} AND {})", left.sql(), right.sql()),
            Condition::Or(left, right) => format!("({} OR {})", left.sql(), right.sql()),
            Condition::Not(inner) => format!("(NOT {})", inner.sql()),
        }
    }

    /// SQL's three answers.
    fn holds(&self, row: &Row) -> Option<bool> {
        let value = |column: &str| match column {
            "a" => row.0,
            "b" => row.1,
            _ => Some(row.2),
        };
        match self {
            Condition::Compare(column, op, other) => value(column).map(|value| match *op {
                "=" => value == *other,
                "<>" => value != *other,
                "<" => value < *other,
                "<=" => value <= *other,
                ">" => value > *other,
                _ => value >= *other,
            }),
            Condition::In(column, list) => value(column).map(|value| list.contains(&value)),
            Condition::IsNull(column) => Some(value(column).is_none()),
            Condition::And(left, right) => match (left.holds(row), right.holds(row)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Condition::Or(left, right) => match (left.holds(row), right.holds(row)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Condition::Not(inner) => inner.holds(row).map(|answer| !answer),
        }
    }
}

/// Tables `plain` and `indexed` with the same rows.
fn filled(rows: &[Row]) -> Session {
    let mut session = session();
    run(
        &mut session,
        "CREATE TABLE plain (id INTEGER, a INTEGER, b INTEGER, c INTEGER);
         CREATE TABLE indexed (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER NOT NULL);
         CREATE INDEX i_ab ON indexed (a, b); CREATE INDEX i_ca ON indexed (c, a); CREATE UNIQUE INDEX i_bid ON indexed (b, id);",
    );
    let shown = |value: Option<i32>| value.map_or("NULL".to_owned(), |value| value.to_string());
    for (id, row) in rows.iter().enumerate() {
        for table in ["plain", "indexed"] {
            let (a, b, c) = (shown(row.0), shown(row.1), row.2);
            run(
                &mut session,
                &format!("INSERT INTO {table} VALUES ({id}, {a}, {b}, {c})"),
            );
        }
    }
    session
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn conditions_give_what_the_model_gives(rows in rows(), conditions in prop::collection::vec(condition(), 1..6)) {
        let mut session = filled(&rows);
        for condition in conditions {
            let expected = rows.iter().enumerate().filter(|(_, row)| condition.holds(row) == Some(true));
            let expected: Vec<String> = expected.map(|(id, _)| id.to_string()).collect();
            for table in ["plain", "indexed"] {
                let text = format!("SELECT id FROM {table} WHERE {} ORDER BY id", condition.sql());
                prop_assert_eq!(answer(&mut session, &text, &[]), expected.join("\n"), "{}", text);
            }
        }
    }

    #[test]
    fn order_and_limit_give_the_same_with_indexes(
        rows in rows(),
        condition in condition(),
        order in prop::sample::select(vec!["a, b, id", "a DESC, b DESC, id DESC", "c, a, id", "b, id", "c DESC, a DESC, id DESC", "id DESC", "b DESC, id", "a, id"]),
        limit in 0..8usize,
        offset in 0..3usize,
    ) {
        let mut session = filled(&rows);
        let mut text = |table| {
            let text = format!("SELECT id, a, b, c FROM {table} WHERE {} ORDER BY {order} LIMIT {limit} OFFSET {offset}", condition.sql());
            answer(&mut session, &text, &[])
        };
        prop_assert_eq!(text("plain"), text("indexed"));
    }

    #[test]
    fn joins_give_the_same_with_indexes(rows in rows(), condition in condition(), kind in prop::sample::select(vec!["JOIN", "LEFT JOIN"])) {
        let mut session = filled(&rows);
        let mut text = |table: &str| {
            let condition = condition.sql();
            let text = format!(
                "SELECT x.id, y.id FROM (SELECT * FROM {table} WHERE {condition}) x {kind} {table} y ON y.a = x.c AND y.b >= x.a ORDER BY 1, 2"
            );
            answer(&mut session, &text, &[])
        };
        prop_assert_eq!(text("plain"), text("indexed"));
    }

    #[test]
    fn writes_leave_the_same_with_indexes(rows in rows(), changes in prop::collection::vec((condition(), 0..4), 1..5)) {
        let mut session = filled(&rows);
        for (condition, change) in changes {
            let condition = condition.sql();
            let mut given = Vec::new();
            for table in ["plain", "indexed"] {
                let text = match change {
                    0 => format!("DELETE FROM {table} WHERE {condition}"),
                    1 => format!("UPDATE {table} SET a = c, b = a WHERE {condition}"),
                    2 => format!("UPDATE {table} SET b = NULL, c = c + 1 WHERE {condition}"),
                    _ => format!("UPDATE {table} SET id = id + 100 WHERE {condition}"),
                };
                given.push(answer(&mut session, &text, &[]));
            }
            prop_assert_eq!(&given[0], &given[1]);
        }
        let mut all = |table| answer(&mut session, &format!("SELECT * FROM {table} ORDER BY id"), &[]);
        prop_assert_eq!(all("plain"), all("indexed"));
        prop_assert_eq!(session.engine().verify_indexes().unwrap(), Vec::<String>::new());
    }
}
