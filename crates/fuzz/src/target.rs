//! The list of targets.

use crate::targets::{
    cast, catalog, command, compress, database, expression, import, json, like, log, operations,
    pager, record, sql, text, tree, vectors,
};
use crate::{seeds, targets};

/// A target: a name, what it does with bytes, and what it starts from.
#[derive(Clone, Copy)]
pub struct Target {
    /// As in `cargo xtask fuzz NAME`.
    pub name: &'static str,
    /// Returns when all is well with these bytes.
    pub run: fn(&[u8]),
    /// Inputs to start from, made by code.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The longest input that is tried, in bytes.
    pub len_max: usize,
    /// Parts of inputs that random bytes seldom hit.
    pub words: &'static [&'static str],
}

/// Says which target the binary for libFuzzer runs.
pub const TARGET_VARIABLE: &str = "DRYSTONE_FUZZ_TARGET";

const SHORT: usize = 512;
const PAGE: usize = 4096;
const TEXT: usize = 2048;

macro_rules! targets {
    ($($name:ident = $run:path, $seeds:path, $len_max:expr, $words:expr;)*) => {
        /// All targets, the cheapest first.
        pub const TARGETS: &[Target] = &[
            $(Target { name: stringify!($name), run: $run, seeds: $seeds, len_max: $len_max, words: $words },)*
        ];
    };
}

targets! {
    varint = record::varint, seeds::none, SHORT, &[];
    page_ref = pager::page_ref, seeds::page_refs, SHORT, &[];
    free_list = pager::free_list, seeds::free_lists, SHORT, &[];
    superblock = pager::superblock, seeds::superblocks, PAGE, &["DRYPAGER"];
    manifest = database::manifest, seeds::manifests, SHORT, &["DRYSTONE"];
    wal_record = log::record, seeds::log_records, SHORT, &[];
    wal_segment_header = log::segment_header, seeds::segment_headers, PAGE, &["DRYSTWAL"];
    wal_file_name = log::file_name, seeds::file_names, SHORT, &[".log", ".spare", ".new"];
    commit_record = log::commit_record, seeds::commit_records, SHORT, &[];
    keyspace_entry = log::keyspace_entry, seeds::keyspace_entries, SHORT, &[];
    btree_node = tree::node, seeds::nodes, PAGE, &[];
    btree_references = tree::references, seeds::references, SHORT, &["DRYSBTR1"];
    catalog_record = catalog::record, seeds::catalog_records, SHORT, &[];
    record_key = record::key, seeds::none, SHORT, &[];
    record_row = record::row, seeds::none, SHORT, &[];
    value_text = text::value_text, seeds::value_texts, SHORT, seeds::VALUE_WORDS;
    json_text = json::documents, seeds::json_texts, SHORT, seeds::JSON_WORDS;
    like_pattern = like::pattern, seeds::like_patterns, SHORT, &["%", "_", "\\"];
    cast_value = cast::value, seeds::none, SHORT, &[];
    evaluate = expression::evaluate, seeds::none, SHORT, &[];
    vector_record = vectors::record, seeds::vector_records, SHORT, &[];
    dot_command = command::dot_command, seeds::dot_commands, SHORT, seeds::DOT_WORDS;
    script_split = command::script, seeds::scripts, TEXT, seeds::SQL_WORDS;
    sql_parse = sql::parse, seeds::statements, TEXT, seeds::SQL_WORDS;
    sql_expression = sql::expression, seeds::expressions, TEXT, seeds::SQL_WORDS;
    sql_script = sql::script, seeds::scripts, TEXT, seeds::SQL_WORDS;
    sql_queries = sql::queries, seeds::none, SHORT, &[];
    csv_import = import::csv, seeds::csv_files, TEXT, seeds::CSV_WORDS;
    json_lines_import = import::json_lines, seeds::json_lines_files, TEXT, seeds::JSON_WORDS;
    decompress = compress::decompress, compress::seeds, SHORT, &[];
    vector_graph = vectors::graph, seeds::none, SHORT, &[];
    wal_open = log::open, seeds::patches, SHORT, &[];
    wal_repair = log::repair, seeds::patches, SHORT, &[];
    pager_open = pager::open, seeds::patches, SHORT, &[];
    btree_open = tree::open, seeds::patches, SHORT, &[];
    database_open = database::open, seeds::patches, SHORT, &[];
    operations = operations::run, seeds::none, SHORT, &[];
}

impl Target {
    /// The target of a name, those that compare with SQLite included where they are built in.
    pub fn named(name: &str) -> Option<Target> {
        Target::all().find(|target| target.name == name)
    }

    /// The target that the variable [`TARGET_VARIABLE`] names.
    ///
    /// # Panics
    /// When there is no such variable, and when there is no such target.
    pub fn of_environment() -> Target {
        let name = std::env::var(TARGET_VARIABLE).unwrap_or_default();
        Target::named(&name).unwrap_or_else(|| panic!("{TARGET_VARIABLE}={name:?} names no target"))
    }

    /// All targets of this build.
    pub fn all() -> impl Iterator<Item = Target> {
        TARGETS.iter().copied().chain(targets::with_sqlite())
    }
}
