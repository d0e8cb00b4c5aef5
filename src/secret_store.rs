//! Secrets that are given to a running process, for `${secret:ID}` in templates.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use crate::{core::ConnectionName, settings::Secret};

/// How many secrets there may be.
const MAX_SECRETS: usize = 10_000;

/// The secrets of a process by their ids. Nothing but a dial reads them. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretStore(Arc<RwLock<HashMap<ConnectionName, Secret>>>);

/// There are too many secrets for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {MAX_SECRETS} secrets already; remove those that are not used")]
pub struct SecretStoreFull;

impl SecretStore {
    /// Keeps a secret; whether it is a new one.
    pub fn put(&self, id: ConnectionName, secret: Secret) -> Result<bool, SecretStoreFull> {
        let mut secrets = self.0.write();
        if secrets.len() >= MAX_SECRETS && !secrets.contains_key(&id) {
            return Err(SecretStoreFull);
        }
        Ok(secrets.insert(id, secret).is_none())
    }

    /// Forgets a secret; whether there was one.
    pub fn remove(&self, id: &str) -> bool {
        self.0.write().remove(id).is_some()
    }

    /// The secret of this id.
    pub fn get(&self, id: &str) -> Option<Secret> {
        self.0.read().get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_and_bounded_and_never_printed() {
        let secret_store = SecretStore::default();
        let id = |number| ConnectionName::new(format!("s-{number}")).unwrap();
        for number in 0..MAX_SECRETS {
            assert_eq!(secret_store.put(id(number), Secret::new("a")), Ok(true));
        }
        assert_eq!(secret_store.put(id(7), Secret::new("s3cret")), Ok(false));
        assert_eq!(
            secret_store.put(id(MAX_SECRETS), Secret::new("a")),
            Err(SecretStoreFull)
        );
        assert_eq!(secret_store.get("s-7").unwrap().expose(), "s3cret");
        assert!(!format!("{secret_store:?}").contains("s3cret"));
        assert!(secret_store.remove("s-7") && !secret_store.remove("s-7"));
        assert!(secret_store.get("s-7").is_none());
    }
}
