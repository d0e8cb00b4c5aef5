//! Files that went away under the store: what it holds is written where its path leads.
//!
//! All of it can still be read, though no path leads there any more: the files are open.

use std::{fs, path::PathBuf};

use rusqlite::{Connection, config::DbConfig};

use super::{
    Index, Lost, Place, Store, StoreError,
    directory::{Directory, beside, private_file},
    salvage::{self, Copied},
    schema::{self, Unfit},
};

/// What became of a store whose files had gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Remade {
    /// How many messages of outboxes it holds.
    pub saved: u64,
    /// Whether it holds all that it held. Otherwise a part of the open files could not be read either.
    pub complete: bool,
    /// Where another database is now that lay in its place.
    pub moved_to: Option<PathBuf>,
}

impl Store {
    /// After [`StoreError::Lost`]: has all that the store holds where its path leads, in new files if need be.
    ///
    /// # Errors
    ///
    /// What keeps it from that. The store holds all that it held, and it can be tried again.
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

/// Throws away what an interrupted [`anew`] has left.
pub(super) fn clear_interrupted(directory: &Directory) -> Result<(), StoreError> {
    salvage::remove(&directory.remade())
}

/// The database is there, and its log is not: all goes into the database, which then gets another log.
fn reopen(store: &mut Store) -> Result<Remade, StoreError> {
    if store.connection.is_some() {
        store.move_log_into_database()?;
    }
    // Two connections of a process would share the lost log's index: the one goes before the other comes.
    drop(store.connection.take());
    attach(store)?;
    unchanged(store)
}

/// The database is gone: another one is written beside its path, and takes its place when it is whole.
fn anew(store: &mut Store) -> Result<Remade, StoreError> {
    let remade = store.directory.remade();
    salvage::remove(&remade)?;
    private_file(&remade).map_err(|error| StoreError::unusable(&remade, error))?;
    let Copied { saved, complete } = salvage::copy(store.connection.as_ref(), &remade)
        .map_err(|error| StoreError::from_sqlite(remade.clone(), error))?;
    // From here on it is whole: should this process end, the next one has it be the database.
    let rebuilt = store.directory.rebuilt();
    fs::rename(&remade, &rebuilt).map_err(|error| StoreError::unusable(&remade, error))?;
    let moved_to = make_room(store, complete)?;
    salvage::install(&store.directory, &rebuilt)?;
    if let Some(old) = &store.connection {
        // When it is closed, the path of its log is that of the new one's.
        old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .map_err(|error| store.directory.error(error))?;
    }
    if let Err(error) = attach(store) {
        // The next attempt writes it again: the open files still have it.
        salvage::remove(&store.directory.database())?;
        return Err(error);
    }
    Ok(Remade {
        saved,
        complete,
        moved_to,
    })
}

/// Moves aside what lies where the database is to be. Our own log must meet no other database: it goes, if all was read from it.
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

/// Opens the database that lies at the path; on an error the store is as it was. All of it is on disk.
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

/// Nothing is missing.
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
