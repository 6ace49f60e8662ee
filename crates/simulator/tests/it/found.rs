//! Plans that failed once, as they were printed.

use drystone_simulator::{Plan, run_plan};

#[track_caller]
fn passes(plan: &str) {
    let plan: Plan = plan.parse().unwrap();
    run_plan(&plan).unwrap_or_else(|failure| panic!("{failure}"));
}

/// It met a conflict with the commit that failed, and tried again for ever.
#[test]
fn a_write_of_what_a_failed_commit_wrote_comes_to_an_end() {
    passes(
        r#"
        {"seed":1050,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"Sync"}}
        [0,{"Sql":{"CreateTable":0}}]
        [1,{"Sql":{"Insert":[0,[{"id":10,"a":10,"b":null,"v":[-8,3]},{"id":8,"a":-14,"b":null,"v":[-7,2]}]]}}]
        [4,{"Inject":{"kind":"PartialWrite","part":"Log","nth":2,"times":1}}]
        [3,"Step"]
        [3,"Step"]
        [1,{"Sql":{"DeleteRange":[0,10,13]}}]
        [1,{"Sql":{"Update":[0,{"id":10,"a":13,"b":null,"v":[1,-2]}]}}]
        "#,
    );
}

/// The kind of its error said that space alone would mend it.
#[test]
fn a_log_that_lacked_space_for_a_group_is_opened_again() {
    passes(
        r#"
        {"seed":1248,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"Sync"}}
        [0,{"Sql":{"CreateTable":0}}]
        [5,{"Inject":{"kind":"NoSpace","part":"Log","nth":2,"times":0}}]
        [2,{"Sql":{"Insert":[0,[{"id":15,"a":14,"b":null,"v":[-5,-7]}]]}}]
        [2,{"Sql":{"Insert":[0,[{"id":19,"a":-12,"b":null,"v":[-8,-7]}]]}}]
        "#,
    );
}

/// Pinned nodes came on top of the cache's budget.
#[test]
fn the_smallest_cache_keeps_to_its_budget() {
    passes(
        r#"
        {"seed":75,"options":{"cache_bytes":32768,"memtable_bytes":65536,"segment_bytes":65536,"durability":"Sync"}}
        [0,{"Sql":{"CreateTable":0}}]
        [0,{"Sql":{"CreateIndex":[0,"A"]}}]
        [0,{"Sql":{"CreateIndex":[0,"B"]}}]
        [0,{"Sql":{"CreateTable":1}}]
        [1,{"Sql":{"Insert":[0,[{"id":69,"a":-15,"b":17,"v":[-1,9]}]]}}]
        [4,"Flush"]
        [1,{"Sql":{"Insert":[1,[{"id":43,"a":-7,"b":null,"v":[-1,-5]}]]}}]
        [4,"Flush"]
        [4,"Stats"]
        "#,
    );
}

/// A table made in a transaction gets the number of a keyspace that others make meanwhile: the transaction cannot
/// commit.
#[test]
fn a_table_and_a_keyspace_made_side_by_side_conflict() {
    passes(
        r#"
        {"seed":17175,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"Sync"}}
        [2,{"Begin":"Transaction"}]
        [2,{"Sql":{"CreateTable":0}}]
        [1,{"CreateKeyspace":2}]
        [2,{"Change":{"space":2,"key":68,"value":{"len":17,"seed":187881}}}]
        [2,{"Commit":"Sync"}]
        "#,
    );
}

/// The kind of a step's error said that space alone would mend the log.
#[test]
fn a_log_whose_marker_lacked_space_is_opened_again() {
    passes(
        r#"
        {"seed":2153,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"Sync"}}
        [3,"Kill"]
        [3,{"Inject":{"kind":"NoSpace","part":"Any","nth":2,"times":0}}]
        [2,"Flush"]
        [2,"Step"]
        [2,"Step"]
        "#,
    );
}

/// Recovery wrote over a durable record with its own bytes, and power went meanwhile.
#[test]
fn a_recovery_that_is_cut_short_puts_nothing_durable_at_risk() {
    passes(
        r#"
        {"seed":51900,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"Sync"}}
        [5,"Mend"]
        [5,{"Inject":{"kind":"PartialWrite","part":"Log","nth":1,"times":0}}]
        [5,{"Crash":{"after":8,"within":18,"last":"Midway","policy":9,"nested":[]}}]
        [4,"Reopen"]
        "#,
    );
}

