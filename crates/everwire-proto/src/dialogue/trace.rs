//! State for a watcher.

use super::{
    captures::Captures,
    happening::Happening,
    reply::Reply,
    report::{Masked, show_masked},
};
use crate::core::Message;

/// State for a watcher.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// The last message.
    pub last: Option<Message>,
    /// Whether a step that captures a secret has checked it: it is then not shown.
    pub is_hidden: bool,
    /// The number of its step.
    pub id: Option<u64>,
}

/// A message that is currently being handled, for the report.
pub(super) struct Coming {
    /// The index of its report.
    at: usize,
    /// The texts that were secret before.
    secrets: Masked,
}

impl Trace {
    /// A message has come. What to mask in it is known after it was handled.
    pub fn begin(
        &mut self,
        message: &Message,
        captures: &Captures,
        out: &mut Vec<Reply>,
    ) -> Coming {
        self.last = Some(message.clone());
        let at = out.len();
        let came = Happening::Came {
            text: String::new(),
            bytes: message.len(),
            delivered: true,
        };
        out.push(Reply::Happened(Box::new(came)));
        Coming {
            at,
            secrets: Masked::of(captures),
        }
    }

    /// It was handled.
    pub fn end(
        &self,
        coming: Coming,
        message: &Message,
        captures: &Captures,
        is_delivered: bool,
        out: &mut [Reply],
    ) {
        let Coming { at, secrets } = coming;
        let Some(Reply::Happened(happened)) = out.get_mut(at) else {
            return;
        };
        if let Happening::Came {
            text, delivered, ..
        } = &mut **happened
        {
            *delivered = is_delivered;
            match self.is_hidden {
                true => text.push_str("***"),
                false => show_masked(message, &secrets.with(captures), text),
            }
        }
    }
}
