//! CREATE TABLE and CREATE INDEX.

use sqlparser::ast::{
    self, BinaryOperator, ColumnOption, ColumnOptionDef, Expr as Syntax, HiveDistributionStyle,
    HiveFormat, IndexColumn, IndexType, KeyOrIndexDisplay, NullsDistinctOption, OrderByExpr,
    OrderByOptions, PrimaryKeyConstraint, Spanned, TableConstraint, UniqueConstraint,
};
use sqlparser::tokenizer::Span;

use drystone_record::DataType;

use crate::bind::insert::find_column;
use crate::bind::names::{self, Name, checked, fold, refuse};
use crate::bind::table_options::TableOptions;
use crate::bind::{Aggregation, Binder, types};
use crate::cast::CastContext;
use crate::catalog::{Catalog, ColumnRecord, Metric, Table};
use crate::error::SqlError;
use crate::limits::{MAX_COLUMNS, MAX_KEY_COLUMNS};
use crate::logical::Expr;
use crate::sql_state::SqlState;
use crate::suggest;

/// CREATE TABLE.
#[derive(Debug)]
pub(crate) struct CreateTable {
    pub(crate) name: Name,
    pub(crate) if_not_exists: bool,
    pub(crate) columns: Vec<ColumnRecord>,
    pub(crate) primary_key: Option<KeyConstraint>,
    pub(crate) uniques: Vec<KeyConstraint>,
    pub(crate) options: TableOptions,
}

/// PRIMARY KEY or UNIQUE.
#[derive(Debug)]
pub(crate) struct KeyConstraint {
    pub(crate) name: Option<Name>,
    /// Positions in the table.
    pub(crate) columns: Vec<usize>,
}

/// CREATE INDEX.
#[derive(Debug)]
pub(crate) struct CreateIndex {
    pub(crate) name: Option<Name>,
    pub(crate) if_not_exists: bool,
    pub(crate) table: std::sync::Arc<Table>,
    pub(crate) columns: Vec<usize>,
    pub(crate) kind: NewIndexKind,
}

/// What kind of index to create.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewIndexKind {
    BTree {
        unique: bool,
    },
    Hnsw {
        metric: Metric,
        m: u32,
        ef_construction: u32,
    },
}

/// DROP TABLE and DROP INDEX.
#[derive(Debug)]
pub(crate) struct DropObjects {
    pub(crate) names: Vec<Name>,
    pub(crate) if_exists: bool,
}

/// The key of a constraint by the names of its columns.
struct NamedKey {
    name: Option<Name>,
    columns: Vec<Name>,
}

/// What a column's options say.
struct ColumnOptions {
    nullable: bool,
    default: Option<String>,
}

/// The keys that a CREATE TABLE declares, in order.
#[derive(Default)]
struct Keys {
    primary: Option<NamedKey>,
    uniques: Vec<NamedKey>,
}

impl Keys {
    fn set_primary(&mut self, key: NamedKey, span: Span) -> Result<(), SqlError> {
        if self.primary.is_some() {
            return Err(SqlError::new(
                SqlState::InvalidTableDefinition,
                "multiple primary keys are not allowed",
            )
            .at(span));
        }
        self.primary = Some(key);
        Ok(())
    }
}

