//! Messages that wait on disk while the servers cannot take them.

mod damage;
mod segment;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use everwire::ConnectionName;
use rusqlite::{Connection, OptionalExtension, Statement, Transaction, params};

use self::segment::Segment;
pub use self::segment::room;
use crate::lanes::{Entry, Place};

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the spool {path} cannot be used: {source}")]
pub struct SpoolError {
    path: String,
    source: rusqlite::Error,
}

/// Messages on disk, in the order of each name.
///
/// A row has many messages of one name. It is deleted when all of them are in the stream. Until then
/// the table `forgotten` has the place of the last one that is.
#[derive(Debug)]
pub struct Spool {
    db: Connection,
    path: String,
    /// The size of its rows in bytes.
    bytes: u64,
    /// The number of messages that are not forgotten.
    messages: u64,
    limit: u64,
}

/// What was loaded.
#[derive(Debug)]
pub enum Loaded {
    /// Messages in their order; none if none is left.
    Messages(Vec<Entry>),
    /// So many messages of the next row could not be read, and are deleted.
    Lost(u64, SpoolError),
}

/// A row that cannot be read.
struct Row {
    id: i64,
    /// How many messages it has that are not forgotten.
    messages: u64,
    room: u64,
}

/// Large pages, since rows are large. The cache need not hold more than the ends of the tables. The log
/// is copied into the file each 4 MiB, so that a small disk holds both.
const SCHEMA: &str = "
    PRAGMA page_size = 16384;
    PRAGMA cache_size = -8192;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA wal_autocheckpoint = 256;
    PRAGMA synchronous = NORMAL;
    PRAGMA user_version = 2;
    CREATE TABLE IF NOT EXISTS segments (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        last_epoch INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        room INTEGER NOT NULL,
        content BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS places ON segments (name, last_epoch, last_seq, messages, room);
    CREATE TABLE IF NOT EXISTS forgotten (
        name TEXT NOT NULL PRIMARY KEY,
        epoch INTEGER NOT NULL,
        seq INTEGER NOT NULL
    ) WITHOUT ROWID;";

/// How many messages, or bytes, are loaded at once, with the rest of their row.
const CHUNK: usize = 1024;
const CHUNK_BYTES: usize = 256 << 10;

impl Spool {
    /// Opens the spool in a folder, which must exist. It belongs to this process alone.
    ///
    /// A damaged spool is set aside, and a new one is created: a file must not keep connections
    /// from coming up. Also returns the path of the damaged one.
    pub fn open(folder: &Path, limit: u64) -> Result<(Self, Option<PathBuf>), SpoolError> {
        let path = folder.join("nats-spool.sqlite3");
        match Self::read(&path, limit) {
            Err(error) if damage::is_damage(&error.source) => {
                let aside = damage::put_aside(&path).ok_or(error)?;
                Ok((Self::read(&path, limit)?, Some(aside)))
            }
            opened => Ok((opened?, None)),
        }
    }

    fn read(path: &Path, limit: u64) -> Result<Self, SpoolError> {
        let text = path.display().to_string();
        let open = || {
            let db = Connection::open(path)?;
            db.busy_timeout(Duration::from_secs(2))?;
            match db.query_row("PRAGMA user_version", [], |row| row.get(0))? {
                0 | 2 => {}
                other => return Err(damage::other_version(other)),
            }
            db.execute_batch(SCHEMA)?;
            let total = "SELECT coalesce(sum(messages), 0), coalesce(sum(room), 0) FROM segments";
            let (messages, bytes) = db.query_row(total, [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })?;
            Ok((db, messages.unsigned_abs(), bytes.unsigned_abs()))
        };
        let (db, messages, bytes) = match open() {
            Ok(opened) => opened,
            Err(source) => return Err(SpoolError { path: text, source }),
        };
        let mut spool = Self {
            db,
            path: text,
            bytes,
            messages,
            limit,
        };
        let gone: u64 = spool.half_forgotten()?.values().sum();
        spool.messages = messages.saturating_sub(gone);
        Ok(spool)
    }

    /// For each name: how many messages of its first row are already in the stream.
    fn half_forgotten(&self) -> Result<HashMap<String, u64>, SpoolError> {
        let read = || {
            let mut names = self.db.prepare("SELECT name, epoch, seq FROM forgotten")?;
            let mut first = self.db.prepare(
                "SELECT content FROM segments WHERE name = ?1 ORDER BY last_epoch, last_seq LIMIT 1",
            )?;
            let mut all = HashMap::new();
            let mut names = names.query([])?;
            while let Some(row) = names.next()? {
                let (name, through) = (row.get::<_, String>(0)?, place(row.get(1)?, row.get(2)?));
                let content = first.query_row([&name], |row| row.get::<_, Vec<u8>>(0));
                let Some(content) = content.optional()? else {
                    continue;
                };
                let entries = segment::read(&content).flatten();
                let count = entries.take_while(|entry| entry.place <= through).count();
                all.insert(name, count as u64);
            }
            Ok(all)
        };
        read().map_err(|source| self.error(source))
    }

    /// The number of messages.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// The size of its rows in bytes. A row that is partly forgotten counts in full.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it has space for so many more bytes.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.bytes.saturating_add(bytes) <= self.limit
    }

    /// For each name: how many messages an earlier process left, and the place of the last one.
    pub fn names(&self) -> Result<Vec<(ConnectionName, u64, Place)>, SpoolError> {
        let gone = self.half_forgotten()?;
        let read = || {
            let mut rows = self
                .db
                .prepare("SELECT name, sum(messages) FROM segments GROUP BY name ORDER BY name")?;
            let mut last = self.db.prepare(
                "SELECT last_epoch, last_seq FROM segments WHERE name = ?1
                 ORDER BY last_epoch DESC, last_seq DESC LIMIT 1",
            )?;
            let rows = rows.query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
            })?;
            let mut all = Vec::new();
            for row in rows {
                let (name, count) = row?;
                let last = last.query_row([&name], |row| Ok(place(row.get(0)?, row.get(1)?)))?;
                let count = count.unsigned_abs();
                let count = count.saturating_sub(gone.get(&name).copied().unwrap_or(0));
                all.push((name, count, last));
            }
            Ok(all)
        };
        let names = read().map_err(|source| self.error(source))?;
        let known = |(name, count, last): (String, u64, Place)| {
            Some((ConnectionName::new(name).ok()?, count, last))
        };
        Ok(names.into_iter().filter_map(known).collect())
    }

    /// Writes messages: all or none.
    pub fn put(&mut self, entries: &[(ConnectionName, Entry)]) -> Result<(), SpoolError> {
        let mut bytes = 0;
        let result = (|| {
            let transaction = self.db.transaction()?;
            {
                let mut insert = insert(&transaction)?;
                let mut growing: HashMap<&ConnectionName, Segment> = HashMap::new();
                for (name, entry) in entries {
                    match growing.get_mut(name) {
                        Some(segment) if segment.takes(entry) => segment.push(entry),
                        Some(segment) => {
                            let full = std::mem::replace(segment, Segment::new(entry));
                            bytes += write(&mut insert, name, &full)?;
                        }
                        None => {
                            growing.insert(name, Segment::new(entry));
                        }
                    }
                }
                for (name, segment) in growing {
                    bytes += write(&mut insert, name, &segment)?;
                }
            }
            transaction.commit()
        })();
        result.map_err(|source| self.error(source))?;
        self.bytes += bytes;
        self.messages += entries.len() as u64;
        Ok(())
    }

    /// The next messages of a name after a place, in order; `None`: after the forgotten ones.
    ///
    /// A row that cannot be read is deleted: otherwise nothing behind it would ever be published.
    pub fn load(
        &mut self,
        name: &ConnectionName,
        behind: Option<Place>,
    ) -> Result<Loaded, SpoolError> {
        let read = self.read_rows(name.as_ref(), behind);
        let (entries, lost) = read.map_err(|source| self.error(source))?;
        let Some(row) = lost.filter(|_| entries.is_empty()) else {
            return Ok(Loaded::Messages(entries));
        };
        let deleted = self
            .db
            .execute("DELETE FROM segments WHERE id = ?1", [row.id]);
        deleted.map_err(|source| self.error(source))?;
        self.bytes = self.bytes.saturating_sub(row.room);
        self.messages = self.messages.saturating_sub(row.messages);
        let error = self.error(damage::unreadable(name.as_ref()));
        Ok(Loaded::Lost(row.messages, error))
    }

    /// The messages of the next rows, and the row that cannot be read behind them.
    fn read_rows(
        &self,
        name: &str,
        behind: Option<Place>,
    ) -> rusqlite::Result<(Vec<Entry>, Option<Row>)> {
        let behind = match behind {
            Some(behind) => Some(behind),
            None => self.forgotten(name)?,
        };
        let behind = behind.unwrap_or(Place { epoch: 0, seq: 0 });
        let mut select = self.db.prepare_cached(
            "SELECT content, id, messages, room FROM segments
             WHERE name = ?1 AND (last_epoch, last_seq) > (?2, ?3) ORDER BY last_epoch, last_seq",
        )?;
        let mut rows = select.query(params![name, behind.epoch, signed(behind.seq)])?;
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < CHUNK_BYTES
            && entries.len() < CHUNK
            && let Some(row) = rows.next()?
        {
            let (before, mut gone) = (entries.len(), 0);
            for entry in segment::read(row.get_ref(0)?.as_blob()?) {
                let Some(entry) = entry else {
                    entries.truncate(before);
                    let messages = row.get::<_, i64>(2)?.unsigned_abs();
                    let row = Row {
                        id: row.get(1)?,
                        messages: messages.saturating_sub(gone),
                        room: row.get::<_, i64>(3)?.unsigned_abs(),
                    };
                    return Ok((entries, Some(row)));
                };
                if entry.place > behind {
                    bytes += entry.cost();
                    entries.push(entry);
                } else {
                    gone += 1;
                }
            }
        }
        Ok((entries, None))
    }

    fn forgotten(&self, name: &str) -> rusqlite::Result<Option<Place>> {
        let mut select = self
            .db
            .prepare_cached("SELECT epoch, seq FROM forgotten WHERE name = ?1")?;
        let row = select.query_row([name], |row| Ok(place(row.get(0)?, row.get(1)?)));
        row.optional()
    }

    /// Forgets messages of names up to a place, which are in the stream, and how many those are: all
    /// or none.
    pub fn forget<'a>(
        &mut self,
        names: impl Iterator<Item = (&'a ConnectionName, Place, u64)>,
    ) -> Result<(), SpoolError> {
        let (mut bytes, mut messages) = (0, 0);
        let result = (|| {
            let transaction = self.db.transaction()?;
            for (name, through, count) in names {
                bytes += forget(&transaction, name.as_ref(), through)?;
                messages += count;
            }
            transaction.commit()
        })();
        result.map_err(|source| self.error(source))?;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.messages = self.messages.saturating_sub(messages);
        Ok(())
    }

    /// Returns free space to the disk.
    pub fn shrink(&self) {
        // Remaining space is reused by the next messages.
        let _given_back = self
            .db
            .execute_batch("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);");
    }

    fn error(&self, source: rusqlite::Error) -> SpoolError {
        SpoolError {
            path: self.path.clone(),
            source,
        }
    }
}

