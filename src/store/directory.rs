//! The directory of the store: its permissions, and its lock.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{StoreError, file_id::FileId};

/// How long to wait for an earlier process that is about to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// The directory, locked until this value is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: File,
}

impl Directory {
    /// Creates the directory if it is missing, readable only for its owner, and locks it for this
    /// process.
    pub(super) fn lock(path: &Path) -> Result<Self, StoreError> {
        create(path).map_err(|error| StoreError::unusable(path, error))?;
        let lock_path = path.join("lock");
        let unusable = |error| StoreError::unusable(&lock_path, error);
        let mut lock = private_file(&lock_path).map_err(unusable)?;
        match take(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse {
                    dir: path.to_owned(),
                    pid: read_pid(&mut lock),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        write_pid(&mut lock).map_err(unusable)?;
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    /// Locks the directory at the same path again, after the directory was replaced or the lock
    /// file was deleted.
    pub(super) fn lock_again(&mut self) -> Result<(), StoreError> {
        if !self.has_its_lock() {
            *self = Self::lock(&self.path)?;
        }
        Ok(())
    }

    /// Whether another process would see our lock. `true` if the system cannot say.
    pub(super) fn has_its_lock(&self) -> bool {
        let held = self.lock.metadata().map(|metadata| FileId::of(&metadata));
        match (held, FileId::at(&self.lock_path())) {
            (Ok(held), Ok(found)) => found == Some(held),
            _ => true,
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// The path of the database.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join("store.db")
    }

    /// The path of a new database that is built from a damaged one.
    pub(super) fn rebuilt(&self) -> PathBuf {
        self.path.join("rebuilt.db")
    }

    /// The path of a new database that replaces a deleted one.
    pub(super) fn remade(&self) -> PathBuf {
        self.path.join("remade.db")
    }

    /// The directory itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the names of new files durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| StoreError::unusable(&self.path, error))
    }

    /// The log of a database that was just opened, for syncs.
    pub(super) fn open_log(&self) -> Result<File, StoreError> {
        let log = beside(&self.database(), "-wal");
        File::open(&log).map_err(|error| StoreError::unusable(&log, error))
    }

    /// An error of the database, with its path.
    pub(super) fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(self.database(), error)
    }

    /// Another program keeps a lock on the database.
    pub(super) fn busy(&self) -> StoreError {
        StoreError::Busy {
            path: self.database(),
        }
    }
}

/// Takes the lock. The lock belongs to the open file. A child process that another thread has just
/// forked also holds it until its `exec`. So a released lock may become free a moment later.
fn take(lock: &File) -> Result<(), TryLockError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(10));
            }
            taken => return taken,
        }
    }
}

/// The path of a file that SQLite keeps beside a database, by its suffix.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Opens a file that only its owner may read, and creates it if it is missing.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes the process id, so that an operator sees which process has the directory.
fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