impl<'a> Binder<'a> {
    pub(crate) fn bind_create_table(
        &mut self,
        syntax: &'a ast::CreateTable,
    ) -> Result<CreateTable, SqlError> {
        let parts = table_parts(syntax)?;
        let name = checked(names::object(parts.name)?)?;
        let mut keys = Keys::default();
        let mut columns: Vec<ColumnRecord> = Vec::with_capacity(parts.columns.len());
        for syntax in parts.columns {
            let (column, span) = self.bind_column(syntax, &mut keys)?;
            if columns.iter().any(|known| known.name == column.name) {
                return Err(SqlError::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{}\" specified more than once", column.name),
                )
                .at(span));
            }
            columns.push(column);
        }
        if columns.len() > MAX_COLUMNS {
            return Err(SqlError::new(
                SqlState::TooManyColumns,
                format!("tables can have at most {MAX_COLUMNS} columns"),
            ));
        }
        for constraint in parts.constraints {
            add_constraint(constraint, name.span, &mut keys)?;
        }
        let primary_key = match keys.primary {
            Some(key) => Some(key_constraint(key, &mut columns, KeyUse::Primary)?),
            None => None,
        };
        let mut uniques = Vec::with_capacity(keys.uniques.len());
        for key in keys.uniques {
            uniques.push(key_constraint(key, &mut columns, KeyUse::Unique)?);
        }
        Ok(CreateTable {
            name,
            if_not_exists: parts.if_not_exists,
            columns,
            primary_key,
            uniques,
            options: parts.options,
        })
    }

    fn bind_column(
        &mut self,
        syntax: &'a ast::ColumnDef,
        keys: &mut Keys,
    ) -> Result<(ColumnRecord, Span), SqlError> {
        let ast::ColumnDef {
            name,
            data_type,
            options,
        } = syntax;
        let name = checked(fold(name))?;
        let data_type = types::data_type(data_type, name.span)?;
        let mut found = ColumnOptions {
            nullable: true,
            default: None,
        };
        for option in options {
            self.bind_column_option(option, &name, data_type, &mut found, keys)?;
        }
        let column = ColumnRecord {
            name: name.text,
            data_type,
            nullable: found.nullable,
            default: found.default,
        };
        Ok((column, name.span))
    }

    fn bind_column_option(
        &mut self,
        syntax: &'a ColumnOptionDef,
        column: &Name,
        data_type: DataType,
        found: &mut ColumnOptions,
        keys: &mut Keys,
    ) -> Result<(), SqlError> {
        let ColumnOptionDef { name, option } = syntax;
        let constraint = match name {
            Some(name) => Some(checked(fold(name))?),
            None => None,
        };
        let key = |name: Option<Name>| NamedKey {
            name,
            columns: vec![column.clone()],
        };
        match option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => found.nullable = false,
            ColumnOption::Default(expr) => {
                let text = expr.to_string();
                bind_default(self.catalog, &text, data_type)
                    .map_err(|error| moved_to(error, expr.span()))?;
                found.default = Some(text);
            }
            ColumnOption::PrimaryKey(primary_key) => {
                let own = primary_key_name(primary_key, column.span)?;
                keys.set_primary(key(constraint.or(own)), column.span)?;
            }
            ColumnOption::Unique(unique) => {
                let own = unique_name(unique, column.span)?;
                keys.uniques.push(key(constraint.or(own)));
            }
            ColumnOption::ForeignKey(_) => {
                return Err(SqlError::unsupported("REFERENCES").at(column.span));
            }
            ColumnOption::Check(_) => return Err(SqlError::unsupported("CHECK").at(column.span)),
            other => {
                return Err(
                    SqlError::unsupported(format!("the column option {other}")).at(column.span)
                );
            }
        }
        Ok(())
    }

    pub(crate) fn bind_create_index(
        &mut self,
        syntax: &'a ast::CreateIndex,
    ) -> Result<CreateIndex, SqlError> {
        let ast::CreateIndex {
            name,
            table_name,
            using,
            columns,
            unique,
            concurrently,
            if_not_exists,
            include,
            nulls_distinct,
            with,
            predicate,
            index_options,
            alter_options,
        } = syntax;
        let span = table_name.span();
        refuse(*concurrently, "CONCURRENTLY", span)?;
        refuse(!include.is_empty(), "INCLUDE", span)?;
        refuse(*nulls_distinct == Some(false), "NULLS NOT DISTINCT", span)?;
        refuse(predicate.is_some(), "a partial index", span)?;
        refuse(!index_options.is_empty(), "an index option", span)?;
        refuse(!alter_options.is_empty(), "an ALTER option", span)?;
        let table = self.table(&names::object(table_name)?)?;
        let name = match name {
            Some(name) => Some(checked(names::object(name)?)?),
            None => None,
        };
        refuse(
            *if_not_exists && name.is_none(),
            "IF NOT EXISTS without a name",
            span,
        )?;
        let (kind, columns) = match using.as_ref().map(method_name) {
            None => btree_columns(&table, columns, with, *unique)?,
            Some(method) if method == "btree" => btree_columns(&table, columns, with, *unique)?,
            Some(method) if method == "hnsw" => {
                refuse(*unique, "UNIQUE with hnsw", span)?;
                hnsw_column(&table, columns, with, span)?
            }
            Some(method) => {
                return Err(SqlError::new(
                    SqlState::UndefinedObject,
                    format!("access method \"{method}\" does not exist"),
                )
                .at(span)
                .with_hint("use btree or hnsw"));
            }
        };
        Ok(CreateIndex {
            name,
            if_not_exists: *if_not_exists,
            table,
            columns,
            kind,
        })
    }
}

