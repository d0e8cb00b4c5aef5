//! Messages that wait on disk while the servers cannot take them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use everwire::{ConnectionName, Message};
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, Row, params};

use crate::lanes::{Entry, Place};

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the spool {path} cannot be used: {source}")]
pub struct SpoolError {
    path: String,
    source: rusqlite::Error,
}

/// Messages on disk, in the order of each name.
#[derive(Debug)]
pub struct Spool {
    db: Connection,
    path: String,
    /// The total size of its messages in bytes.
    bytes: u64,
    messages: u64,
    limit: u64,
}

const SCHEMA: &str = "
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA user_version = 1;
    CREATE TABLE IF NOT EXISTS messages (
        name TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        previous_epoch INTEGER,
        previous_seq INTEGER,
        gap INTEGER NOT NULL,
        at TEXT NOT NULL,
        cursor TEXT NOT NULL,
        subscription TEXT,
        is_text INTEGER NOT NULL,
        payload BLOB NOT NULL,
        cost INTEGER NOT NULL,
        PRIMARY KEY (name, epoch, seq)
    ) WITHOUT ROWID;";

/// How many messages, or bytes, are loaded at once.
const CHUNK: usize = 256;
const CHUNK_BYTES: usize = 256 << 10;

impl Spool {
    /// Opens the spool in a folder, which must exist. It belongs to this process alone.
    ///
    /// A damaged spool is set aside, and a new one is created: a file must not keep connections
    /// from coming up. Also returns the path of the damaged one.
    pub fn open(folder: &Path, limit: u64) -> Result<(Self, Option<PathBuf>), SpoolError> {
        let path = folder.join("nats-spool.sqlite3");
        match Self::read(&path, limit) {
            Err(error) if is_damage(&error.source) => {
                let aside = put_aside(&path).ok_or(error)?;
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
            db.execute_batch(SCHEMA)?;
            let total = "SELECT count(*), coalesce(sum(cost), 0) FROM messages";
            let (messages, bytes) = db.query_row(total, [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })?;
            Ok((db, messages.unsigned_abs(), bytes.unsigned_abs()))
        };
        match open() {
            Ok((db, messages, bytes)) => Ok(Self {
                db,
                path: text,
                bytes,
                messages,
                limit,
            }),
            Err(source) => Err(SpoolError { path: text, source }),
        }
    }

    /// The number of messages.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// The size of its messages in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it has space for so many more bytes.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.bytes.saturating_add(bytes) <= self.limit
    }

    /// For each name: how many messages an earlier process left, and the place of the last one.
    pub fn names(&self) -> Result<Vec<(ConnectionName, u64, Place)>, SpoolError> {
        let read = || {
            let mut rows = self.db.prepare(
                "SELECT name, count(*), max(epoch), (SELECT max(seq) FROM messages AS last
                 WHERE last.name = messages.name AND last.epoch = max(messages.epoch))
                 FROM messages GROUP BY name",
            )?;
            let rows = rows.query_map([], |row| {
                let last = Place {
                    epoch: row.get(2)?,
                    seq: row.get::<_, i64>(3)?.unsigned_abs(),
                };
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, last))
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        let names = read().map_err(|source| self.error(source))?;
        let known = |(name, count, last): (String, i64, Place)| {
            Some((ConnectionName::new(name).ok()?, count.unsigned_abs(), last))
        };
        Ok(names.into_iter().filter_map(known).collect())
    }

