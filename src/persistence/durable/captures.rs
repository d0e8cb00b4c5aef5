//! Captures that outlive the process, as the store has them: texts that an operator can read.

use std::collections::BTreeMap;

use everwire_proto::dialogue::{KeptChange, KeptValue};

use crate::{
    core::ConnectionName,
    store::{Batch, Store},
    stored::StoreError,
};

/// The store's kind of these values, by name and capture: `NAME/CAPTURE`.
const KIND: &str = "capture";

/// What earlier processes have left of them.
pub(super) type Captures = BTreeMap<ConnectionName, Vec<(String, KeptValue)>>;

/// Reads it. What cannot be understood is left alone: the capture has no value.
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

/// Writes down what has changed.
pub(super) fn put(batch: &mut Batch, name: &ConnectionName, changes: &[KeptChange]) {
    for (capture, value) in changes {
        let place = format!("{name}/{capture}");
        match value {
            Some(value) => batch.put(KIND, &place, value.text().as_bytes()),
            None => batch.delete(KIND, &place),
        }
    }
}

/// The name is gone, and what it has captured with it.
pub(super) fn forget(batch: &mut Batch, name: &ConnectionName) {
    batch.delete_under(KIND, &format!("{name}/"));
}
