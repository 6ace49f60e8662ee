//! The list of targets.

use crate::targets::{
    archive, cast, catalog, command, compress, database, expression, import, json, like, log,
    operations, pager, record, sql, text, tree, vectors,
};
use crate::{seeds, targets};

/// A target: a name, what it does with bytes, and what it starts from.
#[derive(Clone, Copy)]
pub struct Target {
    /// As in `cargo xtask fuzz NAME`.
    pub name: &'static str,
    /// Returns when all is well with these bytes.
    pub run: fn(&[u8]),
    /// The binary that runs it under libFuzzer, which after each input walks over a counter for each branch of the binary's
    /// code: 60 microseconds for all of it, several times what a decoder takes.
    pub binary: &'static str,
    /// Inputs to start from, made by code.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The longest input that is tried, in bytes.
    pub len_max: usize,
    /// Parts of inputs that random bytes seldom hit.
    pub words: &'static [&'static str],
}

/// A target without its seeds, which are made by nearly all of the code.
#[derive(Clone, Copy)]
pub struct Runner {
    /// As in `cargo xtask fuzz NAME`.
    pub name: &'static str,
    /// Returns when all is well with these bytes.
    pub run: fn(&[u8]),
}

/// Says which target a binary for libFuzzer runs.
pub const TARGET_VARIABLE: &str = "DRYSTONE_FUZZ_TARGET";

const SHORT: usize = 512;
const PAGE: usize = 4096;
const TEXT: usize = 2048;

macro_rules! targets {
    (
        formats { $($format:ident = $check:path, $samples:path, $format_len:expr, $tokens:expr;)* }
        whole { $($name:ident = $run:path, $seeds:path, $len_max:expr, $words:expr;)* }
    ) => {
        /// What runs without files and without a database: all that `libfuzzer_formats` has, so that little code is
        /// linked into it.
        pub const FORMATS: &[Runner] = &[
            $(Runner { name: stringify!($format), run: $check },)*
        ];

        /// All targets, the cheapest first.
        pub const TARGETS: &[Target] = &[
            $(Target {
                name: stringify!($format),
                run: $check,
                binary: "libfuzzer_formats",
                seeds: $samples,
                len_max: $format_len,
                words: $tokens,
            },)*
            $(Target {
                name: stringify!($name),
                run: $run,
                binary: "libfuzzer",
                seeds: $seeds,
                len_max: $len_max,
                words: $words,
            },)*
        ];
    };
}

targets! {
    formats {
        varint = record::varint, seeds::none, SHORT, &[];
        page_ref = pager::page_ref, seeds::page_refs, SHORT, &[];
        free_list = pager::free_list, seeds::free_lists, SHORT, &[];
        extent_list = pager::extent_list, seeds::extent_lists, SHORT, &[];
        superblock = pager::superblock, seeds::superblocks, PAGE, &["DRYPAGER"];
        compressed_page = pager::compressed_page, seeds::compressed_pages, SHORT, &[];
        decompress = compress::decompress, compress::seeds, SHORT, &[];
        manifest = database::manifest, seeds::manifests, SHORT, &["DRYSTONE"];
        wal_record = log::record, seeds::log_records, SHORT, &[];
        wal_segment_header = log::segment_header, seeds::segment_headers, PAGE, &["DRYSTWAL"];
        wal_file_name = log::file_name, seeds::file_names, SHORT, &[".log", ".spare", ".new"];
        commit_record = log::commit_record, seeds::commit_records, SHORT, &[];
        keyspace_entry = log::keyspace_entry, seeds::keyspace_entries, SHORT, &[];
        run_block = log::run_block, seeds::run_blocks, SHORT, &[];
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
    }
    whole {
        dot_command = command::dot_command, seeds::dot_commands, SHORT, seeds::DOT_WORDS;
        script_split = command::script, seeds::scripts, TEXT, seeds::SQL_WORDS;
        sql_parse = sql::parse, seeds::statements, TEXT, seeds::SQL_WORDS;
        sql_expression = sql::expression, seeds::expressions, TEXT, seeds::SQL_WORDS;
        sql_script = sql::script, seeds::scripts, TEXT, seeds::SQL_WORDS;
        sql_queries = sql::queries, seeds::none, SHORT, &[];
        csv_import = import::csv, seeds::csv_files, TEXT, seeds::CSV_WORDS;
        json_lines_import = import::json_lines, seeds::json_lines_files, TEXT, seeds::JSON_WORDS;
        vector_graph = vectors::graph, seeds::none, SHORT, &[];
        wal_open = log::open, seeds::patches, SHORT, &[];
        wal_repair = log::repair, seeds::patches, SHORT, &[];
        wal_archive = archive::archive, seeds::patches, SHORT, &[];
        pager_open = pager::open, seeds::patches, SHORT, &[];
        btree_open = tree::open, seeds::patches, SHORT, &[];
        database_open = database::open, seeds::patches, SHORT, &[];
        operations = operations::run, seeds::none, SHORT, &[];
    }
}

impl Runner {
    /// The one of `runners` that the variable [`TARGET_VARIABLE`] names.
    ///
    /// # Panics
    /// When there is no such variable, and when none of them has that name.
    pub fn of_environment(runners: impl IntoIterator<Item = Runner>) -> Runner {
        let name = std::env::var(TARGET_VARIABLE).unwrap_or_default();
        let mut runners = runners.into_iter();
        let named = runners.find(|runner| runner.name == name);
        named.unwrap_or_else(|| panic!("{TARGET_VARIABLE}={name:?} names no target of this binary"))
    }
}

impl Target {
    /// The target of a name, those that compare with SQLite included where they are built in.
    pub fn named(name: &str) -> Option<Target> {
        Target::all().find(|target| target.name == name)
    }

    /// All targets of this build.
    pub fn all() -> impl Iterator<Item = Target> {
        TARGETS.iter().copied().chain(targets::with_sqlite())
    }

    /// What libFuzzer needs of it.
    pub fn runner(&self) -> Runner {
        Runner {
            name: self.name,
            run: self.run,
        }
    }
}