/// Binds the text of a default: an expression without columns, parameters or subqueries.
pub(crate) fn bind_default(
    catalog: &Catalog,
    text: &str,
    data_type: DataType,
) -> Result<Expr, SqlError> {
    let query = format!("SELECT {text}");
    let statement = crate::parse::parse_statement(&query)?;
    let Some(ast::Statement::Query(query)) = &statement else {
        return Err(SqlError::unsupported("this default"));
    };
    let ast::SetExpr::Select(select) = &*query.body else {
        return Err(SqlError::unsupported("this default"));
    };
    let [ast::SelectItem::UnnamedExpr(expr)] = select.projection.as_slice() else {
        return Err(SqlError::unsupported("this default"));
    };
    let mut binder = Binder::new(catalog);
    binder.swap_aggregation(Aggregation::Refused("DEFAULT expressions"));
    let bound = binder.bind_expr(expr)?;
    let bound = binder.coerce_in(bound, data_type, CastContext::Assignment)?;
    let mut plain = binder.parameters.is_empty();
    bound.walk(&mut |part| {
        plain &= !matches!(part.kind, crate::logical::ExprKind::Subquery(_));
        plain
    });
    match plain {
        true => Ok(bound),
        false => Err(SqlError::unsupported("a parameter or subquery in DEFAULT")),
    }
}

/// An error about a default's own text, as one about the place of the default in the statement.
fn moved_to(error: SqlError, span: Span) -> SqlError {
    let moved = SqlError::new(error.state(), error.message().to_owned()).at(span);
    match error.hint() {
        Some(hint) => moved.with_hint(hint),
        None => moved,
    }
}

/// The parts of a CREATE TABLE that are offered.
struct TableParts<'a> {
    name: &'a ast::ObjectName,
    if_not_exists: bool,
    columns: &'a [ast::ColumnDef],
    constraints: &'a [TableConstraint],
    options: TableOptions,
}

