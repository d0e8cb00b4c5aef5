//! Whether the files of the store are still where their paths lead.
//!
//! An open file works on when its path is gone, and nobody finds what is written to it then.

use std::{io, path::Path};

use super::{
    StoreError,
    directory::{Directory, beside},
    file_id::FileId,
};

/// The files that the store has open, by what the system knows them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    database: FileId,
    log: FileId,
    /// That of the log's index.
    index: FileId,
}

/// What is no longer where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The database is there; a file beside it is not.
    Beside,
    /// The database itself.
    Database,
}

impl Place {
    /// Where the files are that were opened a moment ago.
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

    /// What is no longer where it was. A path that cannot be asked says nothing: the files may be there.
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
