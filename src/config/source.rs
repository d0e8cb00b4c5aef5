//! Where files and variables come from.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Where the configuration's files and variables come from; a test brings its own.
pub trait Source {
    /// The value of an environment variable, if it is set.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of a file.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// The paths in a folder, or `None` when `path` is no folder.
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
        std::fs::read_to_string(path)
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
