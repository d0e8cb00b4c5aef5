//! A spool that cannot be read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::{Error, ErrorCode, ffi};

/// Whether the file is not a spool, or no longer one.
pub fn is_damage(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// The error for a file of another version of everwire.
pub fn other_version(version: i64) -> Error {
    let text = format!("the file is of another version ({version})");
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOTADB), Some(text))
}

/// The error for a row that does not have what was written.
pub fn unreadable(name: &str) -> Error {
    let text = format!("a row of {name} cannot be read");
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(text))
}

/// Renames a damaged spool, with SQLite's other files. Returns the new path.
pub fn put_aside(path: &Path) -> Option<PathBuf> {
    let at = Timestamp::now().as_second();
    let named = |ending: &str, more: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{more}{ending}"));
        PathBuf::from(name)
    };
    let aside = format!(".damaged-{at}");
    fs::rename(path, named("", &aside)).ok()?;
    for ending in ["-wal", "-shm"] {
        // It may not exist.
        let _renamed = fs::rename(named(ending, ""), named(ending, &aside));
    }
    Some(named("", &aside))
}