/// The drop of a vector index was lost, merges had gone on without it, and its stored graph was called damaged.
#[test]
fn a_vector_index_whose_drop_was_lost_is_sound() {
    passes(
        r#"
        {"seed":324827,"options":{"cache_bytes":262144,"memtable_bytes":1024,"segment_bytes":65536,"durability":"Sync"}}
        [0,{"CreateKeyspace":1}]
        [0,{"Sql":{"CreateTable":0}}]
        [0,{"Sql":{"CreateIndex":[0,"A"]}}]
        [0,{"Sql":{"CreateIndex":[0,"B"]}}]
        [0,{"Sql":{"CreateIndex":[0,"V"]}}]
        [0,{"Sql":{"CreateTable":1}}]
        [5,{"Sql":{"BulkInsert":[0,[{"id":-1,"a":16,"b":2,"v":[4,8]}]]}}]
        [5,{"Sql":{"Insert":[1,[{"id":0,"a":13,"b":null,"v":[-1,9]},{"id":1,"a":7,"b":null,"v":[3,-2]}]]}}]
        [5,{"Sql":{"DeleteRange":[1,10,22]}}]
        [5,{"Sql":{"Insert":[0,[{"id":0,"a":4,"b":0,"v":[9,9]}]]}}]
        [5,{"Sql":{"Move":[0,-1,1]}}]
        [6,{"Begin":"Transaction"}]
        [6,{"Change":{"space":1,"key":112,"value":{"len":1960,"seed":87790}}}]
        [6,{"Commit":"Async"}]
        [4,{"Begin":"Session"}]
        [4,{"Sql":{"Update":[0,{"id":0,"a":15,"b":null,"v":[-3,9]}]}}]
        [4,{"Sql":{"Insert":[0,[{"id":-1,"a":18,"b":null,"v":[-4,-5]}]]}}]
        [4,{"Sql":{"DropIndex":[0,"V"]}}]
        [4,{"Commit":"Async"}]
        [2,{"Begin":"Transaction"}]
        [2,{"Change":{"space":1,"key":59,"value":{"len":456,"seed":976711}}}]
        [2,{"Commit":"Async"}]
        [8,{"Crash":{"after":1,"within":2,"last":"Before","policy":4,"nested":[]}}]
        "#,
    );
}

/// The simulated disk let an interruption of taking the lock through, which systems do not.
#[test]
fn a_lock_that_is_interrupted_is_taken_all_the_same() {
    passes(
        r#"
        {"seed":621132,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"Sync"}}
        [6,{"Inject":{"kind":{"Refused":["Open","Eintr"]},"part":"Any","nth":1,"times":1}}]
        [4,{"Sql":{"CreateTable":1}}]
        "#,
    );
}

/// The disk was full before the reopen, and the sync that found it out came after it.
#[test]
fn a_full_disk_that_a_sync_finds_out_after_a_reopen_is_a_reason_for_its_error() {
    passes(
        r#"
        {"seed":500871,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"Sync"}}
        [2,"Reopen"]
        [3,{"Inject":{"kind":{"FullLate":20},"part":"Any","nth":1,"times":1}}]
        [2,"Verify"]
        [2,"Reopen"]
        [2,"Flush"]
        "#,
    );
}

/// One copy of a superblock was zeroed, and power was cut while the other one was written: no copy is left to mend it from.
#[test]
fn a_superblock_with_one_copy_rotten_and_one_torn_is_reported() {
    passes(
        r#"
        {"seed":611014,"options":{"cache_bytes":262144,"memtable_bytes":1024,"segment_bytes":65536,"durability":"Sync"}}
        [0,{"CreateKeyspace":0}]
        [0,{"CreateKeyspace":1}]
        [0,{"Sql":{"CreateTable":0}}]
        [0,{"Sql":{"CreateIndex":[0,"A"]}}]
        [0,{"Sql":{"CreateIndex":[0,"B"]}}]
        [0,{"Sql":{"CreateIndex":[0,"V"]}}]
        [1,{"Begin":"Transaction"}]
        [1,{"Commit":"Sync"}]
        [5,{"Inject":{"kind":{"Harm":"ZeroSector"},"part":"Engine","nth":8,"times":1}}]
        [5,{"Crash":{"after":7,"within":3,"last":"Midway","policy":10,"nested":[]}}]
        [2,{"Write":["None",{"space":1,"key":0,"value":{"len":246,"seed":1044341}}]}]
        [4,"Flush"]
        "#,
    );
}

/// Its process was killed between a sync of the log that failed and the note of that: the next one took what the cache
/// showed for durable.
#[test]
fn a_sync_whose_failure_nobody_lived_to_tell_is_made_good() {
    passes(
        r#"
        {"seed":9018599,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"None","page_bytes":8192,"engine":"BTree"}}
        [5,"Step"]
        [6,{"Crash":{"after":1,"within":15,"last":"After","policy":14,"nested":[]}}]
        [6,{"Inject":{"kind":"SyncFull","part":"Log","nth":1,"times":1}}]
        [5,"Reopen"]
        [5,"Step"]
        [5,"Step"]
        [6,{"Crash":{"after":34,"within":9,"last":"After","policy":4,"nested":[[0,0],[1,0]]}}]
        "#,
    );
}

