//! Which rows belong to which name. It is in memory, so that the tables need no index on disk.
//!
//! A waiting message needs 16 bytes here; the outbox holds the message in memory anyway.

use std::collections::{HashMap, VecDeque};

use rusqlite::Connection;

use super::recovered::name_of;
use crate::core::ConnectionName;

/// The rows of all names.
#[derive(Debug, Default)]
pub(super) struct Index {
    names: HashMap<ConnectionName, Entry>,
    last_row: i64,
}

/// The rows of a name.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The row in `names`.
    pub(super) row: i64,
    waiting: VecDeque<Waiting>,
    history: VecDeque<Kept>,
    history_bytes: usize,
}

/// A row of `outbox`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) position: i64,
}

/// A row of `history`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) position: u64,
    pub(super) bytes: usize,
}

impl Index {
    /// Reads the index from the tables.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut index = Self::default();
        let mut rows: HashMap<i64, Entry> = HashMap::new();
        let mut outbox =
            connection.prepare("SELECT name, id, position FROM outbox ORDER BY position")?;
        let mut found = outbox.query([])?;
        while let Some(row) = found.next()? {
            rows.entry(row.get(0)?).or_default().insert(Waiting {
                id: row.get::<_, i64>(1)?.cast_unsigned(),
                position: row.get(2)?,
            });
        }
        let mut history = connection.prepare(
            "SELECT name, position, octet_length(payload) FROM history ORDER BY position",
        )?;
        let mut found = history.query([])?;
        while let Some(row) = found.next()? {
            rows.entry(row.get(0)?).or_default().append(Kept {
                position: row.get::<_, i64>(1)?.cast_unsigned(),
                bytes: usize::try_from(row.get::<_, i64>(2)?).unwrap_or(usize::MAX),
            });
        }
        let mut names = connection.prepare("SELECT id, name FROM names")?;
        let mut found = names.query([])?;
        while let Some(row) = found.next()? {
            let id = row.get(0)?;
            index.last_row = index.last_row.max(id);
            // Rows with an invalid name belong to nobody; `Recovered` counts them.
            if let Some(name) = name_of(row.get_ref(1)?) {
                let entry = rows.remove(&id).unwrap_or_default();
                index.names.insert(name, Entry { row: id, ..entry });
            }
        }
        Ok(index)
    }

    /// The rows of a name, if there are any.
    pub(super) fn get_mut(&mut self, name: &ConnectionName) -> Option<&mut Entry> {
        self.names.get_mut(name)
    }

    /// Adds a row for a new name.
    pub(super) fn add(&mut self, name: &ConnectionName) -> &mut Entry {
        self.last_row += 1;
        let entry = Entry {
            row: self.last_row,
            ..Entry::default()
        };
        self.names
            .entry(name.clone())
            .insert_entry(entry)
            .into_mut()
    }

    /// Removes a name with all its rows.
    pub(super) fn remove(&mut self, name: &ConnectionName) -> Option<Entry> {
        self.names.remove(name)
    }
}

impl Entry {
    /// The row of the message with this id.
    pub(super) fn position(&self, id: u64) -> Option<i64> {
        let found = self.waiting.binary_search_by_key(&id, |waiting| waiting.id);
        found.ok().map(|at| self.waiting[at].position)
    }

    /// Adds a row of `outbox`. Ids mostly grow, so it usually goes to the end.
    pub(super) fn insert(&mut self, row: Waiting) {
        let at = self.waiting.partition_point(|waiting| waiting.id < row.id);
        self.waiting.insert(at, row);
    }

    /// Removes the rows with these ids, with both ends.
    pub(super) fn drop_ids(&mut self, first: u64, last: u64) -> impl Iterator<Item = Waiting> {
        let from = self.waiting.partition_point(|waiting| waiting.id < first);
        let to = self.waiting.partition_point(|waiting| waiting.id <= last);
        self.waiting.drain(from..to.max(from))
    }

    /// The greatest id of a waiting message, 0 if there is none.
    pub(super) fn newest_id(&self) -> u64 {
        self.waiting.back().map_or(0, |waiting| waiting.id)
    }

    /// Adds a row of `history`. A row that is written again is kept once.
    pub(super) fn append(&mut self, row: Kept) {
        let at = self
            .history
            .partition_point(|kept| kept.position < row.position);
        match self.history.get_mut(at) {
            Some(kept) if kept.position == row.position => {
                self.history_bytes -= kept.bytes;
                *kept = row;
            }
            _ => self.history.insert(at, row),
        }
        self.history_bytes += row.bytes;
    }

    /// Removes the oldest row of `history` if there are more rows or more bytes than allowed. The
    /// newest row may exceed the bytes.
    pub(super) fn trim(&mut self, messages: usize, bytes: usize) -> Option<Kept> {
        let rows = self.history.len();
        if rows <= messages && (self.history_bytes <= bytes || rows <= 1) {
            return None;
        }
        let oldest = self.history.pop_front()?;
        self.history_bytes -= oldest.bytes;
        Some(oldest)
    }
}
