//! The inputs of the steps before a dial.

use std::sync::Arc;

use everwire_proto::{
    dialogue::{BeforeDial, Happening},
    settings::dialogue::Dialogue,
};
use parking_lot::Mutex;

use crate::{
    core::{ConnectionName, Owner},
    settings::{ConnectionSettings, DialPolicy, Template},
    transport::prepared::PreparedDial,
};

/// The steps before a dial and their inputs.
pub(crate) struct Before {
    /// Values that were captured before.
    pub known: BeforeDial,
    /// The result, if the steps were done ahead of the dial.
    pub done: Option<Box<PreparedDial>>,
    /// Receives what is being done.
    pub preparing: Preparing,
    /// Receives what happens, if somebody watches.
    pub teller: Option<Teller>,
    pub name: ConnectionName,
    /// Which addresses may be called. A URL that the peer named has a policy of its own.
    pub policy: DialPolicy,
    /// Whether the dial goes to a URL that the peer named.
    pub handover: bool,
    /// The last sequence number of the peer.
    pub sequence: Option<u64>,
}

/// A function that is told what happens.
pub(crate) type Teller = Box<dyn Fn(Happening) + Send + Sync>;

/// What is being done before a dial. The dial writes it, and the status of the name reads it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preparing(Arc<Mutex<Option<Box<str>>>>);

/// The settings that a dial is for.
#[derive(Clone, Copy)]
pub(crate) struct ForDial<'a> {
    pub settings: &'a Arc<ConnectionSettings>,
    pub urls: &'a [Template],
    /// The index of the URL that is dialled.
    pub number: usize,
    pub owner: Option<&'a Owner>,
}

impl Before {
    /// The steps for a dial with these settings and without captured values; `None` if there is
    /// nothing to do and nothing to fill.
    pub fn of(settings: &ConnectionSettings, name: &ConnectionName) -> Option<Box<Self>> {
        let dialogue = settings.dialogue.as_ref()?;
        Self::is_needed(dialogue).then(|| {
            Box::new(Self {
                known: BeforeDial::new(Arc::clone(dialogue)),
                done: None,
                preparing: Preparing::default(),
                teller: None,
                name: name.clone(),
                policy: settings.dial_policy.clone(),
                handover: false,
                sequence: None,
            })
        })
    }

    /// Whether a dial needs a step or has an expression to fill.
    pub fn is_needed(dialogue: &Dialogue) -> bool {
        dialogue.prepare.is_some() || !dialogue.dial.is_empty()
    }
}

impl Preparing {
    /// What is being done: a program, or a method and the URL as written, without its query.
    pub fn shown(&self) -> Option<String> {
        self.0.lock().as_deref().map(str::to_owned)
    }

    pub(super) fn tell(&self, call: &str) {
        *self.0.lock() = Some(call.into());
    }

    /// Returns a guard that clears the text when it is dropped.
    pub(super) fn begin(&self) -> impl Drop + use<> {
        Told(self.clone())
    }
}

/// Clears the text when it is dropped.
struct Told(Preparing);

impl Drop for Told {
    fn drop(&mut self) {
        *self.0.0.lock() = None;
    }
}