/// The marker that a trim leaves met a full disk, and the kind of its error said that space alone would mend it.
#[test]
fn a_log_that_lacked_space_for_the_marker_of_a_trim_is_opened_again() {
    passes(
        r#"
        {"seed":816788358224,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":1,"durability":"Sync","page_bytes":8192,"engine":"BTree"}}
        [0,{"CreateKeyspace":0}]
        [2,{"Batch":["Sync",[{"space":0,"key":0,"value":{"len":25,"seed":327104}},{"space":0,"key":2,"value":{"len":31329,"seed":144960}}]]}]
        [4,{"Inject":{"kind":"PartialNoSpace","part":"Log","nth":1,"times":2}}]
        [3,"Flush"]
        "#,
    );
}

/// The drop was in the memtable, and never durable.
#[test]
fn a_drop_that_a_failed_log_took_along_is_no_reason_to_refuse_a_write() {
    passes(
        r#"
        {"seed":279075685136,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":1,"durability":"Sync","page_bytes":8192,"engine":"BTree"}}
        [0,{"CreateKeyspace":0}]
        [1,{"Write":["None",{"space":0,"key":1,"value":{"len":2,"seed":1034407}}]}]
        [1,{"Write":["None",{"space":0,"key":1,"value":{"len":33039,"seed":859815}}]}]
        [1,{"Write":["None",{"space":0,"key":2,"value":{"len":27116,"seed":525601}}]}]
        [7,{"Inject":{"kind":"SyncMarkedClean","part":"Any","nth":5,"times":1}}]
        [4,{"DropKeyspace":0}]
        [5,{"Write":["None",{"space":0,"key":0,"value":{"len":6,"seed":445320}}]}]
        "#,
    );
}

/// A step passed over the error of its merge where the log had more to do.
#[test]
fn a_step_says_that_its_merge_met_a_log_that_failed() {
    passes(
        r#"
        {"seed":60059714,"options":{"cache_bytes":262144,"memtable_bytes":4096,"segment_bytes":1,"durability":"None","page_bytes":8192,"engine":"BTree"}}
        [0,{"CreateKeyspace":0}]
        [4,{"Write":["None",{"space":0,"key":0,"value":{"len":1627,"seed":948223}}]}]
        [8,{"Inject":{"kind":{"Refused":["Write","Edquot"]},"part":"Any","nth":2,"times":1}}]
        [6,{"Sql":{"CreateTable":0}}]
        [7,"Step"]
        "#,
    );
}

/// The commit stood; the merge that it began met the log without space, which the next write tells.
#[test]
fn a_merge_that_a_commit_begins_may_leave_a_log_that_failed() {
    passes(
        r#"
        {"seed":100010096,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"None","page_bytes":8192,"engine":"BTree"}}
        [0,{"Sql":{"CreateTable":0}}]
        [7,{"Inject":{"kind":"NoSpace","part":"Log","nth":1,"times":2}}]
        [3,{"Sql":{"CreateIndex":[0,"V"]}}]
        "#,
    );
}

/// The base knew a keyspace, by its codec, that only the log had created, and a repair took the creation back.
#[test]
fn a_keyspace_with_a_codec_is_in_the_base_before_the_base_knows_its_codec() {
    passes(
        r#"
        {"seed":510000347,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":16384,"durability":"Sync","page_bytes":8192,"engine":"BTree"}}
        [0,{"CreateKeyspace":0}]
        [0,{"SetCodec":[0,"Lz4"]}]
        [4,{"Probe":{"kind":"BreakSector","seed":2641972222}}]
        "#,
    );
}

/// What two rows of a bulk insert had in common was first seen in an index that is unique, for they had NULL there; the
/// error was the store's.
#[test]
fn rows_of_one_key_are_told_in_the_words_of_sql_whichever_index_sees_them_first() {
    passes(
        r#"
        {"seed":1,"options":{"cache_bytes":262144,"memtable_bytes":65536,"segment_bytes":65536,"durability":"Sync","page_bytes":8192,"engine":"BTree","transaction_bytes":256}}
        [3,{"Sql":{"CreateTable":0}}]
        [3,{"Sql":{"CreateIndex":[0,"B"]}}]
        [4,{"Sql":{"BulkInsert":[0,[{"id":6,"a":-16,"b":null,"v":[-4,2]},{"id":10,"a":8,"b":null,"v":[-9,3]},{"id":6,"a":-20,"b":null,"v":[8,0]},{"id":7,"a":1,"b":2,"v":[-6,-1]}]]}}]
        "#,
    );
}
