//! The place of an expression or a template: the names there, and the outside world.

use std::path::PathBuf;

use super::{BuiltIn, BuiltIns, LanguageError, Names, Secret, json::PointerSet};

/// Things outside of the configuration that it may refer to.
pub trait Outside {
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<Secret>;

    /// The file of a `${file:PATH}`, whose path may be relative.
    fn file(&self, path: &str) -> PathBuf;

    /// Checks the id of a secret.
    ///
    /// # Errors
    ///
    /// Why it is invalid.
    fn secret_id(&self, id: &str) -> Result<(), String>;

    /// Whether the environment and files may be used. Over the API they may not.
    fn is_open(&self) -> bool;
}

/// Nothing: neither an environment, nor files. Used for texts from the API.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingOutside;

impl Outside for NothingOutside {
    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn file(&self, path: &str) -> PathBuf {
        path.into()
    }

    fn secret_id(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn is_open(&self) -> bool {
        false
    }
}

/// The place of a text that is compiled.
pub struct Scope<'a> {
    /// The captures and `let`s of the connection.
    pub names: &'a Names,
    /// The built-in names of this place. Without [`BuiltIn::Message`] there is nothing that a
    /// pointer could read.
    pub built_ins: BuiltIns,
    /// Whether there is an HTTP answer, for `header()` and `cookie()`.
    pub http: bool,
    /// The pointers of all expressions that read the same messages.
    pub pointers: &'a mut PointerSet,
    /// Environment and files.
    pub outside: &'a dyn Outside,
    /// The warnings so far.
    pub warnings: Vec<LanguageError>,
}

impl<'a> Scope<'a> {
    /// A place in the dialogue of a socket: all names except those of an HTTP answer.
    pub fn new(names: &'a Names, pointers: &'a mut PointerSet, outside: &'a dyn Outside) -> Self {
        let mut built_ins = BuiltIns::default();
        for built_in in BuiltIn::ALL {
            if built_in != BuiltIn::Status {
                built_ins = built_ins.with(built_in);
            }
        }
        Self {
            names,
            built_ins,
            http: false,
            pointers,
            outside,
            warnings: Vec::new(),
        }
    }

    /// The same place with these built-in names.
    #[must_use]
    pub fn with_built_ins(self, built_ins: BuiltIns) -> Self {
        Self { built_ins, ..self }
    }

    /// The same place with an HTTP answer.
    #[must_use]
    pub fn with_http(self) -> Self {
        Self {
            built_ins: self.built_ins.with(BuiltIn::Status),
            http: true,
            ..self
        }
    }
}
