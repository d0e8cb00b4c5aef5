//! The database: its tables, its settings, its version.
//!
//! An operator reads it with `sqlite3 store.db 'SELECT * FROM waiting'`, while it is in use, too.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

/// The version of the tables below, in `PRAGMA user_version`.
pub(super) const VERSION: i64 = 1;

/// Messages and events lie in the order in which they came, over all names: a group of 64 messages of 64 names then changes a
/// page or two, where a table in the order of names would change 64. Which rows are whose, the index in memory knows.
///
/// A text message is stored as TEXT, a binary one as BLOB. Times are microseconds since 1970. The view asks for nothing that a
/// shell of the last years lacks.
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

/// What the tables of the first releases lack. They keep their version: a program of those releases names the columns that it
/// reads and writes, and works with this one as it is.
const SUBSCRIPTION: &str = "ALTER TABLE history ADD COLUMN subscription TEXT";

/// What `file` shows of the database.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"evwr");

/// Beyond this the log is moved into the database, by the commit that passes it: 8 MiB.
const CHECKPOINT_PAGES: u32 = 2048;

/// A log that grew larger, as behind a reader that did not end, is cut to this afterwards.
const LOG_LIMIT: u32 = 64 << 20;

/// Why a database cannot be used.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It is damaged in this way.
    Damaged(String),
    /// It has a schema of the future.
    Newer(i64),
}

/// Opens the file, which must exist, and sets it up for this use. Nothing of it is read yet, apart from its header.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // The writer does not wait for an operator's shell: the batch comes again.
    connection.busy_timeout(Duration::ZERO)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Turns the log on. Commits are written to it whole or not at all, since its frames have checksums; the store syncs it.
pub(super) fn use_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // The log is synced before it is moved, and the database after that. What a commit needs is Store::sync.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT, |_| Ok(()))
}

/// Creates the tables in an empty database, and looks for damage in any other.
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

/// Adds what tables of an earlier release lack.
fn complete(connection: &Connection) -> rusqlite::Result<()> {
    match has_subscription(connection)? {
        true => Ok(()),
        false => connection.execute_batch(SUBSCRIPTION),
    }
}

/// Whether the history says which subscription a message was routed to.
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
