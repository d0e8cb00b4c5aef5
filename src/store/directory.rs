//! The directory of the store: who may see it, and who has it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{StoreError, file_id::FileId};

/// How long an owner that is on its way out is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The directory, locked until this value is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: File,
}

impl Directory {
    /// Creates the directory if it is missing, readable for its owner alone, and takes it for this process.
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

    /// Takes the directory of the same path again, where another one is there or its lock was deleted.
    pub(super) fn lock_again(&mut self) -> Result<(), StoreError> {
        if !self.has_its_lock() {
            *self = Self::lock(&self.path)?;
        }
        Ok(())
    }

    /// Whether another process would meet our lock. As long as nobody can tell, it would.
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

    /// Where the database is.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join("store.db")
    }

    /// Where a database is rebuilt from a damaged one.
    pub(super) fn rebuilt(&self) -> PathBuf {
        self.path.join("rebuilt.db")
    }

    /// Where a database is written that takes the place of one that is gone.
    pub(super) fn remade(&self) -> PathBuf {
        self.path.join("remade.db")
    }

    /// The directory itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the names of new files safe.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| StoreError::unusable(&self.path, error))
    }

    /// The log of the database that was opened a moment ago, to be synced.
    pub(super) fn open_log(&self) -> Result<File, StoreError> {
        let log = beside(&self.database(), "-wal");
        File::open(&log).map_err(|error| StoreError::unusable(&log, error))
    }

    /// What the database says, told of its file.
    pub(super) fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(self.database(), error)
    }

    /// Somebody else keeps the database from moving on.
    pub(super) fn busy(&self) -> StoreError {
        StoreError::Busy {
            path: self.database(),
        }
    }
}

/// Takes the lock. It belongs to the open file, which a child that another thread has just forked holds, too, until it
/// executes its program: so a lock that was let go a moment ago may be free only a moment later.
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

/// The file that SQLite keeps beside a database, by its ending.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Opens a file for its owner alone, and creates it if it is missing.
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

/// For the operator: who has the directory.
fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
