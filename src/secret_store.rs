//! Secrets that a running process is given, for `${secret:ID}` in templates.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;

use crate::{core::ConnectionName, settings::Secret};

/// The most secrets that may be stored.
const MAX_SECRETS: usize = 10_000;

/// The secrets of a process by their ids. Only a dial reads them. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretStore {
    stored: Arc<RwLock<HashMap<ConnectionName, Secret>>>,
    /// Contents that are used in place of files.
    files: Arc<BTreeMap<PathBuf, Secret>>,
}

/// There are too many secrets for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {MAX_SECRETS} secrets already; remove those that are not used")]
pub struct SecretStoreFull;

impl SecretStore {
    /// Stores a secret. `true` if the id is new.
    pub fn put(&self, id: ConnectionName, secret: Secret) -> Result<bool, SecretStoreFull> {
        let mut secrets = self.stored.write();
        if secrets.len() >= MAX_SECRETS && !secrets.contains_key(&id) {
            return Err(SecretStoreFull);
        }
        Ok(secrets.insert(id, secret).is_none())
    }

    /// Forgets a secret. `true` if there was one.
    pub fn remove(&self, id: &str) -> bool {
        self.stored.write().remove(id).is_some()
    }

    /// The same store with these contents in place of files.
    #[cfg(feature = "testing")]
    pub fn with_files(self, files: BTreeMap<PathBuf, Secret>) -> Self {
        let files = Arc::new(files);
        Self { files, ..self }
    }

    /// The content that is used in place of a file.
    pub fn file(&self, path: &Path) -> Option<Secret> {
        self.files.get(path).cloned()
    }

    pub fn get(&self, id: &str) -> Option<Secret> {
        self.stored.read().get(id).cloned()
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
