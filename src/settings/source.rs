//! The source of files and variables.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The largest file that [`System`] reads, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// The source of the configuration's files and variables; a test has its own.
pub trait Source {
    /// The value of an environment variable, if it is set.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file; at most 64 MiB, so that a device or a wrong path cannot fill the memory.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// The paths in a folder; `None` if `path` is not a folder.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    fn list(&self, path: &Path) -> io::Result<Option<Vec<PathBuf>>>;
}

/// This process's environment and file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Source for System {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        // One byte beyond the limit shows that a file is too large.
        let size = File::open(path)?
            .take(MAX_FILE + 1)
            .read_to_string(&mut text)?;
        match size as u64 > MAX_FILE {
            true => Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the file is larger than 64 MiB",
            )),
            false => Ok(text),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        if !std::fs::metadata(path)?.is_dir() {
            return Ok(None);
        }
        std::fs::read_dir(path)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()
            .map(Some)
    }
}
