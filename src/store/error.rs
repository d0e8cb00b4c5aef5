//! What can go wrong with the store.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Why the store cannot be opened, or why a commit failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the directory, or another store of this one.
    #[error(
        "{} is in use by another everwire{}; stop that one, or give this one a state_dir of its own",
        dir.display(),
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Who has it, as far as can be told.
        pid: Option<u32>,
    },
    /// The directory, or a file in it, cannot be used.
    #[error("{}: {source}; {}", path.display(), advice(source))]
    Unusable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A later version of everwire has written it.
    #[error(
        "{} has schema {found}, and this everwire knows {known} at most; run the version that wrote it, or a later one",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The latest schema that is understood.
        known: i64,
    },
    /// The disk is full, or a quota is used up. What was committed before is intact.
    #[error("no space is left for {}; make room on its file system", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// Another program, such as an operator's shell, is writing to the database.
    #[error("{} is locked by another program; end it", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// Its files are no longer where their paths lead: the directory, or a file in it, was deleted, moved or replaced.
    #[error(
        "{} was removed, moved away or replaced while everwire used it; it is made anew as soon as that is possible",
        path.display()
    )]
    Lost {
        /// The database.
        path: PathBuf,
    },
    /// The database was found damaged. Opening it again sets it aside and saves what can be read.
    #[error("{} is damaged: {source}; a restart saves what can be read", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The database.
        path: PathBuf,
        /// What the system says.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether it can pass while the process waits: the disk gets room, or can be written to again. Otherwise `state_dir`, or what runs
    /// in it, has to be changed: another process has it, a later version has written it, or it is no directory of this user.
    pub fn can_pass(&self) -> bool {
        use io::ErrorKind::{AlreadyExists, InvalidInput, NotADirectory, PermissionDenied};
        match self {
            Self::InUse { .. } | Self::Newer { .. } => false,
            Self::Unusable { source, .. } => !matches!(
                source.kind(),
                AlreadyExists | InvalidInput | NotADirectory | PermissionDenied
            ),
            Self::Full { .. }
            | Self::Busy { .. }
            | Self::Lost { .. }
            | Self::Damaged { .. }
            | Self::Io { .. } => true,
        }
    }

    /// An error of the system while the store is at work.
    pub(crate) fn from_io(path: PathBuf, error: io::Error) -> Self {
        match is_full(&error) {
            true => Self::Full { path },
            false => Self::Io {
                path,
                source: error.into(),
            },
        }
    }

    /// An error of the system before the store is at work.
    pub(super) fn unusable(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match is_full(&error) {
            true => Self::Full { path },
            false => Self::Unusable {
                path,
                source: error,
            },
        }
    }

    /// An error of the database.
    pub(super) fn from_sqlite(path: PathBuf, error: rusqlite::Error) -> Self {
        if is_damage(&error) {
            return Self::Damaged {
                path,
                source: error.into(),
            };
        }
        // The index of the log is the first file that a full disk has no room for, and SQLite has no better word for it.
        let extended = error.sqlite_error().map(|error| error.extended_code);
        if extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::Full { path };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::ReadOnly) => Self::Unusable {
                path,
                source: io::ErrorKind::ReadOnlyFilesystem.into(),
            },
            Some(ErrorCode::PermissionDenied) => Self::Unusable {
                path,
                source: io::ErrorKind::PermissionDenied.into(),
            },
            _ => Self::Io {
                path,
                source: error.into(),
            },
        }
    }
}

/// Whether the error says that the file is not, or no longer, what was written.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Whether the row does not fit its table.
pub(super) fn is_misfit(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

fn advice(error: &io::Error) -> &'static str {
    use io::ErrorKind::{NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    match error.kind() {
        PermissionDenied => "state_dir must belong to the user that everwire runs as",
        ReadOnlyFilesystem => "state_dir must be on a file system that can be written to",
        NotADirectory | io::ErrorKind::AlreadyExists => "state_dir must be a directory",
        _ => "state_dir must be a directory that can be read and written",
    }
}
