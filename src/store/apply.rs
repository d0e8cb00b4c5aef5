//! Writing a batch.

use rusqlite::{
    CachedStatement, Connection, ToSql,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    batch::{Batch, Change, NameChange},
    index::{Entry, Index, Kept, Waiting},
};
use crate::{
    core::{ConnectionName, Message},
    stored::{StoredEvent, StoredMessage},
};

/// Applies the changes in order, in the open transaction, and updates `index`.
pub(super) fn apply(
    connection: &Connection,
    index: &mut Index,
    batch: &Batch,
) -> rusqlite::Result<()> {
    let mut writer = Writer::new(connection)?;
    for change in batch.changes() {
        match change {
            Change::Name(name, NameChange::Forget) => writer.forget(index, name)?,
            Change::Name(name, change) => {
                let entry = match index.get_mut(name) {
                    Some(entry) => entry,
                    None => writer.add(index, name)?,
                };
                writer.change(entry, change)?;
            }
            Change::Put { kind, key, value } => {
                connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO kept (kind, key, value) VALUES (?1, ?2, ?3)",
                    )?
                    .execute((kind, key, value))?;
            }
            Change::Delete { kind, key } => {
                connection
                    .prepare_cached("DELETE FROM kept WHERE kind = ?1 AND key = ?2")?
                    .execute((kind, key))?;
            }
            Change::DeleteUnder { kind, prefix } => {
                let end = format!("{prefix}{}", char::MAX);
                connection
                    .prepare_cached("DELETE FROM kept WHERE kind = ?1 AND key >= ?2 AND key < ?3")?
                    .execute((kind, prefix, end))?;
            }
        }
    }
    Ok(())
}

/// Prepared statements, since a batch may use them a thousand times.
struct Writer<'c> {
    connection: &'c Connection,
    put: CachedStatement<'c>,
    replace: CachedStatement<'c>,
    drop: CachedStatement<'c>,
    last_id: CachedStatement<'c>,
    append: CachedStatement<'c>,
    trim: CachedStatement<'c>,
}

impl<'c> Writer<'c> {
    fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            put: connection.prepare_cached(
                "INSERT INTO outbox (name, id, at, expires_at, payload) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            replace: connection
                .prepare_cached("UPDATE outbox SET at = ?2, expires_at = ?3, payload = ?4 WHERE position = ?1")?,
            drop: connection.prepare_cached("DELETE FROM outbox WHERE position = ?1")?,
            last_id: connection.prepare_cached("UPDATE names SET last_id = ?2 WHERE id = ?1 AND last_id < ?2")?,
            append: connection.prepare_cached(
                "INSERT OR REPLACE INTO history (position, name, epoch, seq, at, payload, subscription)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
            trim: connection.prepare_cached("DELETE FROM history WHERE position = ?1")?,
        })
    }

    fn add<'i>(
        &self,
        index: &'i mut Index,
        name: &ConnectionName,
    ) -> rusqlite::Result<&'i mut Entry> {
        let entry = index.add(name);
        self.connection
            .prepare_cached("INSERT INTO names (id, name) VALUES (?1, ?2)")?
            .execute((entry.row, name.as_str()))?;
        Ok(entry)
    }

    fn change(&mut self, entry: &mut Entry, change: &NameChange) -> rusqlite::Result<()> {
        match change {
            NameChange::PutMessage(message) => self.put_message(entry, message),
            &NameChange::DropIds(first, last) => self.drop_ids(entry, first, last),
            &NameChange::Closed(closed) => self.set(
                entry,
                "UPDATE names SET closed_by_hand = ?2 WHERE id = ?1",
                closed,
            ),
            &NameChange::Epoch(epoch) => {
                self.set(entry, "UPDATE names SET epoch = ?2 WHERE id = ?1", epoch)
            }
            NameChange::AppendHistory(event) => self.append_history(entry, event),
            &NameChange::TrimHistory { messages, bytes } => {
                self.trim_history(entry, messages, bytes)
            }
            // `Forget` ends the entry; the caller, which owns the entry, applies it.
            NameChange::Forget => Ok(()),
        }
    }

    fn put_message(&mut self, entry: &mut Entry, message: &StoredMessage) -> rusqlite::Result<()> {
        let (id, at) = (message.id, message.at.as_microsecond());
        let expires_at = message.expires_at.map(|time| time.as_microsecond());
        let payload = Payload(&message.message);
        match entry.position(id) {
            Some(position) => {
                self.replace.execute((position, at, expires_at, payload))?;
            }
            None => {
                let position =
                    self.put
                        .insert((entry.row, id.cast_signed(), at, expires_at, payload))?;
                entry.insert(Waiting { id, position });
            }
        }
        Ok(())
    }

    /// Deletes the rows. If no row has the greatest id any more, `last_id` keeps it, so that no id
    /// is given twice.
    fn drop_ids(&mut self, entry: &mut Entry, first: u64, last: u64) -> rusqlite::Result<()> {
        let mut newest = 0;
        for waiting in entry.drop_ids(first, last) {
            self.drop.execute([waiting.position])?;
            newest = waiting.id;
        }
        if newest > entry.newest_id() {
            self.last_id.execute((entry.row, newest.cast_signed()))?;
        }
        Ok(())
    }

    fn set(&self, entry: &Entry, statement: &str, value: impl ToSql) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(statement)?
            .execute((entry.row, value))?;
        Ok(())
    }

    fn append_history(&mut self, entry: &mut Entry, event: &StoredEvent) -> rusqlite::Result<()> {
        self.append.execute((
            event.position.cast_signed(),
            entry.row,
            event.epoch,
            event.seq.cast_signed(),
            event.at.as_microsecond(),
            Payload(&event.message),
            event.subscription.as_deref(),
        ))?;
        entry.append(Kept {
            position: event.position,
            bytes: event.message.len(),
        });
        Ok(())
    }

    fn trim_history(
        &mut self,
        entry: &mut Entry,
        messages: usize,
        bytes: usize,
    ) -> rusqlite::Result<()> {
        while let Some(oldest) = entry.trim(messages, bytes) {
            self.trim.execute([oldest.position.cast_signed()])?;
        }
        Ok(())
    }

    fn forget(&mut self, index: &mut Index, name: &ConnectionName) -> rusqlite::Result<()> {
        let Some(mut entry) = index.remove(name) else {
            return Ok(());
        };
        self.drop_ids(&mut entry, 0, u64::MAX)?;
        self.trim_history(&mut entry, 0, 0)?;
        self.connection
            .prepare_cached("DELETE FROM names WHERE id = ?1")?
            .execute([entry.row])?;
        Ok(())
    }
}

/// Stores a text message as TEXT and a binary one as BLOB: the type tells the kind, and a shell
/// shows TEXT.
struct Payload<'m>(&'m Message);

impl ToSql for Payload<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Message::Text(text) => ValueRef::Text(text.as_bytes()),
            Message::Binary(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
