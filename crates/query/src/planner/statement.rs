//! Whole statements.

use std::sync::Arc;

use crate::bind::statement::{Delete, Insert, OnConflict, Returning, Statement, Update};
use crate::catalog::Table;
use crate::error::SqlError;
use crate::logical::{Query, RelationId};
use crate::plan::{
    Access, Cell, ConflictPlan, ConflictUpdatePlan, DeletePlan, Expr, InsertPlan, Node,
    PlannedStatement, PointQuery, QueryPlan, ReturningPlan, TargetSlots, UpdatePlan,
};
use crate::planner::{Layout, Planner, ROW_KEY, Wish};
use crate::rows::ResultColumn;
use crate::sql_state::SqlState;

impl Planner<'_> {
    pub(super) fn statement(&mut self, bound: Statement) -> Result<PlannedStatement, SqlError> {
        Ok(match bound {
            Statement::Query(query) => PlannedStatement::Query(self.query(&query)?),
            Statement::Insert(insert) => PlannedStatement::Insert(Box::new(self.insert(*insert)?)),
            Statement::Update(update) => PlannedStatement::Update(Box::new(self.update(*update)?)),
            Statement::Delete(delete) => PlannedStatement::Delete(Box::new(self.delete(*delete)?)),
            Statement::Truncate(tables) => PlannedStatement::Truncate(tables),
            Statement::CreateTable(create) => PlannedStatement::CreateTable(create),
            Statement::AlterTable(alter) => PlannedStatement::AlterTable(alter),
            Statement::CreateIndex(create) => PlannedStatement::CreateIndex(create),
            Statement::DropTables(objects) => PlannedStatement::DropTables(objects),
            Statement::DropIndexes(objects) => PlannedStatement::DropIndexes(objects),
            Statement::Control => PlannedStatement::Control,
            Statement::Explain { analyze, statement } => PlannedStatement::Explain {
                analyze,
                statement: Box::new(self.statement(*statement)?),
            },
        })
    }

    fn query(&mut self, query: &Query) -> Result<QueryPlan, SqlError> {
        self.needed.add_query(query);
        let planned = self.query_root(query, Wish::default())?;
        let columns = query.columns.iter().map(|column| ResultColumn {
            name: column.name.clone(),
            data_type: column.data_type,
        });
        Ok(QueryPlan {
            point: point_query(&planned.node),
            columns: columns.collect(),
            root: planned.node,
        })
    }

    fn insert(&mut self, insert: Insert) -> Result<InsertPlan, SqlError> {
        self.needed.add_query(&insert.source);
        let planned = self.query_root(&insert.source, Wish::default())?;
        let table = insert.table;
        let nothing = Layout::default();
        let mut cells: Vec<Cell> = (0..table.columns().len())
            .map(|_| Cell::Default(Expr::Constant(drystone_record::Value::Null)))
            .collect();
        for (column, default) in &insert.defaults {
            cells[*column] = Cell::Default(self.compile(default, &nothing)?);
        }
        for (slot, &column) in insert.targets.iter().enumerate() {
            cells[column] = Cell::Slot(slot);
        }
        let on_conflict = match insert.on_conflict {
            Some(conflict) => Some(self.conflict(conflict, &table, insert.relation)?),
            None => None,
        };
        let layout = whole_row(&table, insert.relation);
        Ok(InsertPlan {
            source: planned.node,
            cells: cells.into(),
            on_conflict,
            returning: self.returning(insert.returning, &layout)?,
            table,
        })
    }

    fn conflict(
        &mut self,
        conflict: OnConflict,
        table: &Table,
        relation: RelationId,
    ) -> Result<ConflictPlan, SqlError> {
        let update = match conflict.update {
            None => None,
            Some(update) => {
                let layout = whole_row(table, relation).then(&whole_row(table, update.excluded));
                self.needed
                    .add_exprs(update.assignments.iter().map(|(_, value)| value));
                self.needed.add_exprs(&update.condition);
                Some(ConflictUpdatePlan {
                    assignments: self.assignments(&update.assignments, &layout)?,
                    condition: match &update.condition {
                        Some(condition) => Some(self.compile(condition, &layout)?),
                        None => None,
                    },
                })
            }
        };
        Ok(ConflictPlan {
            target: conflict.target,
            update,
        })
    }

    fn update(&mut self, update: Update) -> Result<UpdatePlan, SqlError> {
        self.needed
            .add_exprs(update.assignments.iter().map(|(_, value)| value));
        let (source, layout) = self.target_rows(
            &update.source,
            &update.table,
            update.relation,
            &update.returning,
        )?;
        Ok(UpdatePlan {
            source,
            target: target_slots(&layout, &update.table, update.relation)?,
            assignments: self.assignments(&update.assignments, &layout)?,
            returning: self.returning(update.returning, &layout)?,
            table: update.table,
        })
    }

    fn delete(&mut self, delete: Delete) -> Result<DeletePlan, SqlError> {
        let (source, layout) = self.target_rows(
            &delete.source,
            &delete.table,
            delete.relation,
            &delete.returning,
        )?;
        Ok(DeletePlan {
            source,
            target: target_slots(&layout, &delete.table, delete.relation)?,
            returning: self.returning(delete.returning, &layout)?,
            table: delete.table,
        })
    }

    /// The rows that a statement writes to, with all their columns and their key.
    fn target_rows(
        &mut self,
        source: &crate::logical::Relation,
        table: &Arc<Table>,
        relation: RelationId,
        returning: &Option<Returning>,
    ) -> Result<(Node, Layout), SqlError> {
        self.needed.add_relation(source);
        if let Some(returning) = returning {
            self.needed.add_exprs(&returning.exprs);
        }
        for column in 0..table.columns().len() {
            self.needed.add(relation, column);
        }
        self.needed.add(relation, ROW_KEY);
        let planned = self.relation(source, Vec::new(), Wish::default())?;
        Ok((planned.node, planned.layout))
    }

    fn assignments(
        &mut self,
        assignments: &[(usize, crate::logical::Expr)],
        layout: &Layout,
    ) -> Result<Box<[(usize, Expr)]>, SqlError> {
        let assignments = assignments.iter();
        assignments
            .map(|(column, value)| Ok((*column, self.compile(value, layout)?)))
            .collect()
    }

    fn returning(
        &mut self,
        returning: Option<Returning>,
        layout: &Layout,
    ) -> Result<Option<ReturningPlan>, SqlError> {
        let Some(returning) = returning else {
            return Ok(None);
        };
        self.needed.add_exprs(&returning.exprs);
        let columns = returning.columns.into_iter().map(|column| ResultColumn {
            name: column.name,
            data_type: column.data_type,
        });
        Ok(Some(ReturningPlan {
            columns: columns.collect(),
            exprs: self.compile_all(&returning.exprs, layout)?,
        }))
    }
}

