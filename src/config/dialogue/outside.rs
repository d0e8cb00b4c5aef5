//! The outside world, as far as texts may refer to it.

use std::{cell::RefCell, path::PathBuf};

use crate::{
    config::read::{Context, Origin, Place},
    core::ConnectionName,
    settings::Source,
};
use everwire_proto::language::{self, Secret};

/// The environment, and files with paths relative to the configuration's files.
pub(super) struct Outside<'s> {
    source: &'s dyn Source,
    folder: PathBuf,
    is_open: bool,
    /// The paths that the text has named, as they are written.
    named: RefCell<Vec<String>>,
}

impl<'s> Outside<'s> {
    /// For the text at this place.
    pub fn of(place: Place, context: &Context<'s>) -> Self {
        Self {
            source: context.source,
            folder: context.resolve(place, ""),
            is_open: context.origin == Origin::Files,
            named: RefCell::default(),
        }
    }

    /// The paths that the text has named, as they are written.
    pub fn into_named(self) -> Vec<String> {
        self.named.into_inner()
    }
}

impl language::Outside for Outside<'_> {
    fn variable(&self, name: &str) -> Option<Secret> {
        self.source.variable(name).map(Secret::new)
    }

    fn file(&self, path: &str) -> PathBuf {
        self.named.borrow_mut().push(path.to_owned());
        self.folder.join(path)
    }

    fn secret_id(&self, id: &str) -> Result<(), String> {
        let checked = ConnectionName::new(id);
        checked.map(drop).map_err(|error| error.to_string())
    }

    fn is_open(&self) -> bool {
        self.is_open
    }
}
