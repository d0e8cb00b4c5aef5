//! A temporary folder for a run.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The folder for stored data of a run. It is removed with the value.
pub struct StateDir(PathBuf);

impl StateDir {
    /// A unique folder. It is created when something is stored.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("everwire-rehearse-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for StateDir {
    fn drop(&mut self) {
        // The folder may not exist.
        let _missing = std::fs::remove_dir_all(&self.0);
    }
}
