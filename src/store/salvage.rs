//! Repairs a damaged database: copies the readable part into a new one, and sets the damaged files
//! aside.
//!
//! The new database is built beside the old one and replaces it at the end. So an interruption at
//! any point loses nothing: the next start begins again, or finishes the rest.

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

/// The columns of the history in the first releases, for databases that were not opened since.
const HISTORY: &str = "position, name, epoch, seq, at, payload";

/// Table, columns, and the order of its rows.
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

/// Replaces the damaged database with one that holds its readable part.
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

/// Finishes or removes the leftovers of an interrupted [`rebuild`].
pub(super) fn finish_interrupted(directory: &Directory) -> Result<(), StoreError> {
    let (database, rebuilt) = (directory.database(), directory.rebuilt());
    if !exists(&rebuilt)? {
        return Ok(());
    }
    if exists(&database)? {
        return remove(&rebuilt);
    }
    // A log without its database must not meet another database.
    set_aside(directory, "damaged")?;
    install(directory, &rebuilt)
}

/// The content of a copy.
pub(super) struct Copied {
    /// How many messages of outboxes were copied.
    pub(super) saved: u64,
    /// Whether all rows could be read, and belong to a name.
    pub(super) complete: bool,
}

/// Copies the readable part of the damaged database into an empty file.
fn copy_damaged(directory: &Directory, to: &Path) -> rusqlite::Result<Copied> {
    let Ok(from) = schema::connect(&directory.database()) else {
        return copy(None, to);
    };
    // The damaged database is evidence: its log is not moved into it.
    from.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // A truncated file is read as far as it goes.
    from.pragma_update(None, "writable_schema", true)?;
    copy(Some(&from), to)
}

/// Copies the readable part of a database into an empty file; `None` if nothing can be read.
pub(super) fn copy(from: Option<&Connection>, to: &Path) -> rusqlite::Result<Copied> {
    let mut to = schema::connect(to)?;
    // The file is empty: this creates the tables.
    let _fit = schema::check(&mut to)?;
    let transaction = to.transaction()?;
    let mut complete = from.is_some();
    for table in TABLES {
        if let Some(from) = from {
            complete &= copy_table(from, &transaction, table)?;
        }
    }
    // Rows of unsaved names would otherwise belong to the next name that gets their number.
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

/// Copies from the front until a row cannot be read, then from the back. So the rows on a broken
/// page are left out. Returns whether nothing was left out.
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

/// Whether the history has all of these columns. Also `true` if that cannot be read.
fn has_all(from: &Connection, columns: &str) -> bool {
    let select = |columns: &str| format!("SELECT {columns} FROM history LIMIT 0");
    from.prepare(&select(columns)).is_ok() || from.prepare(&select(HISTORY)).is_err()
}

/// Copies until the end or until a row cannot be read. Returns whether it reached the end and all
/// rows fitted the table.
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

/// Moves the files of the database into a directory of their own. Its name says why.
pub(super) fn set_aside(directory: &Directory, why: &str) -> Result<PathBuf, StoreError> {
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%S.%6fZ");
    let aside = directory.path().join(format!("{why}-{now}"));
    fs::create_dir(&aside).map_err(|error| StoreError::unusable(&aside, error))?;
    // The database is first: as long as it is at its path, it is not replaced.
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

/// Makes this file the database.
pub(super) fn install(directory: &Directory, file: &Path) -> Result<(), StoreError> {
    fs::rename(file, directory.database()).map_err(|error| StoreError::unusable(file, error))?;
    directory.sync()
}

pub(super) fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists()
        .map_err(|error| StoreError::unusable(path, error))
}

/// Removes a database, if it exists.
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
