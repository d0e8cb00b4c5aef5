//! What must outlive the process: outboxes, last ids, closes by hand, history, and small values by key.
//!
//! One SQLite database in WAL mode, in a directory of its own that one process holds. The store is synchronous and knows no
//! actor: one thread collects what changed in all names into a [`Batch`], commits it as one transaction, and then tells the
//! names. What is read at the start is [`Recovered`]; after that the store is only written to.

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

/// When a commit is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// On return: it survives the loss of power.
    Always,
    /// On return it survives the death of the process; the loss of power only after the next [`Store::sync`] or
    /// commit with [`Sync::Always`].
    Lazy,
}

/// The embedded store of one directory, which no one else can open as long as this value lives.
#[derive(Debug)]
pub struct Store {
    // Closed in this order: the lock goes last.
    /// `None` where the database could not be opened again, after its log was lost.
    connection: Option<Connection>,
    wal: File,
    /// Where its files are: what is written elsewhere, nobody finds again.
    place: Place,
    /// Which rows are whose. `None` after a failed commit: it is read again before the next one.
    index: Option<Index>,
    /// A sync has failed: the kernel may take for written what is not, and the next sync of the file would not notice.
    doubtful: bool,
    directory: Directory,
}

impl Store {
    /// Carries out all changes of `batch`, in order, or none of them.
    ///
    /// After an error the store is still usable, and the same batch can be committed again: also where the error came after the
    /// changes were written, since a change that is made twice is made once.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] and [`StoreError::Busy`] pass by themselves or by an operator's hand; after [`StoreError::Lost`]
    /// [`remake`](Self::remake) is next; the other kinds rarely pass.
    pub fn commit(&mut self, batch: &Batch, sync: Sync) -> Result<(), StoreError> {
        // Another process may have the database by now: nothing is written to it.
        self.check_place()?;
        let committed = self.write_all(batch, sync);
        // What is said to be stored is found where the path leads.
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

    /// Makes all that was committed safe from the loss of power.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`], or [`StoreError::Full`] on file systems that notice only now. Nothing since the last sync is safe then.
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

    /// Whether the files of the store are still where their paths lead: some looks at the file system, and no more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Lost`]: what is committed from now on, and all that was before, is gone with this process.
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
    /// [`StoreError::Io`] where they cannot be read.
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

    /// Writes all that the log holds into the database, and syncs that. The log's file keeps its size and is written from its
    /// start again.
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

    /// On a full disk the log's own space is what the next commit can have.
    fn free_the_log(&self) {
        // The caller is told of the full disk already, and a checkpoint that fails changes nothing.
        let _still_full = self.move_log_into_database();
    }
}

/// Writes all of the batch, or nothing.
fn write(
    connection: &mut Connection,
    index: &mut Option<Index>,
    batch: &Batch,
) -> rusqlite::Result<()> {
    // Taken, so that no error leaves an index behind that is ahead of the database.
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
