//! A whole database: its manifest, and opening damaged files.

use drystone::Database;
use drystone_base::fuzzing::AnyChecksum;

use super::damage;
use crate::sample;

/// A manifest.
pub fn manifest(data: &[u8]) {
    drystone::fuzzing::check_manifest(data);
}

/// A directory with damaged files, or any bytes in their place: it opens or is refused; where checksums count, what is
/// read is right, or an error; then it is written to, and opened again.
///
/// # Panics
/// When something wrong is read.
pub fn open(data: &[u8]) {
    let (mode, damage) = data.split_first().unwrap_or((&0, &[]));
    let sound = match mode & 2 {
        0 => sample::closed_copy(),
        _ => sample::killed_copy(),
    };
    let any = (mode & 1 == 1).then(AnyChecksum::accept);
    let harmed = damage::harm(&sound, damage);
    let env = damage::env(&harmed);
    let Ok(database) = sample::open(&env) else {
        return;
    };
    read(&database, any.is_none());
    drop(database.verify());
    drop(write(&database));
    drop(database.close());
    if let Ok(database) = sample::open(&env) {
        read_keys(&database, any.is_none());
    }
}

fn read(database: &Database, checksums_count: bool) {
    drop(database.tables());
    drop(database.keyspace_names());
    read_keys(database, checksums_count);
    for query in [
        "SELECT id, half, text, place, doc FROM t",
        "SELECT count(*), sum(half) FROM t WHERE half BETWEEN 3 AND 12",
        "SELECT id FROM t WHERE id = 11",
        "SELECT id FROM t ORDER BY place <-> '[7,1]' LIMIT 4",
    ] {
        if let Ok(rows) = database.query(query, &[]) {
            rows.take(500).for_each(drop);
        }
    }
}

fn read_keys(database: &Database, checksums_count: bool) {
    if let Ok(keyspace) = database.keyspace("k") {
        for (key, value) in keyspace.get_range::<&[u8]>(..).take(500).flatten() {
            let number = key[..].try_into().map(i64::from_be_bytes);
            let is_right = number.is_ok_and(|number| value == sample::value(number));
            assert!(
                is_right || value == "new" || !checksums_count,
                "{key:?}: {value:?}"
            );
        }
    }
}

fn write(database: &Database) -> drystone::Result<()> {
    let insert =
        "INSERT INTO t VALUES (1000, 5, 'new', '[0,0]', 'null') ON CONFLICT (id) DO NOTHING";
    drop(database.execute(insert, &[]));
    drop(database.execute(
        "UPDATE t SET half = half + 1, place = '[3,3]' WHERE id < 9",
        &[],
    ));
    let keyspace = database.keyspace("k")?;
    keyspace.put(77_i64.to_be_bytes().to_vec(), "new")?;
    database.flush()?;
    for _ in 0..100 {
        if !database.step()? {
            break;
        }
    }
    Ok(())
}
