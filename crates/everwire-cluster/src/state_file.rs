//! What a process leaves to the next one of its node, in the `state_dir`.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use everwire_proto::placement::Kept;
use serde::{Deserialize, Serialize};

use crate::clocks::machine_start;

/// The file, and the lock that says that no other process uses it.
#[derive(Debug)]
pub(crate) struct StateFile {
    folder: PathBuf,
    _lock: File,
}

/// The file's content.
#[derive(Serialize, Deserialize)]
struct Content {
    /// Which start of the machine it was: a time of the boot clock means nothing after another.
    machine_start: Option<String>,
    #[serde(flatten)]
    kept: Kept,
}

const NAME: &str = "cluster.json";

impl StateFile {
    /// Locks the folder, and reads what the process before has left.
    ///
    /// # Errors
    ///
    /// If another process has the lock, or the folder cannot be used. What cannot be read is as if it
    /// were not there: the node then joins like a new one.
    pub fn open(folder: &Path) -> io::Result<(Self, Option<Kept>)> {
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("cluster.lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                io::Error::other("another process uses this folder: each node needs one of its own")
            }
            TryLockError::Error(error) => error,
        })?;
        let file = Self {
            folder: folder.to_owned(),
            _lock: lock,
        };
        let kept = match fs::read(file.path()) {
            Ok(bytes) => serde_json::from_slice::<Content>(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok((file, kept.map(Content::now)))
    }

    /// Keeps this in place of what was there. If it cannot be written, nothing is kept at all: what was
    /// there would tell the next process that it holds what this one has given away.
    ///
    /// # Errors
    ///
    /// If it can neither be written nor removed.
    pub fn keep(&self, kept: &Kept) -> io::Result<()> {
        self.write(kept)
            .or_else(|_| match fs::remove_file(self.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => self.sync(),
            })
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let content = Content {
            machine_start: machine_start(),
            kept: kept.clone(),
        };
        let new = self.folder.join("cluster.json.new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(&content)?)?;
        file.sync_all()?;
        fs::rename(&new, self.path())?;
        self.sync()
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }
}

impl Content {
    /// What it means now.
    fn now(self) -> Kept {
        let is_same_start = self.machine_start.is_some() && self.machine_start == machine_start();
        Kept {
            until: self.kept.until.filter(|_| is_same_start),
            ..self.kept
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use everwire_proto::placement::BootId;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("everwire-{name}-{}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        folder
    }

    fn kept() -> Kept {
        Kept {
            boots: vec![BootId::new(7)],
            until: Some(Duration::from_millis(1_500)),
            holds: [3.into(), 9.into()].into_iter().collect(),
        }
    }

    #[test]
    fn the_next_process_finds_what_was_kept_last() {
        let folder = folder("kept");
        let (file, nothing) = StateFile::open(&folder).unwrap();
        assert_eq!(nothing, None);
        file.keep(&Kept::default()).unwrap();
        file.keep(&kept()).unwrap();
        drop(file);
        let (_file, found) = StateFile::open(&folder).unwrap();
        assert_eq!(found, Some(kept()));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_second_process_is_refused() {
        let folder = folder("locked");
        let first = StateFile::open(&folder).unwrap();
        let refused = StateFile::open(&folder).unwrap_err();
        assert!(refused.to_string().contains("another process"), "{refused}");
        drop(first);
        StateFile::open(&folder).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_time_from_another_start_of_the_machine_means_nothing() {
        let folder = folder("restarted");
        let (file, _) = StateFile::open(&folder).unwrap();
        file.keep(&kept()).unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        let here = machine_start().unwrap();
        fs::write(file.path(), text.replace(&here, "another")).unwrap();
        drop(file);
        let (_file, found) = StateFile::open(&folder).unwrap();
        let expected = Kept {
            until: None,
            ..kept()
        };
        assert_eq!(found, Some(expected));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_written_does_not_leave_the_earlier_behind() {
        let folder = folder("unwritable");
        let (file, _) = StateFile::open(&folder).unwrap();
        file.keep(&kept()).unwrap();
        // A folder in the place of the new file: it cannot be created.
        fs::create_dir(folder.join("cluster.json.new")).unwrap();
        file.keep(&Kept::default()).unwrap();
        assert!(!file.path().exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_is_none_is_as_if_it_were_not_there() {
        let folder = folder("garbage");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(NAME), "no JSON").unwrap();
        let (_file, found) = StateFile::open(&folder).unwrap();
        assert_eq!(found, None);
        fs::remove_dir_all(folder).unwrap();
    }
}
