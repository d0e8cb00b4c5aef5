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

/// A name to rehearse, with placeholders for its secrets.
#[derive(Clone)]
pub struct Rehearsed {
    pub name: ConnectionName,
    pub settings: ConnectionSettings,
    /// Replaces missing files.
    pub files: BTreeMap<PathBuf, String>,
    /// Replaces stored secrets.
    pub stored: BTreeMap<String, String>,
    pub planted: Vec<Planted>,
    /// The recording to play back.
    pub playback: Option<Arc<Playback>>,
    pub placeholders: Rc<Placeholders>,
}

impl Rehearsed {
    /// The name as the peer of a run needs it.
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

    /// The texts that must not be shown in a run. A peer that repeats a refused request sends the
    /// name's own secrets, so messages for subscribers are then not checked.
    pub fn looked_for(&self, fault: Fault) -> Vec<Planted> {
        let mut planted = self.planted.clone();
        if fault.what == What::Refusal {
            let all = planted.iter_mut();
            all.for_each(|planted| planted.in_messages = false);
        }
        planted
    }
}
