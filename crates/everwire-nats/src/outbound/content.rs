//! A message of the queue: its payload, and where its answer goes.

use async_nats::HeaderMap;
use bytes::Bytes;
use everwire::Message;

use super::answers::{Answers, Asked};
use crate::header::{BINARY, REPLY};

/// A queued message.
#[derive(Clone, Debug)]
pub(super) struct Content {
    payload: Bytes,
    is_binary: bool,
    /// Where the answer goes.
    pub asked: Asked,
}

impl Content {
    /// A message of a subject. `is_heard`: it was published while the bridge was subscribed to the
    /// queue's subjects.
    pub fn new(
        subject: &str,
        headers: Option<&HeaderMap>,
        payload: &Bytes,
        is_heard: bool,
        answers: &Answers,
    ) -> Self {
        let header = |name: &str| headers.and_then(|headers| headers.get(name));
        Self {
            payload: payload.clone(),
            is_binary: header(BINARY).is_some_and(|value| value.as_str() == "true"),
            asked: Asked {
                subject: subject.to_owned(),
                digest: answers.digest(headers, payload),
                is_heard,
                reply: header(REPLY).map(|value| value.as_str().to_owned()),
            },
        }
    }

    /// The length of its payload.
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// The message to send.
    ///
    /// # Errors
    ///
    /// Why the payload is no message of the kind that the headers name.
    pub fn message(&self) -> Result<Message, &'static str> {
        if self.is_binary {
            return Ok(Message::binary(self.payload.clone()));
        }
        match std::str::from_utf8(&self.payload) {
            Ok(text) => Ok(Message::text(text.to_owned())),
            Err(_) => Err(
                "the payload is not UTF-8: a binary message has the header Everwire-Binary: true",
            ),
        }
    }
}
