//! Which names an expression may use, and what they stand for.

use drystone_record::DataType;

use crate::bind::names::Name;
use crate::error::SqlError;
use crate::logical::{ColumnId, Expr};
use crate::sql_state::SqlState;
use crate::suggest;

/// The items of one FROM.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) relations: Vec<ScopeRelation>,
    /// Columns that USING made one of two, in the order of the first USING.
    pub(crate) merged: Vec<(String, Expr)>,
}

/// One item of a FROM.
#[derive(Clone, Debug)]
pub(crate) struct ScopeRelation {
    pub(crate) alias: String,
    pub(crate) columns: Vec<ScopeColumn>,
}

/// One column of an item.
#[derive(Clone, Debug)]
pub(crate) struct ScopeColumn {
    pub(crate) name: String,
    pub(crate) id: ColumnId,
    pub(crate) data_type: DataType,
    /// Part of a merged column: found by its qualified name only.
    pub(crate) is_merged: bool,
}

impl ScopeColumn {
    pub(crate) fn expr(&self) -> Expr {
        Expr::column(self.id, self.data_type)
    }
}

/// What a look-up of an unqualified or qualified name gave.
pub(crate) enum Found {
    Column(Expr),
    Nothing,
}

impl Scope {
    /// The scope of one item.
    pub(crate) fn of(relation: ScopeRelation) -> Scope {
        Scope {
            relations: vec![relation],
            merged: Vec::new(),
        }
    }

    /// Adds the items of `other`; aliases must differ.
    pub(crate) fn join(&mut self, other: Scope) -> Result<(), SqlError> {
        for relation in &other.relations {
            if self.relation(&relation.alias).is_some() {
                return Err(SqlError::new(
                    SqlState::DuplicateAlias,
                    format!("table name \"{}\" specified more than once", relation.alias),
                ));
            }
        }
        self.relations.extend(other.relations);
        self.merged.extend(other.merged);
        Ok(())
    }

    pub(crate) fn relation(&self, alias: &str) -> Option<&ScopeRelation> {
        self.relations
            .iter()
            .find(|relation| relation.alias == alias)
    }

    /// Looks up `column`.
    pub(crate) fn find(&self, column: &Name) -> Result<Found, SqlError> {
        let merged = self
            .merged
            .iter()
            .filter(|(name, _)| *name == column.text)
            .map(|(_, expr)| expr.clone());
        let plain = self
            .columns()
            .filter(|found| !found.is_merged && found.name == column.text)
            .map(ScopeColumn::expr);
        let mut all = merged.chain(plain);
        let Some(first) = all.next() else {
            return Ok(Found::Nothing);
        };
        match all.next() {
            None => Ok(Found::Column(first)),
            Some(_) => Err(ambiguous(column)),
        }
    }

    /// Looks up `table.column`; nothing when there is no such table here.
    pub(crate) fn find_qualified(&self, table: &Name, column: &Name) -> Result<Found, SqlError> {
        let Some(relation) = self.relation(&table.text) else {
            return Ok(Found::Nothing);
        };
        let mut all = relation
            .columns
            .iter()
            .filter(|found| found.name == column.text);
        match (all.next(), all.next()) {
            (Some(found), None) => Ok(Found::Column(found.expr())),
            (Some(_), Some(_)) => Err(ambiguous(column)),
            (None, _) => Err(SqlError::new(
                SqlState::UndefinedColumn,
                format!("column {}.{} does not exist", table.text, column.text),
            )
            .at(column.span)
            .with_near_name(suggest::nearest(
                &column.text,
                relation.columns.iter().map(|column| column.name.as_str()),
            ))),
        }
    }

    /// All columns of all items.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &ScopeColumn> {
        self.relations
            .iter()
            .flat_map(|relation| relation.columns.iter())
    }

    /// What `*` stands for.
    pub(crate) fn expand(&self) -> Vec<(String, Expr)> {
        let plain = self
            .columns()
            .filter(|column| !column.is_merged)
            .map(|column| (column.name.clone(), column.expr()));
        self.merged.iter().cloned().chain(plain).collect()
    }

    /// The name of a column, for messages.
    pub(crate) fn name_of(&self, id: ColumnId) -> Option<String> {
        self.relations.iter().find_map(|relation| {
            let column = relation.columns.iter().find(|column| column.id == id)?;
            Some(format!("{}.{}", relation.alias, column.name))
        })
    }
}

fn ambiguous(column: &Name) -> SqlError {
    SqlError::new(
        SqlState::AmbiguousColumn,
        format!("column reference \"{}\" is ambiguous", column.text),
    )
    .at(column.span)
    .with_hint("write the table's name before it, as in t.x")
}
