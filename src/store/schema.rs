//! The database: its tables, settings and version.
//!
//! An operator can read it with `sqlite3 store.db 'SELECT * FROM waiting'`, also while it is in
//! use.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

/// The version of the tables below, stored in `PRAGMA user_version`.
pub(super) const VERSION: i64 = 1;

/// Messages and events of all names are stored in the order of their arrival. A group of 64
/// messages of 64 names then changes a page or two; a table in the order of names would change 64
/// pages. The index in memory knows which rows belong to which name.
///
/// A text message is stored as TEXT, a binary one as BLOB. Times are microseconds since 1970. The
/// view works in old versions of the SQLite shell.
const TABLES: &str = "
    CREATE TABLE names (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        epoch INTEGER NOT NULL DEFAULT 0,
        closed_by_hand INTEGER NOT NULL DEFAULT 0,
        last_id INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE outbox (
        position INTEGER PRIMARY KEY,
        name INTEGER NOT NULL,
        id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        expires_at INTEGER,
        payload ANY NOT NULL
    ) STRICT;
    CREATE TABLE history (
        position INTEGER PRIMARY KEY,
        name INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        payload ANY NOT NULL,
        subscription TEXT
    ) STRICT;
    CREATE TABLE kept (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE VIEW waiting AS
        SELECT names.name, outbox.id,
            strftime('%Y-%m-%d %H:%M:%f', outbox.at / 1e6, 'unixepoch') AS at,
            strftime('%Y-%m-%d %H:%M:%f', outbox.expires_at / 1e6, 'unixepoch') AS expires_at,
            length(CAST(payload AS BLOB)) AS bytes, payload
        FROM outbox JOIN names ON names.id = outbox.name ORDER BY outbox.position;
";

/// The column that the tables of the first releases lack. The version stays the same: programs of
/// those releases name the columns that they use, so they work with this table.
const SUBSCRIPTION: &str = "ALTER TABLE history ADD COLUMN subscription TEXT";

/// The application id that `file` shows.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"evwr");

/// With more log than this, a commit moves the log into the database: 8 MiB.
const CHECKPOINT_PAGES: u32 = 2048;

/// A log that grew beyond this, for example because of a long-running reader, is truncated to this
/// size afterwards.
const LOG_LIMIT: u32 = 64 << 20;

/// Why a database cannot be used.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It is damaged, with a description.
    Damaged(String),
    /// Its schema is from a later version.
    Newer(i64),
}

/// Opens the file, which must exist, and configures the connection. Reads only the header.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // The writer does not wait for an operator's shell: the batch is committed again later.
    connection.busy_timeout(Duration::ZERO)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Switches to WAL mode. The frames of the log have checksums, so a commit is applied whole or not
/// at all. The store syncs the log.
pub(super) fn use_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // SQLite syncs the log before a checkpoint, and the database after it. Store::sync makes
    // commits durable.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT, |_| Ok(()))
}

/// Creates the tables in an empty database, and checks any other for damage.
pub(super) fn check(connection: &mut Connection) -> rusqlite::Result<Result<(), Unfit>> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 if is_empty(connection)? => create(connection).map(Ok),
        VERSION => match quick_check(connection)? {
            Ok(()) => complete(connection).map(Ok),
            unfit => Ok(unfit),
        },
        newer if newer > VERSION => Ok(Err(Unfit::Newer(newer))),
        unknown => Ok(Err(Unfit::Damaged(format!("there is no schema {unknown}")))),
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Adds what the tables of an earlier release lack.
fn complete(connection: &Connection) -> rusqlite::Result<()> {
    match has_subscription(connection)? {
        true => Ok(()),
        false => connection.execute_batch(SUBSCRIPTION),
    }
}

/// Whether the history has the column for the subscription of a message.
fn has_subscription(connection: &Connection) -> rusqlite::Result<bool> {
    let columns =
        "SELECT count(*) > 0 FROM pragma_table_info('history') WHERE name = 'subscription'";
    connection.query_row(columns, [], |row| row.get(0))
}

fn quick_check(connection: &Connection) -> rusqlite::Result<Result<(), Unfit>> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(Unfit::Damaged(verdict)),
    })
}
