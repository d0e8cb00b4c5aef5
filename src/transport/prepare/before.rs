//! What is to be done before a dial, and for whom.

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

/// What is to be done before a dial, and what is known for it.
pub(crate) struct Before {
    /// What was captured before.
    pub known: BeforeDial,
    /// What was done already, ahead of the dial.
    pub done: Option<Box<PreparedDial>>,
    /// Told what is being done.
    pub preparing: Preparing,
    /// Told what happens, where somebody watches.
    pub teller: Option<Teller>,
    pub name: ConnectionName,
    /// What may be called. Where a peer has named the URL of the dial, that obeys another.
    pub policy: DialPolicy,
    /// Whether the dial is to a URL that the peer has named.
    pub handover: bool,
    /// The last of the peer's own numbers.
    pub sequence: Option<u64>,
}

/// Who is told what happens.
pub(crate) type Teller = Box<dyn Fn(Happening) + Send + Sync>;

/// What is being done before a dial, for the status: the dial tells it, and the name looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preparing(Arc<Mutex<Option<Box<str>>>>);

/// Whom a dial is for.
#[derive(Clone, Copy)]
pub(crate) struct ForDial<'a> {
    pub settings: &'a Arc<ConnectionSettings>,
    pub urls: &'a [Template],
    /// Which of the URLs is dialled.
    pub number: usize,
    pub owner: Option<&'a Owner>,
}

impl Before {
    /// Of a dial by these settings, for which nothing was captured before; `None`: nothing is to be done or filled.
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

    /// Whether anything is to be done or filled before a dial.
    pub fn is_needed(dialogue: &Dialogue) -> bool {
        dialogue.prepare.is_some() || !dialogue.dial.is_empty()
    }
}

impl Preparing {
    /// What is being done: a method and a URL as it was written, without its query, or a program.
    pub fn shown(&self) -> Option<String> {
        self.0.lock().as_deref().map(str::to_owned)
    }

    pub(super) fn tell(&self, call: &str) {
        *self.0.lock() = Some(call.into());
    }

    /// Until this is dropped something may be done.
    pub(super) fn begin(&self) -> impl Drop + use<> {
        Told(self.clone())
    }
}

/// Nothing is being done any more when this is dropped.
struct Told(Preparing);

impl Drop for Told {
    fn drop(&mut self) {
        *self.0.0.lock() = None;
    }
}
