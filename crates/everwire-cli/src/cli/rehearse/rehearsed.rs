//! A name that is rehearsed.

use std::{collections::BTreeMap, path::PathBuf, rc::Rc, sync::Arc};

use everwire::{ConnectionName, ConnectionSettings};

use super::{
    fault::{Fault, Place, What},
    model::{Model, file_key},
    placeholders::{Placeholders, Planted},
    playback::Playback,
    samples::Samples,
    shorten::shortened,
    stage::Subject,
};

/// A name that is to be rehearsed, and what stands in place of its secrets.
#[derive(Clone)]
pub struct Rehearsed {
    pub name: ConnectionName,
    pub settings: ConnectionSettings,
    /// In place of files that are not there.
    pub files: BTreeMap<PathBuf, String>,
    /// In place of stored secrets.
    pub stored: BTreeMap<String, String>,
    pub planted: Vec<Planted>,
    /// What is played back.
    pub playback: Option<Arc<Playback>>,
    pub placeholders: Rc<Placeholders>,
}

impl Rehearsed {
    /// What the peer of a run is made of.
    pub fn subject(&self, fault: Fault) -> Subject {
        let is_idle = fault == Fault::new(Place::Message, What::Silence);
        let settings = shortened(&self.settings, is_idle);
        let dialogue = settings.dialogue.clone().unwrap_or_default();
        Subject {
            name: self.name.to_string(),
            samples: Samples::of(&dialogue, &self.placeholders),
            dialogue,
            settings,
        }
    }

    /// What the peer knows before the first dial.
    pub fn model(&self) -> Model {
        let files = self.files.iter();
        let files = files.map(|(path, content)| (file_key(path), content.clone()));
        let stored = self.stored.iter();
        let stored = stored.map(|(id, content)| (id.clone(), content.clone()));
        Model::new(self.name.to_string(), files.chain(stored).collect())
    }

    /// What must be shown nowhere in a run. A peer that repeats what it refuses says secrets that are the name's own.
    pub fn looked_for(&self, fault: Fault) -> Vec<Planted> {
        let mut planted = self.planted.clone();
        if fault.what == What::Refusal {
            let all = planted.iter_mut();
            all.for_each(|planted| planted.in_messages = false);
        }
        planted
    }
}
