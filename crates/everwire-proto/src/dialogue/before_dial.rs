//! What is known for a dial, and what is filled with it.

use std::sync::Arc;

use super::{
    captures::Captures, here::Here, prepared::Prepared, preparing::Preparing,
    surroundings::Surroundings,
};
use crate::{
    language::{MessageTemplate, Step, Template, Unfilled},
    settings::dialogue::{Dialogue, Prepare},
};

/// What is known for a dial: the captures as they were when it began, and those that its [`Preparing`] has brought.
#[derive(Debug)]
pub struct BeforeDial {
    dialogue: Arc<Dialogue>,
    captures: Captures,
}

impl BeforeDial {
    /// For a name that has captured nothing yet.
    pub fn new(dialogue: Arc<Dialogue>) -> Self {
        Self::with(dialogue, Captures::default())
    }

    pub(super) fn with(dialogue: Arc<Dialogue>, captures: Captures) -> Self {
        Self { dialogue, captures }
    }

    /// The dialogue.
    pub fn dialogue(&self) -> &Arc<Dialogue> {
        &self.dialogue
    }

    /// What is to be done before the dial, if anything is. What a name does for itself alone begins with what it has captured.
    pub fn preparing(&self) -> Option<Preparing> {
        Some(match self.dialogue.prepare.as_ref()? {
            Prepare::Own(preparation) => Preparing::new(Arc::clone(preparation), "prepare")
                .with_captures(self.captures.copy()),
            Prepare::Shared(shared) => Preparing::shared(shared),
        })
    }

    /// That has passed.
    pub fn prepared(&mut self, prepared: &Prepared) {
        prepared.put_into(&mut self.captures, &self.dialogue.names);
    }

    /// A template of the dial, as a URL or a header, with its expressions filled.
    ///
    /// # Errors
    ///
    /// Why it cannot be filled.
    pub fn fill(&self, template: &MessageTemplate, here: &Here<'_>) -> Result<Template, Unfilled> {
        let world = Surroundings::new(here, &self.captures, None, None);
        template.filled(&Step::new(&world, &self.dialogue.lets))
    }
}
