//! The base: a layer below `[defaults]`, for keys that a configuration does not set.

use std::path::Path;

use serde_json::Value as Json;

use super::{
    Diagnostics,
    load::{self, Program},
    schema,
};
use crate::settings::{Settings, Source, System};

/// Values for keys that a configuration does not set: keys of a connection, as in `[defaults]`.
/// They are a layer below `[defaults]`, and nearer layers override them key by key. Names that are
/// opened at run time inherit them, too.
///
/// A program that reads configurations declares this once, and uses it wherever it reads or
/// describes a configuration.
///
/// ```
/// use everwire::config::{Base, DialPolicy};
///
/// const BASE: Base = Base::new("history = { messages = 100, bytes = '256KiB' }");
///
/// let settings = BASE.from_toml("connections.feed = { url = 'wss://example.com', history.messages = 7 }")?;
/// let history = settings.connections["feed"].history;
/// assert_eq!((history.messages, history.bytes), (7, 256 << 10));
///
/// let json = br#"{"url": "wss://example.com/other"}"#;
/// let other = settings.inherited.connection(json, &DialPolicy::PublicOnly)?;
/// assert_eq!(other.history.messages, 100);
///
/// let properties = &BASE.schema()["$defs"]["connection"]["properties"];
/// assert_eq!(properties["history"]["properties"]["messages"]["default"], 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Base {
    program: Program,
}

impl Base {
    /// Empty: keys that a configuration does not set have their declared defaults.
    pub const NONE: Self = Self::new("");

    /// Keys of a connection in TOML. Errors in them are reported as if each configuration contained
    /// them.
    pub const fn new(keys: &'static str) -> Self {
        Self {
            program: Program {
                keys,
                without_nats: None,
            },
        }
    }

    /// The same for a program that has no bridge to NATS: `[nats]` and `[cluster]` are errors, and `instead` says what would be right.
    ///
    /// ```
    /// use everwire::config::Base;
    ///
    /// const BASE: Base = Base::NONE.without_nats("remove it");
    /// let told = BASE.from_toml("[nats]\nservers = ['nats://127.0.0.1:4222']\nin = {}").unwrap_err();
    /// assert_eq!(told.iter().next().map(|error| error.line), Some(1));
    /// ```
    pub const fn without_nats(mut self, instead: &'static str) -> Self {
        self.program.without_nats = Some(instead);
        self
    }

    /// Reads settings from a file or a folder, like [`Settings::load`].
    ///
    /// # Errors
    ///
    /// All errors in it.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Settings, Diagnostics> {
        self.load_with(path, &System)
    }

    /// Reads settings from a file or a folder, like [`Settings::load_with`].
    ///
    /// # Errors
    ///
    /// All errors in it.
    pub fn load_with(
        &self,
        path: impl AsRef<Path>,
        source: &dyn Source,
    ) -> Result<Settings, Diagnostics> {
        load::load(path.as_ref(), self.program, source)
    }

    /// Reads settings as [`load`](Self::load) does, and looks at the files that only a dial reads: those of `tls` must be usable, and one of
    /// a `${file:PATH}` that cannot be read is a warning.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn check(&self, path: impl AsRef<Path>) -> Result<Settings, Diagnostics> {
        load::check(path.as_ref(), self.program)
    }

    /// Reads settings from TOML text, like [`Settings::from_toml`].
    ///
    /// # Errors
    ///
    /// All errors in it.
    pub fn from_toml(&self, text: &str) -> Result<Settings, Diagnostics> {
        self.from_toml_with(text, &System)
    }

    /// Reads settings from TOML text, like [`Settings::from_toml_with`].
    ///
    /// # Errors
    ///
    /// All errors in it.
    pub fn from_toml_with(&self, text: &str, source: &dyn Source) -> Result<Settings, Diagnostics> {
        load::from_toml(text, self.program, source)
    }

    /// The JSON Schema of a configuration file, like [`schema`](super::schema()), with these keys
    /// as the defaults.
    pub fn schema(&self) -> Json {
        schema::with_defaults(self.program.keys)
    }
}
