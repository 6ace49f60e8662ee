//! Queries that PostgreSQL and SQLite both take and mean the same by, out of choices.
//!
//! Every expression has a type that is known when it is written, no operand of another type is ever mixed in, and what
//! the two databases differ in is left out: division by zero, LIKE's escape, the order of text that is not ASCII.

mod expression;

use std::fmt::Write;

use crate::source::Source;

/// Makes the tables of a schema, here and in SQLite. `{t}` and `{u}` are their names.
pub const TABLES: &str = "\
CREATE TABLE {t} (a INTEGER PRIMARY KEY, b INTEGER, c TEXT);
CREATE TABLE {u} (a INTEGER, b INTEGER NOT NULL, c TEXT);
INSERT INTO {t} VALUES (1, 10, 'a'), (2, NULL, 'b'), (3, 10, NULL), (4, -1, 'ab'), (5, 0, ''), (6, 3, 'B'),
  (9, 7, 'a%_b'), (-4, 2147483647, 'longer text');
INSERT INTO {u} VALUES (1, 1, 'a'), (NULL, 2, 'b'), (3, 3, NULL), (3, 10, 'ab'), (NULL, 0, ''), (5, 5, 'A'),
  (2147483647, 2, 'b'), (1, 1, 'a');
";

/// Indexes on them, for plans to use.
pub const INDEXES: &str = "\
CREATE INDEX {t}_b ON {t} (b);
CREATE INDEX {t}_c_b ON {t} (c, b);
CREATE INDEX {u}_a ON {u} (a);
CREATE INDEX {u}_c_a_b ON {u} (c, a, b);
";

/// The tables' names put into a script.
pub fn named(script: &str, t: &str, u: &str) -> String {
    script.replace("{t}", t).replace("{u}", u)
}

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
    Boolean,
}

/// Writes queries on two tables of [`TABLES`].
pub struct Grammar<'s, 'b> {
    source: &'s mut Source<'b>,
    t: &'static str,
    u: &'static str,
    /// Aliases given so far.
    aliases: usize,
}

/// Aliases in sight, each with columns a and b (integers) and c (text).
type Scope = Vec<String>;

impl<'s, 'b> Grammar<'s, 'b> {
    /// For tables of these names.
    pub fn new(source: &'s mut Source<'b>, t: &'static str, u: &'static str) -> Grammar<'s, 'b> {
        Grammar {
            source,
            t,
            u,
            aliases: 0,
        }
    }

