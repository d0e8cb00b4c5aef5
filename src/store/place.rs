//! Checks that the files of the store are still at their paths.
//!
//! An open file still works after its path is gone, but nobody can find what is written to it.

use std::{io, path::Path};

use super::{
    StoreError,
    directory::{Directory, beside},
    file_id::FileId,
};

/// The open files of the store, by their identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    database: FileId,
    log: FileId,
    /// The index of the log.
    index: FileId,
}

/// What is no longer at its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The database is there; a file beside it is missing or replaced.
    Beside,
    /// The database itself.
    Database,
}

impl Place {
    /// The identities of files that were just opened.
    pub(super) fn of(directory: &Directory) -> Result<Self, StoreError> {
        let database = directory.database();
        let id = |path: &Path| {
            let id = FileId::at(path).and_then(|id| id.ok_or(io::ErrorKind::NotFound.into()));
            id.map_err(|error| StoreError::unusable(path, error))
        };
        Ok(Self {
            database: id(&database)?,
            log: id(&beside(&database, "-wal"))?,
            index: id(&beside(&database, "-shm"))?,
        })
    }

    /// What is no longer at its path. If a path cannot be checked, its file counts as there.
    pub(super) fn lost(&self, directory: &Directory) -> Option<Lost> {
        let database = directory.database();
        let is_there = |id: &FileId, path: &Path| match FileId::at(path) {
            Ok(found) => found.as_ref() == Some(id),
            Err(_) => true,
        };
        if !is_there(&self.database, &database) {
            return Some(Lost::Database);
        }
        let is_whole = is_there(&self.log, &beside(&database, "-wal"))
            && is_there(&self.index, &beside(&database, "-shm"))
            && directory.has_its_lock();
        (!is_whole).then_some(Lost::Beside)
    }

    /// Whether this path leads to the log or its index.
    pub(super) fn is_ours_beside(&self, path: &Path) -> bool {
        let found = FileId::at(path).ok().flatten();
        found.is_some_and(|found| found == self.log || found == self.index)
    }
}