/// The layout of a whole row of a table.
fn whole_row(table: &Table, relation: RelationId) -> Layout {
    Layout::of_relation(relation, 0..table.columns().len())
}

fn target_slots(
    layout: &Layout,
    table: &Table,
    relation: RelationId,
) -> Result<TargetSlots, SqlError> {
    let slot = |column| {
        let id = crate::logical::ColumnId { relation, column };
        layout.slot(id).ok_or_else(|| {
            SqlError::new(
                SqlState::InvalidColumnReference,
                "the plan lacks a column of the table that is written to",
            )
        })
    };
    Ok(TargetSlots {
        columns: (0..table.columns().len())
            .map(slot)
            .collect::<Result<_, _>>()?,
        key: slot(ROW_KEY)?,
    })
}

/// The look-up that a whole query comes down to: columns of one row by its primary key.
fn point_query(root: &Node) -> Option<PointQuery> {
    let (scan, slots) = match root {
        Node::Scan(scan) => (scan, (0..scan.columns.len()).collect::<Vec<_>>()),
        Node::Project(project) => match &project.input {
            Node::Scan(scan) => {
                let slots = project.exprs.iter().map(|expr| match expr {
                    Expr::Slot(slot) => Some(*slot),
                    _ => None,
                });
                (scan, slots.collect::<Option<Vec<_>>>()?)
            }
            _ => return None,
        },
        _ => return None,
    };
    let Access::Key(keys) = &scan.access else {
        return None;
    };
    let plain = keys
        .equal
        .iter()
        .all(|expr| matches!(expr, Expr::Parameter(_) | Expr::Constant(_)));
    let whole = keys.equal.len() == scan.table.key_layout().columns().len();
    let nothing_else = scan.filter.is_empty() && !scan.emits_key;
    (plain && whole && nothing_else).then(|| PointQuery {
        table: Arc::clone(&scan.table),
        key: keys.equal.clone(),
        columns: slots.into_iter().map(|slot| scan.columns[slot]).collect(),
    })
}
