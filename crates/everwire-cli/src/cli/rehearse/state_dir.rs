//! A folder of a run.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Where the names of a run keep what outlives them: removed with it.
pub struct StateDir(PathBuf);

impl StateDir {
    /// A folder that nobody else has; it is made when something is to be kept.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("everwire-rehearse-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for StateDir {
    fn drop(&mut self) {
        // It may never have been made.
        let _missing = std::fs::remove_dir_all(&self.0);
    }
}
