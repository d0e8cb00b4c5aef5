//! Stores what must outlive the process: outboxes, last ids, closes by hand, history, and small
//! values by key.
//!
//! The store is one SQLite database in WAL mode. It is in its own directory, which one process
//! locks. It is synchronous and knows no actors: one thread collects the changes of all names in a
//! [`Batch`], commits it as one transaction, and then notifies the names. [`Recovered`] is what it
//! reads at the start; after that it only writes.

mod apply;
mod batch;
mod directory;
mod error;
mod file_id;
mod index;
mod open;
mod place;
mod recovered;
mod remake;
mod salvage;
mod schema;
#[cfg(test)]
mod tests;

use std::fs::File;

use rusqlite::{Connection, TransactionBehavior};

use self::{
    apply::apply,
    directory::Directory,
    index::Index,
    place::{Lost, Place},
};
pub use self::{
    batch::Batch,
    recovered::{Damage, Recovered},
    remake::Remade,
};
pub use crate::stored::{NameState, StoreError, StoredEvent, StoredMessage};

/// When a commit is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// On return: it survives a power failure.
    Always,
    /// On return, it survives the death of the process. It survives a power failure only after the
    /// next [`Store::sync`] or commit with [`Sync::Always`].
    Lazy,
}

/// The embedded store of one directory. While this value lives, nobody else can open the directory.
#[derive(Debug)]
pub struct Store {
    // Fields are dropped in this order: the lock is last.
    /// `None` if the database could not be opened again after its log was lost.
    connection: Option<Connection>,
    wal: File,
    /// Identifies the files: what is written to replaced files cannot be found again.
    place: Place,
    /// Which rows belong to which name. `None` after a failed commit: it is read again before the
    /// next one.
    index: Option<Index>,
    /// A sync has failed. The kernel may treat unwritten data as written, and the next sync would
    /// not notice.
    doubtful: bool,
    directory: Directory,
}

impl Store {
    /// Applies all changes of `batch` in order, or none of them.
    ///
    /// After an error, the store can still be used, and the same batch can be committed again. This
    /// is safe even if the error came after the changes were written, since applying a change twice
    /// has no further effect.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] and [`StoreError::Busy`] pass by themselves or after an operator acts.
    /// After [`StoreError::Lost`], call [`remake`](Self::remake). The other kinds rarely pass.
    pub fn commit(&mut self, batch: &Batch, sync: Sync) -> Result<(), StoreError> {
        // Another process may use the database by now, so nothing is written to it.
        self.check_place()?;
        let committed = self.write_all(batch, sync);
        // A commit counts only if it can be found at the path.
        self.check_place()?;
        committed
    }

    fn write_all(&mut self, batch: &Batch, sync: Sync) -> Result<(), StoreError> {
        if !batch.is_empty() {
            self.write(batch).inspect_err(|error| {
                if matches!(error, StoreError::Full { .. }) {
                    self.free_the_log();
                }
            })?;
        }
        match sync {
            Sync::Always => self.sync(),
            Sync::Lazy => Ok(()),
        }
    }

    /// Makes all commits so far survive a power failure.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`]; [`StoreError::Full`] on file systems that notice it only now. After an
    /// error, nothing since the last sync is durable.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        if self.doubtful {
            self.move_log_into_database()?;
            self.doubtful = false;
        }
        self.wal.sync_data().map_err(|error| {
            self.doubtful = true;
            StoreError::from_io(self.directory.database(), error)
        })
    }

    /// Checks that the files of the store are still at their paths. It only looks at the file
    /// system.
    ///
    /// # Errors
    ///
    /// [`StoreError::Lost`]: all commits, earlier and later ones, are gone when this process ends.
    pub fn check_place(&self) -> Result<(), StoreError> {
        match self.place.lost(&self.directory) {
            None if self.connection.is_some() => Ok(()),
            None | Some(Lost::Beside | Lost::Database) => Err(StoreError::Lost {
                path: self.directory.database(),
            }),
        }
    }

    /// All values of a kind, by key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if they cannot be read.
    pub fn list(&self, kind: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        recovered::list(self.connection()?, kind).map_err(|error| self.directory.error(error))
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(|| StoreError::Lost {
            path: self.directory.database(),
        })
    }

    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let directory = &self.directory;
        let Some(connection) = &mut self.connection else {
            let path = directory.database();
            return Err(StoreError::Lost { path });
        };
        write(connection, &mut self.index, batch).map_err(|error| directory.error(error))
    }

    /// Writes the content of the log into the database, and syncs the database. The log's file
    /// keeps its size and is written from the start again.
    fn move_log_into_database(&self) -> Result<(), StoreError> {
        let busy: bool = self
            .connection()?
            .query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get(0))
            .map_err(|error| self.directory.error(error))?;
        match busy {
            true => Err(self.directory.busy()),
            false => Ok(()),
        }
    }

    /// On a full disk, the next commit can use the space of the log.
    fn free_the_log(&self) {
        // The caller already knows that the disk is full, and a failed checkpoint changes nothing.
        let _still_full = self.move_log_into_database();
    }
}

/// Writes all of the batch, or nothing.
fn write(
    connection: &mut Connection,
    index: &mut Option<Index>,
    batch: &Batch,
) -> rusqlite::Result<()> {
    // Taken out, so that an error cannot leave an index that is ahead of the database.
    let mut known = match index.take() {
        Some(known) => known,
        None => Index::read(connection)?,
    };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    apply(&transaction, &mut known, batch)?;
    transaction.commit()?;
    *index = Some(known);
    Ok(())
}
