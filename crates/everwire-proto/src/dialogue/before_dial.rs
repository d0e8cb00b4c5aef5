//! The known values for a dial, and the templates that use them.

use std::sync::Arc;

use super::{
    captures::Captures, here::Here, prepared::Prepared, preparing::Preparing,
    surroundings::Surroundings,
};
use crate::{
    language::{MessageTemplate, Step, Template, Unfilled},
    settings::dialogue::{Dialogue, Prepare},
};

/// The known values for a dial: the captures at its start, and those of its [`Preparing`].
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

    /// The preparation before the dial, if any. A name's own preparation starts with the captures
    /// of the name.
    pub fn preparing(&self) -> Option<Preparing> {
        Some(match self.dialogue.prepare.as_ref()? {
            Prepare::Own(preparation) => Preparing::new(Arc::clone(preparation), "prepare")
                .with_captures(self.captures.copy()),
            Prepare::Shared(shared) => Preparing::shared(shared),
        })
    }

    /// Adds the result of the preparation.
    pub fn prepared(&mut self, prepared: &Prepared) {
        prepared.put_into(&mut self.captures, &self.dialogue.names);
    }

    /// Renders a template of the dial, such as a URL or a header.
    ///
    /// # Errors
    ///
    /// Why it cannot be rendered.
    pub fn fill(&self, template: &MessageTemplate, here: &Here<'_>) -> Result<Template, Unfilled> {
        let world = Surroundings::new(here, &self.captures, None, None);
        template.filled(&Step::new(&world, &self.dialogue.lets))
    }
}
