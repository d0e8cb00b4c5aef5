//! What can go wrong with the store.

use std::{error::Error, io, path::PathBuf};

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
    #[error("{} is locked by another program; end that program", path.display())]
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
    /// Whether the error can pass while the process runs: the disk gets space, or becomes writable
    /// again. Otherwise `state_dir` or its user must be changed: another process has it, a later
    /// version has written it, or it is not a directory of this user.
    ///
    /// ```
    /// use everwire::{Manager, Settings, manager::StartError};
    ///
    /// match Manager::spawn(Settings::default()) {
    ///     Ok(manager) => println!("{} names", manager.len()),
    ///     // A manager starts all the same where it can: it waits for the store.
    ///     Err(StartError::Store(error)) => assert!(!error.can_pass(), "{error}"),
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// ```
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