    /// A query. Where it has a LIMIT, its order is total up to rows that are the same.
    pub fn query(&mut self) -> String {
        let kinds: Vec<Kind> = (0..=self.source.below(3)).map(|_| self.kind()).collect();
        let mut text = self.select(&kinds, &Scope::new(), 3);
        if self.source.chance(50) {
            let operator = *self
                .source
                .pick(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
            let right = self.select(&kinds, &Scope::new(), 2);
            write!(text, " {operator} {right}").expect("memory");
        }
        if self.source.chance(128) {
            let order: Vec<String> = (1..=kinds.len())
                .map(|position| match self.source.chance(100) {
                    true => format!("{position} DESC NULLS LAST"),
                    false => format!("{position} NULLS FIRST"),
                })
                .collect();
            write!(text, " ORDER BY {}", order.join(", ")).expect("memory");
            if self.source.chance(128) {
                write!(text, " LIMIT {}", self.source.below(6)).expect("memory");
            }
            if self.source.chance(60) && text.contains(" LIMIT ") {
                write!(text, " OFFSET {}", self.source.below(4)).expect("memory");
            }
        }
        text
    }

    /// A condition on rows of the first table, under the alias `x`.
    pub fn condition(&mut self) -> String {
        self.boolean(&vec!["x".to_owned()], 3)
    }

    fn kind(&mut self) -> Kind {
        *self
            .source
            .pick(&[Kind::Integer, Kind::Integer, Kind::Text, Kind::Boolean])
    }

    fn select(&mut self, kinds: &[Kind], outer: &Scope, depth: u8) -> String {
        let (from, own) = self.from(outer, depth);
        let scope: Scope = own.iter().chain(outer).cloned().collect();
        let condition = match self.source.chance(150) {
            true => format!(" WHERE {}", self.boolean(&scope, depth)),
            false => String::new(),
        };
        if self.source.chance(70) {
            return self.grouped(kinds, &own, &from, &condition, depth);
        }
        let distinct = if self.source.chance(40) {
            "DISTINCT "
        } else {
            ""
        };
        let items: Vec<String> = kinds
            .iter()
            .map(|kind| self.expression(*kind, &scope, depth))
            .collect();
        format!(
            "SELECT {distinct}{} FROM {from}{condition}",
            items.join(", ")
        )
    }

    /// Columns of the group, and aggregates.
    fn grouped(
        &mut self,
        kinds: &[Kind],
        own: &Scope,
        from: &str,
        condition: &str,
        depth: u8,
    ) -> String {
        let group = self.source.pick(own).clone();
        let by_column = self.source.chance(170);
        let items: Vec<String> = kinds
            .iter()
            .map(|kind| self.group_item(*kind, own, &group, by_column, depth))
            .collect();
        let mut text = format!("SELECT {} FROM {from}{condition}", items.join(", "));
        if by_column {
            write!(text, " GROUP BY {group}.a, {group}.c").expect("memory");
        }
        if self.source.chance(80) {
            let least = self.source.below(4);
            write!(text, " HAVING count(*) >= {least}").expect("memory");
        }
        text
    }

    fn group_item(
        &mut self,
        kind: Kind,
        own: &Scope,
        group: &str,
        by_column: bool,
        depth: u8,
    ) -> String {
        let plain = by_column && self.source.chance(128);
        match kind {
            Kind::Integer if plain => format!("{group}.a"),
            Kind::Text if plain => format!("{group}.c"),
            Kind::Integer => self.aggregate(own, depth),
            Kind::Text => {
                let name = *self.source.pick(&["min", "max"]);
                format!("{name}({})", self.text(own, depth.saturating_sub(1)))
            }
            Kind::Boolean => {
                let aggregate = self.aggregate(own, depth);
                format!("{aggregate} > {}", self.source.below(5))
            }
        }
    }

    fn aggregate(&mut self, scope: &Scope, depth: u8) -> String {
        let name = *self
            .source
            .pick(&["sum", "min", "max", "count", "count(*)"]);
        if name == "count(*)" {
            return name.to_owned();
        }
        let distinct = if self.source.chance(50) {
            "DISTINCT "
        } else {
            ""
        };
        format!(
            "{name}({distinct}{})",
            self.integer(scope, depth.saturating_sub(1))
        )
    }

    /// The text behind FROM, and the aliases that it gives.
    fn from(&mut self, outer: &Scope, depth: u8) -> (String, Scope) {
        let mut scope = Scope::new();
        let mut text = self.relation(&mut scope, depth);
        while scope.len() < 3 && self.source.chance(70) {
            let join = *self.source.pick(&["JOIN", "LEFT JOIN", "CROSS JOIN"]);
            let right = self.relation(&mut scope, depth);
            write!(text, " {join} {right}").expect("memory");
            if join != "CROSS JOIN" {
                let both: Scope = scope.iter().chain(outer).cloned().collect();
                let condition = self.join_condition(&both, depth);
                write!(text, " ON {condition}").expect("memory");
            }
        }
        (text, scope)
    }

    fn join_condition(&mut self, scope: &Scope, depth: u8) -> String {
        if self.source.chance(80) {
            return self.boolean(scope, depth.saturating_sub(1));
        }
        let (left, right) = (self.source.pick(scope).clone(), scope[0].clone());
        let columns = ["a = {}.b", "b = {}.a", "a = {}.a", "c = {}.c", "b < {}.b"];
        let pattern = self.source.pick(&columns).replace("{}", &right);
        format!("{left}.{pattern}")
    }

    fn relation(&mut self, scope: &mut Scope, depth: u8) -> String {
        let alias = format!("x{}", self.aliases);
        self.aliases += 1;
        let text = match depth > 1 && self.source.chance(30) {
            true => {
                let below = depth - 2;
                let (from, own) = self.from(&Scope::new(), below);
                let (a, b) = (self.integer(&own, below), self.integer(&own, below));
                let c = self.text(&own, below);
                format!("(SELECT {a} AS a, {b} AS b, {c} AS c FROM {from}) {alias}")
            }
            false => {
                let table = if self.source.chance(128) {
                    self.t
                } else {
                    self.u
                };
                format!("{table} {alias}")
            }
        };
        scope.push(alias);
        text
    }
}
