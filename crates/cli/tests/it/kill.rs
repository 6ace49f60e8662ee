//! The real program is killed while it writes: every acknowledged commit is there, none is there in part, and indexes
//! agree with their tables.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use drystone::{Database, Value};
use drystone_testkit::{Draw, seed_of};

const KILLS: u64 = 40;
/// The longest that the program lives, in milliseconds.
const LIFE_MILLIS_MAX: u64 = 120;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS entries (id BIGINT PRIMARY KEY, mirror BIGINT NOT NULL, text TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS entries_mirror ON entries (mirror);
    CREATE TABLE IF NOT EXISTS totals (id BIGINT PRIMARY KEY, total BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS places (id BIGINT PRIMARY KEY, place VECTOR(3) NOT NULL);
    CREATE INDEX IF NOT EXISTS places_place ON places USING hnsw (place) WITH (metric = 'l2');
    INSERT INTO totals VALUES (1, 0) ON CONFLICT DO NOTHING;
";

/// One commit that touches three tables and two indexes.
fn transaction(id: u64) -> String {
    format!(
        "BEGIN;
         INSERT INTO entries VALUES ({id}, -{id}, 'entry {id}');
         UPDATE totals SET total = total + {id} WHERE id = 1;
         INSERT INTO places VALUES ({id}, '[{id}, 0, {}]');
         COMMIT;
         SELECT 'acknowledged', {id};\n",
        id % 7
    )
}

#[test]
fn no_acknowledged_commit_is_lost_when_the_program_is_killed() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("db");
    let mut draw = Draw::new(seed_of(
        "no_acknowledged_commit_is_lost_when_the_program_is_killed",
    ));
    let mut committed = 0;
    let mut progress = 0;
    for kill in 0..KILLS {
        let life = Duration::from_millis(draw.below(LIFE_MILLIS_MAX));
        let acknowledged = write_until_killed(&path, committed + 1, life);
        let found = check(&path);
        assert!(
            found >= acknowledged.max(committed),
            "kill {kill}: {acknowledged} was acknowledged, {committed} found before, {found} now"
        );
        progress += u64::from(found > committed);
        committed = found;
    }
    assert!(
        progress > KILLS / 4,
        "only {progress} of {KILLS} lives committed anything"
    );
}

/// Runs the program, feeds it transactions from number `first` on, and kills it after `life`. The last transaction that
/// it acknowledged; 0 for none.
fn write_until_killed(path: &Path, first: u64, life: Duration) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_drystone"))
        .args(["--mode", "csv", "shell"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || feed(stdin, first));
    let reader = watch(&mut child, Arc::clone(&acknowledged));
    // Life counts from the first acknowledgement, or else a slow start would leave nothing to kill. A machine may be busy.
    for _ in 0..60_000 {
        if acknowledged.load(Ordering::Acquire) > 0 {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    writer.join().unwrap();
    reader.join().unwrap();
    acknowledged.load(Ordering::Acquire)
}

/// Writes transactions until nobody reads them.
fn feed(mut stdin: ChildStdin, first: u64) {
    let mut text = SCHEMA.to_owned();
    for id in first.. {
        text.push_str(&transaction(id));
        if stdin.write_all(text.as_bytes()).is_err() {
            return;
        }
        text.clear();
    }
}

fn watch(child: &mut Child, acknowledged: Arc<AtomicU64>) -> thread::JoinHandle<()> {
    let stdout = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || {
        for line in stdout.lines() {
            // A line that was cut short by the kill acknowledges nothing that the next check could hold against us.
            let Ok(line) = line else { return };
            if let Some(id) = line
                .strip_prefix("acknowledged,")
                .and_then(|id| id.parse().ok())
            {
                acknowledged.fetch_max(id, Ordering::AcqRel);
            }
        }
    })
}

/// Opens what the kill left and checks all of it; the number of transactions that are there.
fn check(path: &Path) -> u64 {
    let db = Database::open(path).unwrap();
    let one = |sql: &str| -> i64 { db.query(sql, &[]).unwrap().one().unwrap().get(0).unwrap() };
    let count = one("SELECT count(*) FROM entries");
    assert_eq!(
        one("SELECT coalesce(max(id), 0) FROM entries"),
        count,
        "entries are not 1 to their count"
    );
    assert_eq!(
        one("SELECT coalesce(sum(total), 0) FROM totals"),
        count * (count + 1) / 2
    );
    assert_eq!(
        one("SELECT count(*) FROM entries WHERE mirror BETWEEN -1000000000 AND 0"),
        count
    );
    assert_eq!(one("SELECT count(*) FROM places"), count);
    if count > 0 {
        let place = Value::from(format!("[{count}, 0, {}]", count % 7));
        let nearest = db
            .query(
                "SELECT id FROM places ORDER BY place <-> $1 LIMIT 1",
                &[place],
            )
            .unwrap();
        assert_eq!(nearest.one().unwrap().get::<i64>(0).unwrap(), count);
    }
    let report = db.verify().unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    db.close().unwrap();
    u64::try_from(count).unwrap()
}