fn table_parts(syntax: &ast::CreateTable) -> Result<TableParts<'_>, SqlError> {
    let ast::CreateTable {
        or_replace,
        temporary,
        external,
        dynamic,
        global,
        if_not_exists,
        transient,
        volatile,
        iceberg,
        snapshot,
        name,
        columns,
        constraints,
        hive_distribution,
        hive_formats,
        table_options,
        file_format,
        location,
        query,
        without_rowid,
        like,
        clone,
        version,
        comment,
        on_commit,
        on_cluster,
        primary_key,
        order_by,
        partition_by,
        cluster_by,
        clustered_by,
        inherits,
        partition_of,
        for_values,
        strict,
        copy_grants,
        enable_schema_evolution,
        change_tracking,
        data_retention_time_in_days,
        max_data_extension_time_in_days,
        default_ddl_collation,
        with_aggregation_policy,
        with_row_access_policy,
        with_storage_lifecycle_policy,
        with_tags,
        external_volume,
        base_location,
        catalog,
        catalog_sync,
        storage_serialization_policy,
        target_lag,
        warehouse,
        refresh_mode,
        initialize,
        require_user,
        diststyle,
        distkey,
        sortkey,
        backup,
    } = syntax;
    let refused = [
        (*or_replace, "OR REPLACE"),
        (*temporary || global.is_some(), "a temporary table"),
        (*external, "EXTERNAL"),
        (*dynamic, "DYNAMIC"),
        (*transient, "TRANSIENT"),
        (*volatile, "VOLATILE"),
        (*iceberg, "ICEBERG"),
        (*snapshot, "SNAPSHOT"),
        (
            *hive_distribution != HiveDistributionStyle::NONE,
            "a distribution",
        ),
        (hive_formats.as_ref().is_some_and(is_hive), "a Hive format"),
        (file_format.is_some(), "STORED AS"),
        (location.is_some(), "LOCATION"),
        (query.is_some(), "CREATE TABLE AS"),
        (*without_rowid, "WITHOUT ROWID"),
        (like.is_some(), "LIKE"),
        (clone.is_some(), "CLONE"),
        (version.is_some(), "AS OF"),
        (comment.is_some(), "COMMENT"),
        (on_commit.is_some(), "ON COMMIT"),
        (on_cluster.is_some(), "ON CLUSTER"),
        (primary_key.is_some(), "PRIMARY KEY after the columns"),
        (order_by.is_some(), "ORDER BY"),
        (partition_by.is_some(), "PARTITION BY"),
        (cluster_by.is_some() || clustered_by.is_some(), "CLUSTER BY"),
        (inherits.is_some(), "INHERITS"),
        (
            partition_of.is_some() || for_values.is_some(),
            "PARTITION OF",
        ),
        (*strict, "STRICT"),
        (*copy_grants, "COPY GRANTS"),
        (enable_schema_evolution.is_some(), "ENABLE_SCHEMA_EVOLUTION"),
        (change_tracking.is_some(), "CHANGE_TRACKING"),
        (
            data_retention_time_in_days.is_some(),
            "DATA_RETENTION_TIME_IN_DAYS",
        ),
        (
            max_data_extension_time_in_days.is_some(),
            "MAX_DATA_EXTENSION_TIME_IN_DAYS",
        ),
        (default_ddl_collation.is_some(), "DEFAULT_DDL_COLLATION"),
        (with_aggregation_policy.is_some(), "an aggregation policy"),
        (with_row_access_policy.is_some(), "a row access policy"),
        (with_storage_lifecycle_policy.is_some(), "a storage policy"),
        (with_tags.is_some(), "WITH TAG"),
        (external_volume.is_some(), "EXTERNAL_VOLUME"),
        (base_location.is_some(), "BASE_LOCATION"),
        (catalog.is_some() || catalog_sync.is_some(), "CATALOG"),
        (
            storage_serialization_policy.is_some(),
            "STORAGE_SERIALIZATION_POLICY",
        ),
        (target_lag.is_some(), "TARGET_LAG"),
        (warehouse.is_some(), "WAREHOUSE"),
        (refresh_mode.is_some(), "REFRESH_MODE"),
        (initialize.is_some(), "INITIALIZE"),
        (*require_user, "REQUIRE USER"),
        (diststyle.is_some() || distkey.is_some(), "DISTSTYLE"),
        (sortkey.is_some(), "SORTKEY"),
        (backup.is_some(), "BACKUP"),
    ];
    for (present, what) in refused {
        refuse(present, what, name.span())?;
    }
    Ok(TableParts {
        name,
        if_not_exists: *if_not_exists,
        columns,
        constraints,
        options: TableOptions::of_create(table_options, name.span())?,
    })
}

/// The parser leaves an empty value there.
fn is_hive(format: &HiveFormat) -> bool {
    let HiveFormat {
        row_format,
        serde_properties,
        storage,
        location,
    } = format;
    row_format.is_some() || serde_properties.is_some() || storage.is_some() || location.is_some()
}

fn add_constraint(
    constraint: &TableConstraint,
    span: Span,
    keys: &mut Keys,
) -> Result<(), SqlError> {
    match constraint {
        TableConstraint::PrimaryKey(primary_key) => {
            let name = primary_key_name(primary_key, span)?;
            let columns = key_names(&primary_key.columns, span)?;
            keys.set_primary(NamedKey { name, columns }, span)
        }
        TableConstraint::Unique(unique) => {
            let name = unique_name(unique, span)?;
            let columns = key_names(&unique.columns, span)?;
            keys.uniques.push(NamedKey { name, columns });
            Ok(())
        }
        TableConstraint::ForeignKey(_) => Err(SqlError::unsupported("FOREIGN KEY").at(span)),
        TableConstraint::Check(_) => Err(SqlError::unsupported("CHECK").at(span)),
        TableConstraint::Index(_)
        | TableConstraint::FulltextOrSpatial(_)
        | TableConstraint::PrimaryKeyUsingIndex(_)
        | TableConstraint::UniqueUsingIndex(_) => {
            Err(SqlError::unsupported("an index within CREATE TABLE").at(span))
        }
    }
}

fn primary_key_name(
    constraint: &PrimaryKeyConstraint,
    span: Span,
) -> Result<Option<Name>, SqlError> {
    let PrimaryKeyConstraint {
        name,
        index_name,
        index_type,
        columns: _, // Taken by the caller.
        index_options,
        characteristics,
    } = constraint;
    refuse(index_name.is_some(), "an index name", span)?;
    refuse(index_type.is_some(), "USING in a constraint", span)?;
    refuse(!index_options.is_empty(), "an index option", span)?;
    refuse(characteristics.is_some(), "DEFERRABLE", span)?;
    name.as_ref().map(|name| checked(fold(name))).transpose()
}

