//! Limits that keep any text from using unbounded stack or memory.

/// Longest statement, in bytes. Larger loads go through `bulk_insert`.
pub const MAX_STATEMENT_BYTES: usize = 64 << 20;

/// Deepest nesting of the syntax tree, counted on the tokens before they are parsed.
pub const MAX_SYNTAX_DEPTH: u32 = 4_000;

/// Deepest nesting of an expression. Chains of AND and OR count as one level.
pub const MAX_EXPRESSION_DEPTH: u32 = 500;

/// Deepest nesting of queries within queries.
pub const MAX_QUERY_DEPTH: u32 = 50;

/// How deep the parser may recurse.
pub(crate) const MAX_PARSER_RECURSION: usize = 600;

/// Most columns in a table or a result.
pub const MAX_COLUMNS: usize = 1_600;

/// Most columns in a primary key or an index.
pub const MAX_KEY_COLUMNS: usize = 32;

/// Most tables joined by one SELECT.
pub const MAX_TABLES: usize = 64;

/// Highest parameter number.
pub const MAX_PARAMETERS: usize = 65_535;

/// Longest name of a table, column or index, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