    /// Writes messages: all or none.
    pub fn put(&mut self, entries: &[(ConnectionName, Entry)]) -> Result<(), SpoolError> {
        let (mut bytes, mut messages) = (0, 0);
        let result = (|| {
            let transaction = self.db.transaction()?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO messages VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
                )?;
                for (name, entry) in entries {
                    let previous = entry.previous;
                    insert.execute(params![
                        AsRef::<str>::as_ref(name),
                        entry.place.epoch,
                        signed(entry.place.seq),
                        previous.map(|place| place.epoch),
                        previous.map(|place| signed(place.seq)),
                        signed(entry.gap),
                        entry.at.to_string(),
                        &*entry.cursor,
                        entry.subscription.as_deref(),
                        entry.message.as_text().is_some(),
                        &entry.message.payload()[..],
                        signed(entry.cost() as u64),
                    ])?;
                    bytes += entry.cost() as u64;
                    messages += 1;
                }
            }
            transaction.commit()
        })();
        result.map_err(|source| self.error(source))?;
        self.bytes += bytes;
        self.messages += messages;
        Ok(())
    }

    /// The next messages of a name after a place, in order.
    pub fn load(
        &self,
        name: &ConnectionName,
        behind: Option<Place>,
    ) -> Result<Vec<Entry>, SpoolError> {
        let behind = behind.unwrap_or(Place { epoch: 0, seq: 0 });
        let read = || {
            let mut select = self.db.prepare_cached(
                "SELECT epoch, seq, previous_epoch, previous_seq, gap, at, cursor, subscription, is_text, payload
                 FROM messages WHERE name = ?1 AND (epoch, seq) > (?2, ?3) ORDER BY epoch, seq LIMIT ?4",
            )?;
            let behind = (behind.epoch, signed(behind.seq));
            let mut rows = select.query(params![
                AsRef::<str>::as_ref(name),
                behind.0,
                behind.1,
                CHUNK as i64
            ])?;
            let (mut entries, mut bytes) = (Vec::new(), 0);
            while bytes < CHUNK_BYTES
                && let Some(row) = rows.next()?
            {
                let entry = entry(row)?;
                bytes += entry.cost();
                entries.push(entry);
            }
            Ok(entries)
        };
        read().map_err(|source| self.error(source))
    }

    /// Deletes messages of a name up to a place, which are in the stream.
    pub fn forget(&mut self, name: &ConnectionName, through: Place) -> Result<(), SpoolError> {
        let delete = || {
            let mut delete = self.db.prepare_cached(
                "DELETE FROM messages WHERE name = ?1 AND (epoch, seq) <= (?2, ?3) RETURNING cost",
            )?;
            let name: &str = name.as_ref();
            let costs = delete
                .query_map(params![name, through.epoch, signed(through.seq)], |row| {
                    row.get::<_, i64>(0)
                })?;
            costs.collect::<Result<Vec<_>, _>>()
        };
        let costs = delete().map_err(|source| self.error(source))?;
        self.messages = self.messages.saturating_sub(costs.len() as u64);
        let bytes: u64 = costs.iter().map(|cost| cost.unsigned_abs()).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
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

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Renames a damaged spool, with SQLite's other files. Returns the new path.
fn put_aside(path: &Path) -> Option<PathBuf> {
    let at = Timestamp::now().as_second();
    let named = |ending: &str, more: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{more}{ending}"));
        PathBuf::from(name)
    };
    let aside = format!(".damaged-{at}");
    fs::rename(path, named("", &aside)).ok()?;
    for ending in ["-wal", "-shm"] {
        // It may not exist.
        let _renamed = fs::rename(named(ending, ""), named(ending, &aside));
    }
    Some(named("", &aside))
}

