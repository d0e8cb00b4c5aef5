//! The callers of requests: those whose request waits to be written, and those who wait for an
//! answer.

use std::{fmt, time::Instant};

use super::{ExpectedValue, message::NumberedRequest, ordered::Ordered};
use crate::{
    core::Message,
    language::json::{JsonPointer, RawJson},
};

/// The identity of a request in a [`RequestQueue`]. Later requests have larger ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// A request that waits to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It is written under our number; the settings define its answer.
    Numbered(NumberedRequest),
    /// It is written unchanged, and the first later message with this value answers it.
    Plain(Message, ExpectedValue),
}

/// Limits of waiting requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The number of requests.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// Too many requests wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests wait to be written")]
pub struct TooMany;

/// A request that has ended without an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended<C> {
    /// The caller.
    pub caller: C,
    /// Whether it was written, or may have been.
    pub was_written: bool,
    /// The number under which it was written, if it has one.
    pub number: Option<u64>,
}

/// The requests of a name, across sockets, with their callers: `C`. All of them have a deadline.
///
/// A request is [written](Self::write) once, and never twice: if its socket is lost before the
/// answer, it may have arrived.
///
/// ```
/// use std::time::{Duration, Instant};
/// use everwire_proto::{
///     dialogue::{Bounds, NumberedRequest, RequestQueue, Waiting},
///     language::JsonPointer,
/// };
///
/// let (mut queue, now) = (RequestQueue::default(), Instant::now());
/// let request = NumberedRequest::new(r#"{"id":1}"#, &JsonPointer::new("/id")?)?;
/// let bounds = Bounds { messages: 1024, bytes: 4 << 20 };
/// let until = now + Duration::from_secs(5);
/// queue.push(Waiting::Numbered(request), until, "me", bounds)?;
///
/// let (ticket, _waiting) = queue.next().ok_or("none waits")?;
/// queue.write(ticket, Some(1));
/// assert_eq!(queue.answered(ticket), Some("me"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RequestQueue<C> {
    waiting: Ordered<Ticket, (Waiting, Instant, C)>,
    asked: Ordered<Ticket, Asked<C>>,
    /// How many of those are answered by a value.
    plain: usize,
    /// Of both, by time.
    deadlines: Ordered<(Instant, Ticket), ()>,
    /// The bytes of the waiting ones.
    bytes: usize,
    last: Ticket,
}

/// A written request.
struct Asked<C> {
    number: Option<u64>,
    expected: Option<ExpectedValue>,
    until: Instant,
    caller: C,
}

impl<C> RequestQueue<C> {
    /// Adds a request with this deadline.
    ///
    /// # Errors
    ///
    /// [`TooMany`].
    pub fn push(
        &mut self,
        request: Waiting,
        until: Instant,
        caller: C,
        bounds: Bounds,
    ) -> Result<(), TooMany> {
        let bytes = self.bytes.saturating_add(request.bytes());
        if self.waiting.len() >= bounds.messages || bytes > bounds.bytes {
            return Err(TooMany);
        }
        self.bytes = bytes;
        self.last = Ticket(self.last.0 + 1);
        self.deadlines.insert((until, self.last), ());
        self.waiting.insert(self.last, (request, until, caller));
        Ok(())
    }

    /// The next request to write.
    pub fn next(&self) -> Option<(Ticket, &Waiting)> {
        let (ticket, (request, ..)) = self.waiting.first()?;
        Some((ticket, request))
    }

    /// The caller of the next request to write.
    pub fn next_caller(&self) -> Option<&C> {
        let (_, (_, _, caller)) = self.waiting.first()?;
        Some(caller)
    }

    /// Drops the next request to write.
    pub fn skip(&mut self) -> Option<C> {
        let (ticket, _) = self.next()?;
        let (_, _, caller) = self.leave_waiting(ticket)?;
        Some(caller)
    }

    /// Drops waiting requests whose callers have gone.
    pub fn forget_if(&mut self, is_gone: impl Fn(&C) -> bool) {
        let waiting = self.waiting.iter();
        let gone = waiting.filter(|(_, (_, _, caller))| is_gone(caller));
        let gone: Vec<Ticket> = gone.map(|(ticket, _)| ticket).collect();
        for ticket in gone {
            self.leave_waiting(ticket);
        }
    }

