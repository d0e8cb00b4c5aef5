//! Turns errors of the system and of the database into errors of the store.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

use crate::stored::StoreError;

impl StoreError {
    /// An error of the system while the store is in use.
    pub(crate) fn from_io(path: PathBuf, error: io::Error) -> Self {
        match is_full(&error) {
            true => Self::Full { path },
            false => Self::Io {
                path,
                source: error.into(),
            },
        }
    }

    /// An error of the system before the store is open.
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
        // On a full disk, the index of the log is the first file that cannot grow. SQLite reports
        // this with a vague error.
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

/// Whether the error says that the file is damaged.
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
