//! Opens the store in whatever state it was left.

use std::path::Path;

use rusqlite::Connection;

use super::{
    Damage, Recovered, Store, StoreError,
    directory::{Directory, private_file},
    error::is_damage,
    index::Index,
    place::Place,
    remake, salvage,
    schema::{self, Unfit},
};

/// With more free pages than this, and little else in the database, the free pages are returned at
/// the start: 64 MiB.
const FREE_PAGES: i64 = 16_384;

/// The limit for "little": 16 MiB.
const FEW_PAGES: i64 = 4096;

impl Store {
    /// Opens the store in `dir`, which is created if it is missing, and reads what it holds.
    ///
    /// An incomplete end of the log is cut off. A damaged database is set aside, and its readable
    /// part is copied into a new one: see [`Recovered::damage`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] says what is wrong with the directory or that another process has it, and
    /// what would be right.
    pub fn open(dir: &Path) -> Result<(Self, Recovered), StoreError> {
        let directory = Directory::lock(dir)?;
        salvage::finish_interrupted(&directory)?;
        remake::clear_interrupted(&directory)?;
        match read(&directory)? {
            Outcome::Read(opened) => finish(directory, *opened, None),
            Outcome::Damaged(reason) => {
                let damage = salvage::rebuild(&directory, reason)?;
                match read(&directory)? {
                    Outcome::Read(opened) => finish(directory, *opened, Some(damage)),
                    Outcome::Damaged(reason) => Err(StoreError::Damaged {
                        path: directory.database(),
                        source: reason.into(),
                    }),
                }
            }
        }
    }
}

enum Outcome {
    Read(Box<Opened>),
    Damaged(String),
}

struct Opened {
    connection: Connection,
    index: Index,
    recovered: Recovered,
}

/// Opens the database, and creates it if it is missing. Damage is not an error here.
fn read(directory: &Directory) -> Result<Outcome, StoreError> {
    let path = directory.database();
    private_file(&path).map_err(|error| StoreError::unusable(&path, error))?;
    match try_read(&path) {
        Ok(Ok(opened)) => Ok(Outcome::Read(Box::new(opened))),
        Ok(Err(Unfit::Damaged(reason))) => Ok(Outcome::Damaged(reason)),
        Ok(Err(Unfit::Newer(found))) => Err(StoreError::Newer {
            path,
            found,
            known: schema::VERSION,
        }),
        Err(error) if is_damage(&error) => Ok(Outcome::Damaged(error.to_string())),
        Err(error) => Err(directory.error(error)),
    }
}

fn try_read(path: &Path) -> rusqlite::Result<Result<Opened, Unfit>> {
    let mut connection = schema::connect(path)?;
    schema::use_log(&connection)?;
    if let Err(unfit) = schema::check(&mut connection)? {
        return Ok(Err(unfit));
    }
    let recovered = Recovered::read(&connection)?;
    let index = Index::read(&connection)?;
    Ok(Ok(Opened {
        connection,
        index,
        recovered,
    }))
}

fn finish(
    directory: Directory,
    opened: Opened,
    damage: Option<Damage>,
) -> Result<(Store, Recovered), StoreError> {
    let Opened {
        connection,
        index,
        mut recovered,
    } = opened;
    recovered.damage = damage;
    shrink(&connection).map_err(|error| directory.error(error))?;
    let wal = directory.open_log()?;
    let place = Place::of(&directory)?;
    directory.sync()?;
    let mut store = Store {
        connection: Some(connection),
        wal,
        place,
        index: Some(index),
        doubtful: false,
        directory,
    };
    // What the store reports from here on may come from a log that the previous process did not
    // sync.
    store.sync()?;
    Ok((store, recovered))
}

/// Shrinks a database that is large and almost empty, as after a long outage.
fn shrink(connection: &Connection) -> rusqlite::Result<()> {
    let count = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (pages, free) = (count("page_count")?, count("freelist_count")?);
    if free < FREE_PAGES || pages - free > FEW_PAGES {
        return Ok(());
    }
    match connection.execute_batch("VACUUM") {
        // A database that cannot be shrunk still works.
        Err(error) if is_damage(&error) => Err(error),
        Err(_) | Ok(()) => Ok(()),
    }
}