    /// A request is being written, under this number if it is numbered. An answer is awaited from
    /// now on. Returns the request.
    pub fn write(&mut self, ticket: Ticket, number: Option<u64>) -> Option<Waiting> {
        // Its deadline stays.
        let (request, until, caller) = self.waiting.remove(ticket)?;
        self.bytes -= request.bytes();
        let expected = match &request {
            Waiting::Numbered(_) => None,
            Waiting::Plain(_, expected) => Some(expected.clone()),
        };
        self.plain += usize::from(expected.is_some());
        let asked = Asked {
            number,
            expected,
            until,
            caller,
        };
        self.asked.insert(ticket, asked);
        Some(request)
    }

    fn leave_waiting(&mut self, ticket: Ticket) -> Option<(Waiting, Instant, C)> {
        let (request, until, caller) = self.waiting.remove(ticket)?;
        self.bytes -= request.bytes();
        self.deadlines.remove((until, ticket));
        Some((request, until, caller))
    }

    /// The answer to a request has come: returns the caller.
    pub fn answered(&mut self, ticket: Ticket) -> Option<C> {
        let asked = self.asked.remove(ticket)?;
        self.plain -= usize::from(asked.expected.is_some());
        self.deadlines.remove((asked.until, ticket));
        Some(asked.caller)
    }

    /// The oldest request that a message answers by its value: one message answers one request.
    pub fn answered_by(&self, message: &Message) -> Option<Ticket> {
        if self.plain == 0 {
            return None;
        }
        // Requests with the same place are usually adjacent.
        let mut last: Option<(&JsonPointer, Option<RawJson<'_>>)> = None;
        let asked = self.asked.iter();
        let mut plain =
            asked.filter_map(|(ticket, asked)| Some((ticket, asked.expected.as_ref()?)));
        let (ticket, _) = plain.find(|(_, expected)| {
            let value = match last {
                Some((pointer, value)) if pointer == expected.json() => value,
                _ => expected.value_in(message),
            };
            last = Some((expected.json(), value));
            value.is_some_and(|value| expected.is(value))
        })?;
        Some(ticket)
    }

    /// The requests whose time is over.
    pub fn expire(&mut self, now: Instant) -> Vec<Ended<C>> {
        let mut ended = Vec::new();
        while let Some(((until, ticket), ())) = self.deadlines.first()
            && until <= now
        {
            self.deadlines.remove((until, ticket));
            ended.extend(self.end(ticket));
        }
        ended
    }

    /// The socket is gone: returns the requests that were written on it.
    pub fn lost(&mut self) -> Vec<Ended<C>> {
        let tickets: Vec<Ticket> = self.asked.iter().map(|(ticket, _)| ticket).collect();
        tickets
            .into_iter()
            .filter_map(|ticket| self.end(ticket))
            .collect()
    }

    /// Nothing is written any more: returns the waiting requests.
    pub fn cancel(&mut self) -> Vec<Ended<C>> {
        let tickets: Vec<Ticket> = self.waiting.iter().map(|(ticket, _)| ticket).collect();
        tickets
            .into_iter()
            .filter_map(|ticket| self.end(ticket))
            .collect()
    }

    fn end(&mut self, ticket: Ticket) -> Option<Ended<C>> {
        if let Some((_, _, caller)) = self.leave_waiting(ticket) {
            return Some(Ended {
                caller,
                was_written: false,
                number: None,
            });
        }
        let number = self.asked.get(ticket)?.number;
        let caller = self.answered(ticket)?;
        Some(Ended {
            caller,
            was_written: true,
            number,
        })
    }

    /// When the next deadline is.
    pub fn deadline(&self) -> Option<Instant> {
        let ((until, _), ()) = self.deadlines.first()?;
        Some(until)
    }

    /// How many wait to be written.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes wait to be written.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were written and wait for an answer.
    pub fn in_flight(&self) -> usize {
        self.asked.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.deadlines.is_empty()
    }
}

impl Waiting {
    /// Its length in bytes, with our longest number.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Numbered(request) => request.max_len(),
            Self::Plain(message, _) => message.len(),
        }
    }
}

impl From<NumberedRequest> for Waiting {
    fn from(request: NumberedRequest) -> Self {
        Self::Numbered(request)
    }
}

impl<C> Default for RequestQueue<C> {
    fn default() -> Self {
        Self {
            waiting: Ordered::default(),
            asked: Ordered::default(),
            plain: 0,
            deadlines: Ordered::default(),
            bytes: 0,
            last: Ticket::default(),
        }
    }
}

impl<C> fmt::Debug for RequestQueue<C> {
    /// Callers' messages are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestQueue")
            .field("waiting", &self.waiting.len())
            .field("in_flight", &self.asked.len())
            .finish_non_exhaustive()
    }
}
