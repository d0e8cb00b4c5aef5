//! Captures of a preparation.

use std::{fmt, sync::Arc};

use super::captures::Captures;
use crate::language::{Name, Names, Value};

/// Captures of a preparation, by name; cleared ones are absent. Cloning is cheap: names may share
/// it.
#[derive(Clone, Default, PartialEq)]
pub struct Prepared(Arc<[(Box<str>, Value<'static>)]>);

impl Prepared {
    /// What these captures have set or cleared.
    pub(super) fn of(captures: &Captures, names: &Names) -> Self {
        let names = (0..).zip(names.captures());
        let touched = names.filter(|(at, _)| captures.was_touched(*at));
        let value = |(at, name): (u16, &str)| (name.into(), captures.get(at).into_owned());
        Self(touched.map(value).collect())
    }

    /// Sets the captures of the same names.
    pub(super) fn put_into(&self, captures: &mut Captures, names: &Names) {
        for (name, value) in self.0.iter() {
            if let Some(Name::Capture(at)) = names.find(name) {
                captures.put(at, value.clone(), names);
            }
        }
    }

    /// Its texts, all of which are secret.
    pub fn secrets(&self) -> impl Iterator<Item = String> {
        let texts = self.0.iter().map(|(_, value)| value.as_text());
        texts.filter_map(|text| text.map(|text| text.into_owned()))
    }
}

impl fmt::Debug for Prepared {
    /// Shows only the names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}
