//! The status of a bridge.

use std::{collections::BTreeMap, sync::Arc};

use everwire::ConnectionName;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;

use crate::{error::BridgeError, lanes::DropReason, part::Part};

/// The status of a bridge.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct BridgeStatus {
    /// The server that the bridge is connected to.
    pub server: Option<String>,
    /// Why no messages are carried now, or the last such reason.
    pub error: Option<Trouble>,
    /// The direction from sockets to the stream.
    pub inbound: InStatus,
    /// The direction from the queue to sockets.
    pub outbound: OutStatus,
    /// Differences between the streams and the settings.
    pub differences: Vec<String>,
}

/// A fault.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Trouble {
    /// A stable code.
    pub code: &'static str,
    /// The error text.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// Whether it is still present.
    pub is_now: bool,
}

impl Trouble {
    /// A fault that is present since now.
    pub fn now(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            at: Timestamp::now(),
            is_now: true,
        }
    }
}

/// From sockets to the stream.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct InStatus {
    /// Messages that the stream has acknowledged.
    pub published: u64,
    /// Messages that were published again.
    pub redelivered: u64,
    /// Unacknowledged messages: published, in memory, in the spool.
    pub pending: u64,
    /// Messages in the spool.
    pub spool_messages: u64,
    /// Bytes of messages in the spool.
    pub spool_bytes: u64,
    /// Dropped messages, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Names whose messages are refused, with the reason: at most 64.
    pub refused: BTreeMap<ConnectionName, String>,
}

/// From the queue to sockets.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct OutStatus {
    /// Messages that were sent and have left the queue.
    pub sent: u64,
    /// Messages that could not be sent and have left the queue.
    pub refused: u64,
    /// Messages in memory: in flight or waiting.
    pub held: u64,
    /// Messages that were dropped from memory and read again from the stream.
    pub read_again: u64,
    /// Names with messages that must be read again.
    pub names_behind: u64,
}

/// How many names of refused lanes are kept.
const MAX_REFUSED: usize = 64;

/// The status, shared with those who ask for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    status: BridgeStatus,
    links: Vec<LinkStatus>,
}

/// The connection of a part.
#[derive(Clone, Debug)]
struct LinkStatus {
    part: Part,
    server: Option<String>,
    error: Option<Trouble>,
    differences: Vec<String>,
}

impl Shared {
    /// The present status: connected if all parts are; a present fault takes precedence over an
    /// earlier one.
    pub fn get(&self) -> BridgeStatus {
        let inner = self.0.lock();
        let mut status = inner.status.clone();
        let is_up = inner.links.iter().all(|link| link.server.is_some());
        let server = inner.links.first().and_then(|link| link.server.clone());
        status.server = server.filter(|_| is_up);
        let differences = inner.links.iter().flat_map(|link| link.differences.clone());
        status.differences = differences.collect();
        let errors = inner.links.iter().filter_map(|link| link.error.clone());
        status.error = errors.max_by_key(|error| (error.is_now, error.at));
        status
    }

    pub fn update(&self, change: impl FnOnce(&mut BridgeStatus)) {
        change(&mut self.0.lock().status);
    }

    /// A part has started, and has no connection yet.
    pub fn begin(&self, part: Part) {
        self.0.lock().links.push(LinkStatus {
            part,
            server: None,
            error: None,
            differences: Vec::new(),
        });
    }

    fn link(&self, part: Part, change: impl FnOnce(&mut LinkStatus)) {
        let mut inner = self.0.lock();
        if let Some(link) = inner.links.iter_mut().find(|link| link.part == part) {
            change(link);
        }
    }

    pub fn connected(&self, part: Part, server: String, differences: Vec<String>) {
        self.link(part, |link| {
            link.server = Some(server);
            link.differences = differences;
            if let Some(error) = &mut link.error {
                error.is_now = false;
            }
        });
    }

    /// The started parts.
    pub fn parts(&self) -> Vec<Part> {
        self.0.lock().links.iter().map(|link| link.part).collect()
    }

    /// Records a fault. Returns whether it differs from the last one.
    pub fn failed(&self, part: Part, error: &BridgeError) -> bool {
        let trouble = Trouble::now(error.code(), error.to_string());
        let is_known = |known: &Trouble| known.is_now && known.text == trouble.text;
        let mut is_new = true;
        self.link(part, |link| {
            is_new = !link.error.as_ref().is_some_and(is_known);
            link.server = None;
            link.error = Some(trouble.clone());
        });
        is_new
    }

    /// Records a refusal. Returns whether it is new.
    pub fn refused(&self, name: &ConnectionName, text: &str) -> bool {
        let mut inner = self.0.lock();
        let refused = &mut inner.status.inbound.refused;
        let is_kept = refused.len() < MAX_REFUSED || refused.contains_key(name);
        let before = is_kept.then(|| refused.insert(name.clone(), text.to_owned()));
        before.is_some_and(|before| before.as_deref() != Some(text))
    }
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 5] = [
        Self::Full,
        Self::Spool,
        Self::TooLarge,
        Self::Stale,
        Self::Refused,
    ];

    /// The name of the reason in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "spool_full",
            Self::Spool => "spool_error",
            Self::TooLarge => "too_large",
            Self::Stale => "stale_epoch",
            Self::Refused => "refused",
        }
    }
}
