//! A conversation that is watched.

use super::{
    captures::Captures,
    happening::Happening,
    reply::Reply,
    report::{Masked, show_masked},
};
use crate::core::Message;

/// What is kept of a conversation that is watched.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// The last message that has come.
    pub last: Option<Message>,
    /// Whether a step has looked at it that keeps something secret of what decides it: then it is shown to nobody.
    pub is_hidden: bool,
    /// The number that its step had.
    pub id: Option<u64>,
}

/// A message that is being looked at by a conversation that is watched.
pub(super) struct Coming {
    /// Where it is told.
    at: usize,
    /// The texts that were secret before.
    secrets: Masked,
}

impl Trace {
    /// A message has come. What is to be masked in it is known when it was looked at.
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

    /// It was looked at.
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
