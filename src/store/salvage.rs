//! A damaged database: what can be read of it goes into a new one, and its files are set aside.
//!
//! The new one is built beside it and takes its place at the end, so that an interruption at any point loses nothing: the next
//! start begins again, or completes what is left to do.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::{Connection, Statement, config::DbConfig, params_from_iter, types::Value};

use super::{
    Damage, StoreError,
    directory::{Directory, beside, private_file},
    error::is_misfit,
    schema,
};

/// What of the history there is in tables of the first releases, which nobody has opened since.
const HISTORY: &str = "position, name, epoch, seq, at, payload";

/// Table, columns, and the order in which its rows lie.
const TABLES: [(&str, &str, &str, &str); 4] = [
    (
        "names",
        "id, name, epoch, closed_by_hand, last_id",
        "id",
        "id DESC",
    ),
    (
        "kept",
        "kind, key, value",
        "kind, key",
        "kind DESC, key DESC",
    ),
    (
        "outbox",
        "position, name, id, at, expires_at, payload",
        "position",
        "position DESC",
    ),
    (
        "history",
        "position, name, epoch, seq, at, payload, subscription",
        "position",
        "position DESC",
    ),
];

/// Puts a database in the place of the damaged one that holds what can be read of it.
pub(super) fn rebuild(directory: &Directory, reason: String) -> Result<Damage, StoreError> {
    let rebuilt = directory.rebuilt();
    private_file(&rebuilt).map_err(|error| StoreError::unusable(&rebuilt, error))?;
    let Copied { saved, complete } = copy_damaged(directory, &rebuilt)
        .map_err(|error| StoreError::from_sqlite(rebuilt.clone(), error))?;
    let moved_to = set_aside(directory, "damaged")?;
    install(directory, &rebuilt)?;
    Ok(Damage {
        reason,
        moved_to,
        saved,
        complete,
    })
}

/// Completes, or throws away, what an interrupted [`rebuild`] has left.
pub(super) fn finish_interrupted(directory: &Directory) -> Result<(), StoreError> {
    let (database, rebuilt) = (directory.database(), directory.rebuilt());
    if !exists(&rebuilt)? {
        return Ok(());
    }
    if exists(&database)? {
        return remove(&rebuilt);
    }
    // A log without its database must not meet another one.
    set_aside(directory, "damaged")?;
    install(directory, &rebuilt)
}

/// What a copy holds.
pub(super) struct Copied {
    /// How many messages of outboxes.
    pub(super) saved: u64,
    /// Whether all rows could be read, and belong to a name.
    pub(super) complete: bool,
}

/// Copies what can be read of the damaged database into an empty file.
fn copy_damaged(directory: &Directory, to: &Path) -> rusqlite::Result<Copied> {
    let Ok(from) = schema::connect(&directory.database()) else {
        return copy(None, to);
    };
    // It is evidence: nothing is moved from its log into it.
    from.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // One that was cut short is read as far as it goes.
    from.pragma_update(None, "writable_schema", true)?;
    copy(Some(&from), to)
}

/// Copies what can be read of a database into an empty file; `None`: nothing can.
pub(super) fn copy(from: Option<&Connection>, to: &Path) -> rusqlite::Result<Copied> {
    let mut to = schema::connect(to)?;
    // It is empty: the tables are created.
    let _fit = schema::check(&mut to)?;
    let transaction = to.transaction()?;
    let mut complete = from.is_some();
    for table in TABLES {
        if let Some(from) = from {
            complete &= copy_table(from, &transaction, table)?;
        }
    }
    // Rows of names that were not saved would belong to whoever gets that row next.
    let lost = transaction.execute(
        "DELETE FROM outbox WHERE name NOT IN (SELECT id FROM names)",
        [],
    )? + transaction.execute(
        "DELETE FROM history WHERE name NOT IN (SELECT id FROM names)",
        [],
    )?;
    let saved = transaction.query_row("SELECT count(*) FROM outbox", [], |row| {
        row.get::<_, i64>(0)
    })?;
    transaction.commit()?;
    to.close().map_err(|(_, error)| error)?;
    Ok(Copied {
        saved: saved.cast_unsigned(),
        complete: complete && lost == 0,
    })
}

/// Copies from the front as far as it can be read, then from the back: what lies on a broken page is left out. Whether there
/// was nothing to leave out.
fn copy_table(
    from: &Connection,
    to: &Connection,
    (table, columns, forth, back): (&str, &str, &str, &str),
) -> rusqlite::Result<bool> {
    let columns = match table {
        "history" if !has_all(from, columns) => HISTORY,
        _ => columns,
    };
    let marks = vec!["?"; columns.split(',').count()].join(", ");
    let insert = format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})");
    let mut insert = to.prepare(&insert)?;
    let select = |order| format!("SELECT {columns} FROM {table} ORDER BY {order}");
    let complete = copy_rows(from, &select(forth), &mut insert)?;
    if !complete {
        copy_rows(from, &select(back), &mut insert)?;
    }
    Ok(complete)
}

/// Whether the history has all of these columns, or cannot even say.
fn has_all(from: &Connection, columns: &str) -> bool {
    let select = |columns: &str| format!("SELECT {columns} FROM history LIMIT 0");
    from.prepare(&select(columns)).is_ok() || from.prepare(&select(HISTORY)).is_err()
}

/// Copies until the end, or until a row cannot be read. Whether that was the end, and each row one of its table.
fn copy_rows(
    from: &Connection,
    select: &str,
    insert: &mut Statement<'_>,
) -> rusqlite::Result<bool> {
    let Ok(mut select) = from.prepare(select) else {
        return Ok(false);
    };
    let width = select.column_count();
    let Ok(mut rows) = select.query([]) else {
        return Ok(false);
    };
    let mut complete = true;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(complete),
            Err(_unreadable) => return Ok(false),
        };
        let values: Result<Vec<Value>, _> = (0..width).map(|column| row.get(column)).collect();
        match values.map(|values| insert.execute(params_from_iter(values))) {
            Ok(Err(error)) if !is_misfit(&error) => return Err(error),
            Ok(Ok(_)) => {}
            Ok(Err(_misfit)) | Err(_misfit) => complete = false,
        }
    }
}

/// Moves the files of the database into a directory of their own, whose name says why.
pub(super) fn set_aside(directory: &Directory, why: &str) -> Result<PathBuf, StoreError> {
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%S.%6fZ");
    let aside = directory.path().join(format!("{why}-{now}"));
    fs::create_dir(&aside).map_err(|error| StoreError::unusable(&aside, error))?;
    // The database first: as long as it is there, it is not replaced.
    for ending in ["", "-wal", "-shm"] {
        let path = beside(&directory.database(), ending);
        let Some(name) = path.file_name() else {
            continue;
        };
        match fs::rename(&path, aside.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::unusable(&path, error));
            }
            Err(_) | Ok(()) => {}
        }
    }
    Ok(aside)
}

/// Has this file be the database.
pub(super) fn install(directory: &Directory, file: &Path) -> Result<(), StoreError> {
    fs::rename(file, directory.database()).map_err(|error| StoreError::unusable(file, error))?;
    directory.sync()
}

pub(super) fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists()
        .map_err(|error| StoreError::unusable(path, error))
}

/// Removes a database, if it is there.
pub(super) fn remove(database: &Path) -> Result<(), StoreError> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let path = beside(database, ending);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::unusable(&path, error));
            }
            Err(_) | Ok(()) => {}
        }
    }
    Ok(())
}
