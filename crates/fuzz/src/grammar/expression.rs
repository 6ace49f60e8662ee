//! Expressions out of choices, each of a type that is asked for.

use super::{Grammar, Kind, Scope};

impl Grammar<'_, '_> {
    pub(super) fn expression(&mut self, kind: Kind, scope: &Scope, depth: u8) -> String {
        match kind {
            Kind::Integer => self.integer(scope, depth),
            Kind::Text => self.text(scope, depth),
            Kind::Boolean => self.boolean(scope, depth),
        }
    }

    pub(super) fn integer(&mut self, scope: &Scope, depth: u8) -> String {
        if depth == 0 || self.source.chance(100) {
            return self.integer_leaf(scope);
        }
        let below = depth - 1;
        match self.source.byte() % 11 {
            operator @ 0..=2 => {
                let symbol = ["+", "-", "*"][usize::from(operator)];
                format!(
                    "({} {symbol} {})",
                    self.integer(scope, below),
                    self.integer(scope, below)
                )
            }
            3 => {
                let divisor = self.source.below(5) + 1;
                let symbol = *self.source.pick(&["/", "%"]);
                format!("({} {symbol} {divisor})", self.integer(scope, below))
            }
            4 => format!("(- {})", self.integer(scope, below)),
            5 => format!(
                "coalesce({}, {})",
                self.integer(scope, below),
                self.integer(scope, below)
            ),
            6 => format!(
                "nullif({}, {})",
                self.integer(scope, below),
                self.integer(scope, below)
            ),
            7 => format!("abs({})", self.integer(scope, below)),
            8 => format!("length({})", self.text(scope, below)),
            9 => self.case(Kind::Integer, scope, below),
            _ => self.scalar_subquery(scope, below),
        }
    }

    fn integer_leaf(&mut self, scope: &Scope) -> String {
        match self.source.byte() % 8 {
            0 => self.source.below(12).to_string(),
            1 => (*self
                .source
                .pick(&["(-1)", "2147483647", "100", "NULL", "(-3)"]))
            .replace("NULL", "nullif(1, 1)"),
            number => {
                let column = if number % 2 == 0 { "a" } else { "b" };
                format!("{}.{column}", self.source.pick(scope))
            }
        }
    }

    pub(super) fn text(&mut self, scope: &Scope, depth: u8) -> String {
        if depth == 0 || self.source.chance(140) {
            return match self.source.chance(90) {
                true => (*self
                    .source
                    .pick(&["'a'", "''", "'b'", "'zz'", "'B'", "'%'"]))
                .to_owned(),
                false => format!("{}.c", self.source.pick(scope)),
            };
        }
        let below = depth - 1;
        match self.source.byte() % 8 {
            0 => format!(
                "({} || {})",
                self.text(scope, below),
                self.text(scope, below)
            ),
            1 => format!("upper({})", self.text(scope, below)),
            2 => format!("lower({})", self.text(scope, below)),
            3 => format!(
                "coalesce({}, {})",
                self.text(scope, below),
                self.text(scope, below)
            ),
            4 => {
                let (start, len) = (self.source.below(4) + 1, self.source.below(4));
                format!("substr({}, {start}, {len})", self.text(scope, below))
            }
            5 => format!("CAST({} AS TEXT)", self.integer(scope, below)),
            6 => format!("replace({}, 'a', 'xy')", self.text(scope, below)),
            _ => self.case(Kind::Text, scope, below),
        }
    }

    pub(super) fn boolean(&mut self, scope: &Scope, depth: u8) -> String {
        let below = depth.saturating_sub(1);
        let kinds = if depth == 0 { 3 } else { 14 };
        match self.source.byte() % kinds {
            0 => self.comparison(scope, below),
            1 => {
                let column = *self.source.pick(&["a", "b", "c"]);
                let not = if self.source.chance(100) { "NOT " } else { "" };
                format!("({}.{column} IS {not}NULL)", self.source.pick(scope))
            }
            2 => (*self
                .source
                .pick(&["(1 = 1)", "(1 = 0)", "(nullif(1, 1) = 1)"]))
            .to_owned(),
            3 | 4 => self.comparison(scope, below),
            5 => format!("(NOT {})", self.boolean(scope, below)),
            6 => format!(
                "({} AND {})",
                self.boolean(scope, below),
                self.boolean(scope, below)
            ),
            7 => format!(
                "({} OR {})",
                self.boolean(scope, below),
                self.boolean(scope, below)
            ),
            8 => self.in_list(scope, below),
            9 => {
                let operand = self.integer(scope, below);
                let (low, high) = (self.integer(scope, below), self.integer(scope, below));
                format!("({operand} BETWEEN {low} AND {high})")
            }
            10 => {
                let operand = self.integer(scope, below);
                let not = if self.source.chance(90) { "NOT " } else { "" };
                let subquery = self.select(&[Kind::Integer], scope, below.min(1));
                format!("({operand} {not}IN ({subquery}))")
            }
            11 => {
                let not = if self.source.chance(90) { "NOT " } else { "" };
                let subquery = self.select(&[Kind::Integer], scope, below.min(1));
                format!("({not}EXISTS ({subquery}))")
            }
            12 => {
                let pattern = *self
                    .source
                    .pick(&["'a%'", "'%b'", "'_'", "'%'", "'%a%b'", "''"]);
                format!("({} LIKE {pattern})", self.text(scope, below))
            }
            _ => {
                let (left, right) = (self.integer(scope, below), self.integer(scope, below));
                format!("({left} IS NOT DISTINCT FROM {right})")
            }
        }
    }

    fn comparison(&mut self, scope: &Scope, depth: u8) -> String {
        let symbol = *self.source.pick(&["=", "<>", "<", "<=", ">", ">="]);
        match self.source.chance(80) {
            true => format!(
                "({} {symbol} {})",
                self.text(scope, depth),
                self.text(scope, depth)
            ),
            false => format!(
                "({} {symbol} {})",
                self.integer(scope, depth),
                self.integer(scope, depth)
            ),
        }
    }

    fn in_list(&mut self, scope: &Scope, depth: u8) -> String {
        let operand = self.integer(scope, depth);
        let not = if self.source.chance(90) { "NOT " } else { "" };
        let list: Vec<String> = (0..=self.source.below(4))
            .map(|_| self.integer(scope, 0))
            .collect();
        format!("({operand} {not}IN ({}))", list.join(", "))
    }

    fn case(&mut self, kind: Kind, scope: &Scope, depth: u8) -> String {
        let condition = self.boolean(scope, depth);
        let (then, or_else) = (
            self.expression(kind, scope, depth),
            self.expression(kind, scope, depth),
        );
        format!("(CASE WHEN {condition} THEN {then} ELSE {or_else} END)")
    }

    fn scalar_subquery(&mut self, scope: &Scope, depth: u8) -> String {
        let (from, own) = self.from(scope, depth.min(1));
        let all: Scope = own.iter().chain(scope).cloned().collect();
        let aggregate = self.aggregate(&own, depth);
        let condition = self.boolean(&all, depth.min(1));
        format!("(SELECT {aggregate} FROM {from} WHERE {condition})")
    }
}
