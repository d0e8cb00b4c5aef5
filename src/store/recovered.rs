//! The content of the store when it is opened.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use bytestring::ByteString;
use jiff::Timestamp;
use rusqlite::{Connection, Row, types::ValueRef};

use crate::{
    core::{ConnectionName, Message},
    stored::{NameState, StoredEvent, StoredMessage},
};

/// The content of the store when it is opened.
#[derive(Debug, Default, PartialEq)]
pub struct Recovered {
    /// The names with their states.
    pub names: BTreeMap<ConnectionName, NameState>,
    /// The greatest position in any history, 0 if there is none.
    pub position: u64,
    /// Set if the database was damaged. This is a loss that must be reported.
    pub damage: Option<Damage>,
    /// Rows that could not be decoded and are left out above. They stay in the database.
    pub unreadable: u64,
}

/// What happened to a damaged database.
#[derive(Clone, Debug, PartialEq)]
pub struct Damage {
    /// What was wrong with it.
    pub reason: String,
    /// The new place of its files.
    pub moved_to: PathBuf,
    /// How many messages of outboxes were saved.
    pub saved: u64,
    /// Whether all content of the tables could be read. If not, messages, ids and stored values are
    /// missing.
    pub complete: bool,
}

impl Recovered {
    /// Reads all names, outboxes and histories.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut reading = Reading::default();
        reading.names(connection)?;
        reading.outbox(connection)?;
        reading.history(connection)?;
        Ok(reading.finish())
    }
}

/// All values of a kind, by key.
pub(super) fn list(
    connection: &Connection,
    kind: &str,
) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
    connection
        .prepare_cached("SELECT key, value FROM kept WHERE kind = ?1 ORDER BY key")?
        .query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Decodes a stored name. `None` if the text is not a valid name, so that everwire has not written
/// it.
pub(super) fn name_of(value: ValueRef<'_>) -> Option<ConnectionName> {
    ConnectionName::new(value.as_str().ok()?).ok()
}

#[derive(Default)]
struct Reading {
    /// The names by their rows in `names`.
    rows: HashMap<i64, (ConnectionName, NameState)>,
    position: u64,
    unreadable: u64,
}

impl Reading {
    fn names(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement =
            connection.prepare("SELECT id, name, epoch, closed_by_hand, last_id FROM names")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (Some(name), Ok(epoch)) = (name_of(row.get_ref(1)?), row.get(2)) else {
                self.unreadable += 1;
                continue;
            };
            let state = NameState {
                epoch,
                closed_by_hand: row.get(3)?,
                last_id: row.get::<_, i64>(4)?.cast_unsigned(),
                ..NameState::default()
            };
            self.rows.insert(row.get(0)?, (name, state));
        }
        Ok(())
    }

    fn outbox(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection
            .prepare("SELECT name, id, at, expires_at, payload FROM outbox ORDER BY position")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match (self.rows.get_mut(&row.get(0)?), message(row)?) {
                (Some((_, state)), Some(message)) => {
                    state.last_id = state.last_id.max(message.id);
                    state.outbox.push(message);
                }
                _ => self.unreadable += 1,
            }
        }
        Ok(())
    }

    fn history(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare(
            "SELECT name, position, epoch, seq, at, payload, subscription FROM history ORDER BY position",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match (self.rows.get_mut(&row.get(0)?), event(row)?) {
                (Some((_, state)), Some(event)) => {
                    self.position = self.position.max(event.position);
                    state.history.push(event);
                }
                _ => self.unreadable += 1,
            }
        }
        Ok(())
    }

    fn finish(self) -> Recovered {
        let mut names = BTreeMap::from_iter(self.rows.into_values());
        for state in names.values_mut() {
            // Rows are in the order of their arrival. This is the order of the ids, unless a
            // message was stored late.
            state.outbox.sort_by_key(|message| message.id);
        }
        Recovered {
            names,
            position: self.position,
            damage: None,
            unreadable: self.unreadable,
        }
    }
}

fn message(row: &Row<'_>) -> rusqlite::Result<Option<StoredMessage>> {
    let (Some(at), Some(message)) = (time(row.get(2)?), payload(row.get_ref(4)?)) else {
        return Ok(None);
    };
    let expires_at = match row.get(3)? {
        None => None,
        Some(micros) => match time(micros) {
            None => return Ok(None),
            some => some,
        },
    };
    Ok(Some(StoredMessage {
        id: row.get::<_, i64>(1)?.cast_unsigned(),
        at,
        expires_at,
        message,
    }))
}

fn event(row: &Row<'_>) -> rusqlite::Result<Option<StoredEvent>> {
    let (Ok(epoch), Some(at), Some(message)) =
        (row.get(2), time(row.get(4)?), payload(row.get_ref(5)?))
    else {
        return Ok(None);
    };
    Ok(Some(StoredEvent {
        position: row.get::<_, i64>(1)?.cast_unsigned(),
        epoch,
        seq: row.get::<_, i64>(3)?.cast_unsigned(),
        at,
        subscription: row.get::<_, Option<Arc<str>>>(6).unwrap_or_default(),
        message,
    }))
}

fn time(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

fn payload(value: ValueRef<'_>) -> Option<Message> {
    match value {
        ValueRef::Text(text) => ByteString::try_from(Bytes::copy_from_slice(text))
            .ok()
            .map(Message::Text),
        ValueRef::Blob(bytes) => Some(Message::Binary(Bytes::copy_from_slice(bytes))),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    }
}
