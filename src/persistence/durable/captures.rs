//! Stored captures, as texts that an operator can read.

use std::collections::BTreeMap;

use everwire_proto::dialogue::{KeptChange, KeptValue};

use crate::{
    core::ConnectionName,
    store::{Batch, Store},
    stored::StoreError,
};

/// The kind of these values in the store. The key is `NAME/CAPTURE`.
const KIND: &str = "capture";

/// The captures of earlier processes.
pub(super) type Captures = BTreeMap<ConnectionName, Vec<(String, KeptValue)>>;

/// Reads the captures. An entry that cannot be decoded stays in the store; its capture has no
/// value.
pub(super) fn read(store: &Store) -> Result<Captures, StoreError> {
    let mut captures = Captures::new();
    for (place, value) in store.list(KIND)? {
        let text = std::str::from_utf8(&value).ok();
        if let Some((name, capture)) = place.split_once('/')
            && let Ok(name) = ConnectionName::new(name)
            && let Some(value) = text.and_then(KeptValue::read)
        {
            let of_name = captures.entry(name).or_default();
            of_name.push((capture.to_owned(), value));
        }
    }
    Ok(captures)
}

/// Adds the changes to the batch.
pub(super) fn put(batch: &mut Batch, name: &ConnectionName, changes: &[KeptChange]) {
    for (capture, value) in changes {
        let place = format!("{name}/{capture}");
        match value {
            Some(value) => batch.put(KIND, &place, value.text().as_bytes()),
            None => batch.delete(KIND, &place),
        }
    }
}

/// Deletes the captures of a removed name.
pub(super) fn forget(batch: &mut Batch, name: &ConnectionName) {
    batch.delete_under(KIND, &format!("{name}/"));
}