/// SQLite has only signed numbers. No name counts that far.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let place = |epoch: Option<u32>, seq: Option<i64>| {
        Some(Place {
            epoch: epoch?,
            seq: seq?.unsigned_abs(),
        })
    };
    let payload = Bytes::from(row.get::<_, Vec<u8>>(9)?);
    let text = row.get::<_, bool>(8)?;
    let message = match text.then(|| std::str::from_utf8(&payload)) {
        Some(Ok(text)) => Message::text(text.to_owned()),
        Some(Err(_)) | None => Message::binary(payload),
    };
    let at = row.get::<_, String>(5)?;
    Ok(Entry {
        place: Place {
            epoch: row.get(0)?,
            seq: row.get::<_, i64>(1)?.unsigned_abs(),
        },
        previous: place(row.get(2)?, row.get(3)?),
        gap: row.get::<_, i64>(4)?.unsigned_abs(),
        at: at.parse().unwrap_or(Timestamp::UNIX_EPOCH),
        cursor: row.get::<_, String>(6)?.into(),
        subscription: row.get::<_, Option<String>>(7)?.map(Into::into),
        message,
        is_spooled: true,
        was_published: true,
        was_refused: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ConnectionName {
        ConnectionName::new(text).unwrap()
    }

    fn message(epoch: u32, seq: u64, message: Message) -> Entry {
        Entry {
            place: Place { epoch, seq },
            previous: (seq > 1).then(|| Place {
                epoch,
                seq: seq - 1,
            }),
            at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            cursor: "cursor".into(),
            subscription: (seq == 2).then(|| "key".into()),
            message,
            gap: seq,
            is_spooled: true,
            was_published: true,
            was_refused: false,
        }
    }

    fn folder(of: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("everwire-spool-{of}-{}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn what_is_put_comes_back_in_order_after_a_restart() {
        let folder = folder("order");
        let (a, b) = (name("a"), name("b:c"));
        let mut spool = open(&folder, 1 << 20);
        let entries: Vec<_> = [(1, 1), (1, 2), (1, 30), (2, 1)]
            .map(|(epoch, seq)| (a.clone(), message(epoch, seq, Message::text("ü"))))
            .into();
        spool.put(&entries[2..]).unwrap();
        spool.put(&entries[..2]).unwrap();
        let other = message(9, 9, Message::binary(vec![0, 255]));
        spool.put(&[(b.clone(), other.clone())]).unwrap();
        drop(spool);

        let mut spool = open(&folder, 1 << 20);
        assert_eq!(spool.messages(), 5);
        let last = [Place { epoch: 2, seq: 1 }, Place { epoch: 9, seq: 9 }];
        assert_eq!(
            spool.names().unwrap(),
            [(a.clone(), 4, last[0]), (b.clone(), 1, last[1])]
        );
        let all: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
        assert_eq!(spool.load(&a, None).unwrap(), all);
        assert_eq!(spool.load(&a, Some(all[1].place)).unwrap(), all[2..]);
        assert_eq!(spool.load(&b, None).unwrap(), [other]);
        spool.forget(&a, all[2].place).unwrap();
        assert_eq!(spool.load(&a, None).unwrap(), all[3..]);
        spool.forget(&a, all[3].place).unwrap();
        spool.forget(&b, Place { epoch: 9, seq: 9 }).unwrap();
        assert_eq!((spool.messages(), spool.bytes()), (0, 0));
        fs::remove_dir_all(folder).unwrap();
    }

    fn open(folder: &Path, limit: u64) -> Spool {
        let (spool, aside) = Spool::open(folder, limit).unwrap();
        assert_eq!(aside, None);
        spool
    }

    #[test]
    fn one_that_is_damaged_is_put_aside_and_one_that_is_used_is_refused() {
        let folder = folder("damaged");
        fs::write(folder.join("nats-spool.sqlite3"), [b'x'; 5000]).unwrap();
        let (mut spool, aside) = Spool::open(&folder, 1 << 20).unwrap();
        assert_eq!(fs::read(aside.unwrap()).unwrap(), [b'x'; 5000]);
        let entry = message(1, 1, Message::text("x"));
        spool.put(&[(name("a"), entry)]).unwrap();
        let error = Spool::open(&folder, 1).unwrap_err().to_string();
        assert!(error.ends_with("database is locked"), "{error}");
        drop(spool);
        assert_eq!(open(&folder, 1).messages(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn it_is_bounded_and_says_why_it_cannot_be_opened() {
        let folder = folder("bound");
        let mut spool = open(&folder, 1000);
        let entry = message(1, 1, Message::text("x".repeat(500)));
        assert!(spool.has_room(entry.cost() as u64));
        spool.put(&[(name("a"), entry.clone())]).unwrap();
        assert!(!spool.has_room(entry.cost() as u64));
        fs::remove_dir_all(&folder).unwrap();
        let error = Spool::open(&folder, 1).unwrap_err().to_string();
        assert!(
            error.contains("nats-spool.sqlite3 cannot be used: "),
            "{error}"
        );
    }
}