fn unique_name(constraint: &UniqueConstraint, span: Span) -> Result<Option<Name>, SqlError> {
    let UniqueConstraint {
        name,
        index_name,
        index_type_display,
        index_type,
        columns: _, // Taken by the caller.
        index_options,
        characteristics,
        nulls_distinct,
    } = constraint;
    refuse(index_name.is_some(), "an index name", span)?;
    refuse(
        *index_type_display != KeyOrIndexDisplay::None,
        "UNIQUE KEY",
        span,
    )?;
    refuse(index_type.is_some(), "USING in a constraint", span)?;
    refuse(!index_options.is_empty(), "an index option", span)?;
    refuse(characteristics.is_some(), "DEFERRABLE", span)?;
    refuse(
        *nulls_distinct == NullsDistinctOption::NotDistinct,
        "NULLS NOT DISTINCT",
        span,
    )?;
    name.as_ref().map(|name| checked(fold(name))).transpose()
}

fn key_names(columns: &[IndexColumn], span: Span) -> Result<Vec<Name>, SqlError> {
    columns
        .iter()
        .map(|column| {
            let (name, class) = index_column(column, span)?;
            refuse(class.is_some(), "an operator class in a constraint", span)?;
            Ok(name)
        })
        .collect()
}

/// The column of an index, and its operator class.
fn index_column(
    column: &IndexColumn,
    span: Span,
) -> Result<(Name, Option<&ast::ObjectName>), SqlError> {
    let IndexColumn {
        column:
            OrderByExpr {
                expr,
                options: OrderByOptions { asc, nulls_first },
                with_fill,
            },
        operator_class,
    } = column;
    refuse(*asc == Some(false), "DESC in an index", span)?;
    refuse(*nulls_first == Some(true), "NULLS FIRST in an index", span)?;
    refuse(with_fill.is_some(), "WITH FILL", span)?;
    match expr {
        Syntax::Identifier(ident) => Ok((fold(ident), operator_class.as_ref())),
        other => Err(SqlError::unsupported("an index on an expression").at(other.span())),
    }
}

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyUse {
    Primary,
    Unique,
}

fn key_constraint(
    key: NamedKey,
    columns: &mut [ColumnRecord],
    key_use: KeyUse,
) -> Result<KeyConstraint, SqlError> {
    let mut positions = Vec::with_capacity(key.columns.len());
    for name in &key.columns {
        let position = columns.iter().position(|column| column.name == name.text);
        let position = position.ok_or_else(|| {
            SqlError::new(
                SqlState::UndefinedColumn,
                format!("column \"{}\" named in key does not exist", name.text),
            )
            .at(name.span)
            .with_near_name(suggest::nearest(
                &name.text,
                columns.iter().map(|column| column.name.as_str()),
            ))
        })?;
        check_key_column(&columns[position], &positions, position).map_err(|e| e.at(name.span))?;
        positions.push(position);
        if key_use == KeyUse::Primary {
            columns[position].nullable = false;
        }
    }
    Ok(KeyConstraint {
        name: key.name,
        columns: positions,
    })
}

fn check_key_column(
    column: &ColumnRecord,
    before: &[usize],
    position: usize,
) -> Result<(), SqlError> {
    if before.contains(&position) {
        return Err(SqlError::new(
            SqlState::DuplicateColumn,
            format!("column \"{}\" appears twice in a key", column.name),
        ));
    }
    if before.len() >= MAX_KEY_COLUMNS {
        return Err(SqlError::new(
            SqlState::TooManyColumns,
            format!("a key can have at most {MAX_KEY_COLUMNS} columns"),
        ));
    }
    if !column.data_type.is_key() {
        return Err(SqlError::new(
            SqlState::UndefinedObject,
            format!(
                "data type {} has no order, so it cannot be in a key",
                column.data_type
            ),
        )
        .with_hint("an index USING hnsw takes a vector"));
    }
    Ok(())
}

fn method_name(method: &IndexType) -> String {
    method.to_string().to_lowercase()
}

