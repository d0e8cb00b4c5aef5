//! Files and variables in memory, for one test.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use everwire::config::{ConnectionSettings, Diagnostics, Settings, Source};

#[derive(Default)]
pub struct Memory {
    files: BTreeMap<PathBuf, String>,
    variables: BTreeMap<String, String>,
}

#[allow(dead_code, reason = "each test file uses some of it")]
impl Memory {
    pub fn with_file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }

    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The settings in `text`.
    pub fn read(&self, text: &str) -> Result<Settings, Diagnostics> {
        Settings::from_toml_with(text, self)
    }

    /// The settings of the connection `a` with these keys.
    pub fn connection(&self, keys: &str) -> Result<ConnectionSettings, Diagnostics> {
        let text = format!("[connections.a]\nurl = 'wss://example.com'\n{keys}");
        self.read(&text).map(|mut settings| {
            let name = settings.connections.keys().next().unwrap().clone();
            settings.connections.remove(&name).unwrap()
        })
    }
}

impl Source for Memory {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        if self.files.contains_key(path) {
            return Ok(None);
        }
        let inside: Vec<_> = self
            .files
            .keys()
            .filter(|file| file.parent() == Some(path))
            .cloned()
            .collect();
        match inside.is_empty() {
            true => Err(io::ErrorKind::NotFound.into()),
            false => Ok(Some(inside)),
        }
    }
}
