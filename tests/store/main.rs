//! The embedded store, with everything that can happen to a process, a disk and an operator.

#![cfg(feature = "durable")]

mod crash;
mod damage;
mod disk;
mod earlier;
mod model;
#[cfg(unix)]
mod moved;
mod refusals;
#[path = "../support/mod.rs"]
mod support;
mod torn;

use std::path::Path;

use bytes::Bytes;
use everwire::{
    ConnectionName, Message,
    store::{Batch, NameState, Recovered, Store, StoredEvent, StoredMessage, Sync},
};
use jiff::Timestamp;

fn name(text: &str) -> ConnectionName {
    ConnectionName::new(text).unwrap()
}

/// A message whose payload is its id.
fn message(id: u64) -> StoredMessage {
    StoredMessage {
        id,
        at: Timestamp::from_microsecond(1_700_000_000_000_000 + id.cast_signed()).unwrap(),
        expires_at: None,
        message: Message::text(format!("message {id}")),
    }
}

/// A binary message of this size.
fn bulk(id: u64, size: usize) -> StoredMessage {
    StoredMessage {
        message: Message::Binary(Bytes::from(vec![id as u8; size])),
        ..message(id)
    }
}

fn event(position: u64, seq: u64) -> StoredEvent {
    StoredEvent {
        position,
        epoch: 1,
        seq,
        at: message(seq).at,
        subscription: seq
            .is_multiple_of(3)
            .then(|| format!("key \"{seq}\" é").into()),
        message: Message::text(format!("event {seq}")),
    }
}

fn open(dir: &Path) -> (Store, Recovered) {
    Store::open(dir).unwrap_or_else(|error| panic!("{error}"))
}

/// The content of a directory.
fn read(dir: &Path) -> Recovered {
    open(dir).1
}

fn state(recovered: &Recovered, text: &str) -> NameState {
    recovered
        .names
        .get(&name(text))
        .cloned()
        .unwrap_or_default()
}

fn ids(state: &NameState) -> Vec<u64> {
    state.outbox.iter().map(|message| message.id).collect()
}

/// Commits one message.
fn put(
    store: &mut Store,
    text: &str,
    message: StoredMessage,
) -> Result<(), everwire::store::StoreError> {
    let mut batch = Batch::default();
    batch.put_message(&name(text), message);
    store.commit(&batch, Sync::Always)
}
