//! How a bridge is doing, for who looks at it.

use std::{collections::BTreeMap, sync::Arc};

use everwire::ConnectionName;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;

use crate::{error::BridgeError, lanes::DropReason};

/// How a bridge is doing.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct BridgeStatus {
    /// The server that the bridge is connected to.
    pub server: Option<String>,
    /// Why no messages are carried now, or the last reason why none were.
    pub error: Option<Trouble>,
    /// What is published.
    #[serde(rename = "in")]
    pub inbound: InStatus,
    /// Where streams are not as the settings say.
    pub differences: Vec<String>,
}

/// Something that went wrong.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Trouble {
    /// A short name that stays.
    pub code: &'static str,
    /// What went wrong.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// Whether it still holds.
    pub is_now: bool,
}

/// What is published.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct InStatus {
    /// Messages that the stream has acknowledged.
    pub published: u64,
    /// Messages that were published again.
    pub redelivered: u64,
    /// Messages that are not acknowledged yet: published, in memory, in the spool.
    pub pending: u64,
    /// Messages in the spool.
    pub spool_messages: u64,
    /// Bytes of messages in the spool.
    pub spool_bytes: u64,
    /// Dropped messages, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Names whose messages are refused, and why: at most 64.
    pub refused: BTreeMap<ConnectionName, String>,
}

/// The names of refused lanes that are kept.
const MAX_REFUSED: usize = 64;

/// The status, shared with who asks for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<Mutex<BridgeStatus>>);

impl Shared {
    pub fn get(&self) -> BridgeStatus {
        self.0.lock().clone()
    }

    pub fn update(&self, change: impl FnOnce(&mut BridgeStatus)) {
        change(&mut self.0.lock());
    }

    pub fn connected(&self, server: String) {
        self.update(|status| {
            status.server = Some(server);
            if let Some(error) = &mut status.error {
                error.is_now = false;
            }
        });
    }

    /// Whether it is another trouble than the last one.
    pub fn failed(&self, error: &BridgeError) -> bool {
        let mut status = self.0.lock();
        let trouble = Trouble {
            code: error.code(),
            text: error.to_string(),
            at: Timestamp::now(),
            is_now: true,
        };
        let is_known = |known: &Trouble| known.is_now && known.text == trouble.text;
        let is_new = !status.error.as_ref().is_some_and(is_known);
        status.server = None;
        status.error = Some(trouble);
        is_new
    }

    pub fn refused(&self, name: &ConnectionName, text: &str) {
        self.update(|status| {
            let refused = &mut status.inbound.refused;
            if refused.len() < MAX_REFUSED || refused.contains_key(name) {
                refused.insert(name.clone(), text.to_owned());
            }
        });
    }
}

impl DropReason {
    /// The reason's name in metrics.
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
