//! The answer to a call, for expressions.

use std::{cell::Cell, fmt, time::Duration};

use super::{captures::Captures, here::Here};
use crate::language::{
    BuiltIn, Moment, Name, Signer, Value, Variable, World,
    json::{Found, RawJson, Slot},
};

/// The answer to an HTTP request, or the output of a program. `Debug` shows no content.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status, or the exit code; `None` if a signal ended the program.
    pub status: Option<u16>,
    /// The headers, in the order in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, or the program's output.
    pub body: Vec<u8>,
    /// The `Retry-After` (RFC 9110 §10.2.3).
    pub retry_after: Option<Duration>,
}

impl Response {
    /// Removes trailing line ends.
    pub(super) fn trim(&mut self) {
        while self
            .body
            .pop_if(|byte| matches!(byte, b'\r' | b'\n'))
            .is_some()
        {}
    }

    /// The first header of this name.
    fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }

    /// The value of a cookie that it sets (RFC 6265 §5.2).
    fn cookie(&self, name: &str) -> Option<&[u8]> {
        let is_cookie = |header: &str| header.eq_ignore_ascii_case("set-cookie");
        let set = self.headers.iter().filter(|(header, _)| is_cookie(header));
        set.filter_map(|(_, value)| {
            let pair = value.split(|byte| *byte == b';').next()?;
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            let (known, value) = pair.split_at(equals);
            (known.trim_ascii() == name.as_bytes()).then(|| value[1..].trim_ascii())
        })
        .next()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.body.len();
        write!(f, "Response({:?}, {bytes} bytes)", self.status)
    }
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// What happened.
    pub text: String,
    /// Whether retrying soon cannot help: a certificate is not accepted, a host must not be called.
    pub is_refusal: bool,
}

/// The values for expressions of a call: the answer, once there is one.
pub(super) struct ResponseWorld<'a> {
    here: &'a Here<'a>,
    captures: &'a Captures,
    seen: Option<(&'a Response, Found<'a, 'a>)>,
    /// The number of the calling step.
    id: Option<u64>,
    /// Whether the answer was read.
    was_asked: Cell<bool>,
}

impl<'a> ResponseWorld<'a> {
    pub fn new(
        here: &'a Here<'a>,
        captures: &'a Captures,
        seen: Option<(&'a Response, Found<'a, 'a>)>,
    ) -> Self {
        Self {
            here,
            captures,
            seen,
            id: None,
            was_asked: Cell::new(false),
        }
    }

    /// The same for the step with this number.
    pub fn with_id(self, id: Option<u64>) -> Self {
        Self { id, ..self }
    }

    /// Whether a result depends on the answer, or on its absence.
    pub fn was_asked_for_response(&self) -> bool {
        self.was_asked.get()
    }

    fn response(&self) -> Option<&'a Response> {
        self.was_asked.set(true);
        self.seen.as_ref().map(|(response, _)| *response)
    }

    fn field(&self, find: impl FnOnce(&'a Response) -> Option<&'a [u8]>) -> Value<'_> {
        let found = self.response().and_then(find);
        found.map_or_else(Value::absent, Value::message)
    }
}

impl World for ResponseWorld<'_> {
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
        self.was_asked.set(true);
        let (_, found) = self.seen.as_ref()?;
        found.get(slot)
    }

    fn name(&self, name: Name) -> Value<'_> {
        match name {
            Name::Capture(at) => self.captures.get(at),
            Name::BuiltIn(BuiltIn::Message) => self.field(|response| Some(&response.body)),
            Name::BuiltIn(BuiltIn::Status) => {
                let status = self.response().and_then(|response| response.status);
                status.map_or_else(Value::absent, Value::from)
            }
            Name::BuiltIn(BuiltIn::Id) => self.id.map_or_else(Value::absent, Value::from),
            Name::BuiltIn(other) => self.here.built_in(other),
            Name::Let(_) => Value::absent(),
        }
    }

    fn header(&self, name: &str) -> Value<'_> {
        self.field(|response| response.header(name))
    }

    fn cookie(&self, name: &str) -> Value<'_> {
        self.field(|response| response.cookie(name))
    }

    fn variable(&self, variable: Variable<'_>) -> Option<&str> {
        self.here.variables.get(variable)
    }

    fn moment(&self) -> Moment<'_> {
        self.here.moment()
    }

    fn signer(&self) -> &dyn Signer {
        self.here.signer
    }

    fn max_message(&self) -> usize {
        self.here.max_message
    }
}