fn insert<'a>(transaction: &'a Transaction<'_>) -> rusqlite::Result<rusqlite::CachedStatement<'a>> {
    transaction.prepare_cached(
        "INSERT INTO segments (name, last_epoch, last_seq, messages, room, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
}

/// Writes a row. Returns its size.
fn write(
    insert: &mut Statement<'_>,
    name: &ConnectionName,
    segment: &Segment,
) -> rusqlite::Result<u64> {
    let name: &str = name.as_ref();
    // The name stands in the row and in its index, with some numbers.
    let room = segment.bytes().len() + 2 * (name.len() + 32);
    let last = segment.last();
    insert.execute(params![
        name,
        last.epoch,
        signed(last.seq),
        segment.messages(),
        signed(room as u64),
        segment.bytes(),
    ])?;
    Ok(room as u64)
}

/// Deletes the rows of a name that end at a place or before. Returns their size.
fn forget(transaction: &Transaction<'_>, name: &str, through: Place) -> rusqlite::Result<u64> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM segments WHERE name = ?1 AND (last_epoch, last_seq) <= (?2, ?3) RETURNING room",
    )?;
    let through = (through.epoch, signed(through.seq));
    let mut rows = delete.query(params![name, through.0, through.1])?;
    let mut room = 0;
    while let Some(row) = rows.next()? {
        room += row.get::<_, i64>(0)?.unsigned_abs();
    }
    let mut left = transaction.prepare_cached("SELECT 1 FROM segments WHERE name = ?1 LIMIT 1")?;
    if left.exists([name])? {
        let mut note =
            transaction.prepare_cached("INSERT OR REPLACE INTO forgotten VALUES (?1, ?2, ?3)")?;
        note.execute(params![name, through.0, through.1])?;
    } else {
        let mut note = transaction.prepare_cached("DELETE FROM forgotten WHERE name = ?1")?;
        note.execute([name])?;
    }
    Ok(room)
}

/// SQLite has only signed numbers. No name counts that far.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn place(epoch: u32, seq: i64) -> Place {
    Place {
        epoch,
        seq: seq.unsigned_abs(),
    }
}