fn btree_columns(
    table: &Table,
    columns: &[IndexColumn],
    with: &[Syntax],
    unique: bool,
) -> Result<(NewIndexKind, Vec<usize>), SqlError> {
    if let Some(option) = with.first() {
        return Err(SqlError::unsupported("WITH for a btree index").at(option.span()));
    }
    let mut positions = Vec::with_capacity(columns.len());
    for column in columns {
        let (name, class) = index_column(column, column.span())?;
        refuse(
            class.is_some(),
            "an operator class for a btree index",
            name.span,
        )?;
        let position = find_column(table, &name)?;
        check_key_column(&table.columns()[position], &positions, position)
            .map_err(|error| error.at(name.span))?;
        positions.push(position);
    }
    Ok((NewIndexKind::BTree { unique }, positions))
}

fn hnsw_column(
    table: &Table,
    columns: &[IndexColumn],
    with: &[Syntax],
    span: Span,
) -> Result<(NewIndexKind, Vec<usize>), SqlError> {
    let [column] = columns else {
        return Err(SqlError::unsupported("hnsw on several columns").at(span));
    };
    let (name, class) = index_column(column, span)?;
    let position = find_column(table, &name)?;
    let data_type = table.columns()[position].data_type;
    if !matches!(data_type, DataType::Vector(_)) {
        return Err(SqlError::new(
            SqlState::WrongObjectType,
            format!("an hnsw index needs a vector column, not one of type {data_type}"),
        )
        .at(name.span));
    }
    let mut settings = HnswSettings::default();
    if let Some(class) = class {
        settings.metric = Some(operator_class(class)?);
    }
    for option in with {
        settings.set(option)?;
    }
    let kind = NewIndexKind::Hnsw {
        metric: settings.metric.unwrap_or(Metric::L2),
        m: settings.m.unwrap_or(16),
        ef_construction: settings.ef_construction.unwrap_or(64),
    };
    Ok((kind, vec![position]))
}

fn operator_class(name: &ast::ObjectName) -> Result<Metric, SqlError> {
    let name = names::object(name)?;
    Metric::of_operator_class(&name.text).ok_or_else(|| {
        SqlError::new(
            SqlState::UndefinedObject,
            format!("operator class \"{}\" does not exist", name.text),
        )
        .at(name.span)
        .with_hint("use vector_l2_ops, vector_cosine_ops or vector_ip_ops")
    })
}

/// What `WITH (...)` says of a vector index.
#[derive(Default)]
struct HnswSettings {
    metric: Option<Metric>,
    m: Option<u32>,
    ef_construction: Option<u32>,
}

impl HnswSettings {
    fn set(&mut self, option: &Syntax) -> Result<(), SqlError> {
        let Syntax::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } = option
        else {
            return Err(SqlError::unsupported("this index option").at(option.span()));
        };
        let (Syntax::Identifier(name), value) = (&**left, &**right) else {
            return Err(SqlError::unsupported("this index option").at(option.span()));
        };
        let name = fold(name);
        match name.text.as_str() {
            "metric" => self.metric = Some(metric(value)?),
            "m" => self.m = Some(within(value, 2, 100)?),
            "ef_construction" => self.ef_construction = Some(within(value, 4, 1_000)?),
            other => {
                return Err(SqlError::new(
                    SqlState::InvalidParameterValue,
                    format!("unrecognized parameter \"{other}\""),
                )
                .at(name.span)
                .with_near_name(suggest::nearest(other, ["metric", "m", "ef_construction"])));
            }
        }
        Ok(())
    }
}

fn metric(value: &Syntax) -> Result<Metric, SqlError> {
    let name = match value {
        Syntax::Value(ast::ValueWithSpan {
            value: ast::Value::SingleQuotedString(text),
            span: _,
        }) => text.to_lowercase(),
        Syntax::Identifier(ident) => fold(ident).text,
        _ => String::new(),
    };
    Metric::of_name(&name).ok_or_else(|| {
        SqlError::new(
            SqlState::InvalidParameterValue,
            "metric must be 'l2', 'cosine' or 'ip'",
        )
        .at(value.span())
    })
}

fn within(value: &Syntax, low: u32, high: u32) -> Result<u32, SqlError> {
    let number = match value {
        Syntax::Value(ast::ValueWithSpan {
            value: ast::Value::Number(text, false),
            span: _,
        }) => text.parse().ok(),
        _ => None,
    };
    number
        .filter(|number| (low..=high).contains(number))
        .ok_or_else(|| {
            SqlError::new(
                SqlState::InvalidParameterValue,
                format!("value must be a number from {low} to {high}"),
            )
            .at(value.span())
        })
}
