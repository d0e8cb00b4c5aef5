//! Handles files that disappeared under the store: writes its content to the paths again.
//!
//! The content can still be read, because the files are still open.

use std::{fs, path::PathBuf};

use rusqlite::{Connection, config::DbConfig};

use super::{
    Index, Lost, Place, Store, StoreError,
    directory::{Directory, beside, private_file},
    salvage::{self, Copied},
    schema::{self, Unfit},
};

/// What happened to a store whose files were gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Remade {
    /// How many messages of outboxes it holds.
    pub saved: u64,
    /// Whether it holds everything that it held before. If not, a part of the open files could not
    /// be read either.
    pub complete: bool,
    /// The new place of another database that was at the path.
    pub moved_to: Option<PathBuf>,
}

impl Store {
    /// After [`StoreError::Lost`]: writes the content of the store to its paths again, in new files
    /// if necessary.
    ///
    /// # Errors
    ///
    /// Why it failed. The store still holds everything, and the call can be repeated.
    pub fn remake(&mut self) -> Result<Remade, StoreError> {
        let lost = self.place.lost(&self.directory);
        self.directory.lock_again()?;
        match lost {
            None if self.connection.is_some() => unchanged(self),
            None | Some(Lost::Beside) => reopen(self),
            Some(Lost::Database) => anew(self),
        }
    }
}

/// Deletes the leftovers of an interrupted [`anew`].
pub(super) fn clear_interrupted(directory: &Directory) -> Result<(), StoreError> {
    salvage::remove(&directory.remade())
}

/// The database is there, and its log is not: all content is moved into the database, which then
/// gets a new log.
fn reopen(store: &mut Store) -> Result<Remade, StoreError> {
    if store.connection.is_some() {
        store.move_log_into_database()?;
    }
    // Two connections in one process would share the index of the lost log. So the old one is
    // closed before the new one opens.
    drop(store.connection.take());
    attach(store)?;
    unchanged(store)
}

/// The database is gone: writes a new one beside its path, and moves it to the path when it is
/// complete.
fn anew(store: &mut Store) -> Result<Remade, StoreError> {
    let remade = store.directory.remade();
    salvage::remove(&remade)?;
    private_file(&remade).map_err(|error| StoreError::unusable(&remade, error))?;
    let Copied { saved, complete } = salvage::copy(store.connection.as_ref(), &remade)
        .map_err(|error| StoreError::from_sqlite(remade.clone(), error))?;
    // From here on it is complete: if this process ends, the next one uses it as the database.
    let rebuilt = store.directory.rebuilt();
    fs::rename(&remade, &rebuilt).map_err(|error| StoreError::unusable(&remade, error))?;
    let moved_to = make_room(store, complete)?;
    salvage::install(&store.directory, &rebuilt)?;
    if let Some(old) = &store.connection {
        // Closing the old connection must not touch the log at the path: that is the new one's.
        old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .map_err(|error| store.directory.error(error))?;
    }
    if let Err(error) = attach(store) {
        // The next attempt writes it again from the open files.
        salvage::remove(&store.directory.database())?;
        return Err(error);
    }
    Ok(Remade {
        saved,
        complete,
        moved_to,
    })
}

/// Moves aside what is at the path of the database. Our own log must not meet another database: it
/// is deleted if everything was read from it.
fn make_room(store: &Store, complete: bool) -> Result<Option<PathBuf>, StoreError> {
    let database = store.directory.database();
    let mut is_foreign = salvage::exists(&database)?;
    for path in ["-wal", "-shm"].map(|ending| beside(&database, ending)) {
        if complete && store.place.is_ours_beside(&path) {
            fs::remove_file(&path).map_err(|error| StoreError::unusable(&path, error))?;
        }
        is_foreign |= salvage::exists(&path)?;
    }
    match is_foreign {
        true => salvage::set_aside(&store.directory, "displaced").map(Some),
        false => Ok(None),
    }
}

/// Opens the database at the path. On an error, the store is unchanged. All content is on disk.
fn attach(store: &mut Store) -> Result<(), StoreError> {
    let directory = &store.directory;
    let (connection, index) = open(directory)?;
    let wal = directory.open_log()?;
    let place = Place::of(directory)?;
    directory.sync()?;
    store.connection = Some(connection);
    store.wal = wal;
    store.place = place;
    store.index = Some(index);
    store.doubtful = false;
    Ok(())
}

fn open(directory: &Directory) -> Result<(Connection, Index), StoreError> {
    let path = directory.database();
    let opened = || {
        let mut connection = schema::connect(&path)?;
        schema::use_log(&connection)?;
        if let Err(unfit) = schema::check(&mut connection)? {
            return Ok(Err(unfit));
        }
        let index = Index::read(&connection)?;
        Ok(Ok((connection, index)))
    };
    opened()
        .map_err(|error| directory.error(error))?
        .map_err(|unfit| StoreError::Damaged {
            path,
            source: match unfit {
                Unfit::Damaged(reason) => reason.into(),
                Unfit::Newer(schema) => format!("it has schema {schema}").into(),
            },
        })
}

/// The result for a store that lost nothing.
fn unchanged(store: &Store) -> Result<Remade, StoreError> {
    let count = "SELECT count(*) FROM outbox";
    let saved = store
        .connection()?
        .query_row(count, [], |row| row.get::<_, i64>(0))
        .map_err(|error| store.directory.error(error))?;
    Ok(Remade {
        saved: saved.cast_unsigned(),
        complete: true,
        moved_to: None,
    })
}
