//! Assembles the messages of a WebSocket client.

use std::io::ErrorKind;

use actix::{Actor, ActorContext};
use actix_http::ws::Item;
use actix_web::error::PayloadError;
use actix_web_actors::ws::{self, CloseCode, CloseReason, ProtocolError, WebsocketContext};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use everwire::{
    Message,
    memory::{Charge, OutOfMemory},
};

/// Joins fragments, up to a limit.
#[derive(Debug)]
pub struct Inbound {
    limit: usize,
    /// The fragments so far, and whether they are text.
    begun: Option<(bool, BytesMut)>,
    /// Accounts for their memory.
    charge: Charge,
}

/// The meaning of a frame.
#[derive(Debug)]
pub enum Heard {
    Message(Message),
    Ping(Bytes),
    Close(Option<CloseReason>),
    /// Nothing to do yet.
    Nothing,
}

impl Inbound {
    pub fn new(limit: usize, charge: Charge) -> Self {
        Self {
            limit,
            begun: None,
            charge,
        }
    }

    /// # Errors
    ///
    /// The code and reason to close with.
    pub fn hear(
        &mut self,
        frame: Result<ws::Message, ProtocolError>,
    ) -> Result<Heard, CloseReason> {
        Ok(match frame.map_err(farewell)? {
            ws::Message::Text(text) => Heard::Message(Message::text(text)),
            ws::Message::Binary(bytes) => Heard::Message(Message::binary(bytes)),
            ws::Message::Ping(data) => Heard::Ping(data),
            ws::Message::Close(Some(given)) if !is_for_the_wire(given.code) => {
                let text = "no such close code may be sent";
                return Err(reason(CloseCode::Protocol, text));
            }
            ws::Message::Close(reason) => Heard::Close(reason),
            ws::Message::Continuation(item) => self.join(item)?,
            ws::Message::Pong(_) | ws::Message::Nop => Heard::Nothing,
        })
    }

    fn join(&mut self, item: Item) -> Result<Heard, CloseReason> {
        let (part, is_last) = match item {
            Item::FirstText(part) => (self.begin(true, part), false),
            Item::FirstBinary(part) => (self.begin(false, part), false),
            Item::Continue(part) => (part, false),
            Item::Last(part) => (part, true),
        };
        // Our codec never reports a continuation without a start.
        let (_, whole) = self.begun.get_or_insert_default();
        if whole.len() + part.len() > self.limit {
            return Err(reason(CloseCode::Size, "the message is too long"));
        }
        let charged = self.charge.try_set(whole.len() + part.len());
        charged.map_err(|error| reason(CloseCode::Again, &error.to_string()))?;
        whole.extend_from_slice(&part);
        let whole = self.begun.take_if(|_| is_last);
        if is_last {
            self.charge.set(0);
        }
        match whole {
            None => Ok(Heard::Nothing),
            Some((false, whole)) => Ok(Heard::Message(Message::binary(whole.freeze()))),
            Some((true, whole)) => {
                let text = ByteString::try_from(whole.freeze());
                let text = text.map_err(|_| reason(CloseCode::Invalid, "a text is not UTF-8"))?;
                Ok(Heard::Message(Message::text(text)))
            }
        }
    }

    fn begin(&mut self, is_text: bool, part: Bytes) -> Bytes {
        self.begun = Some((is_text, BytesMut::new()));
        part
    }
}

/// Whether a peer may send the code (RFC 6455 §7.4).
fn is_for_the_wire(code: CloseCode) -> bool {
    matches!(u16::from(code), 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// A close code with its reason.
pub fn reason(code: CloseCode, text: &str) -> CloseReason {
    // A close frame has room for 123 bytes (RFC 6455 §5.5).
    let text = &text[..text.floor_char_boundary(123)];
    CloseReason {
        code,
        description: Some(text.to_owned()),
    }
}

/// Closes the connection of a client.
pub fn end<A: Actor<Context = WebsocketContext<A>>>(
    ctx: &mut WebsocketContext<A>,
    reason: Option<CloseReason>,
) {
    ctx.close(reason);
    ctx.stop();
}

/// The close for a client that violates the protocol. The codec reports a text that is not UTF-8 as
/// an I/O error without a kind. It does the same for the end of the connection, but then nobody
/// receives the close. It reports reserved bits as invalid data.
fn farewell(error: ProtocolError) -> CloseReason {
    match error {
        ProtocolError::Io(error) if error.to_string() == PayloadError::Overflow.to_string() => {
            reason(CloseCode::Size, "the frame is too long")
        }
        ProtocolError::Io(error) if error.to_string().contains(&OutOfMemory.to_string()) => {
            reason(CloseCode::Again, &OutOfMemory.to_string())
        }
        ProtocolError::Overflow => reason(CloseCode::Size, "the frame is too long"),
        ProtocolError::Io(error) if error.kind() == ErrorKind::InvalidData => {
            reason(CloseCode::Protocol, &error.to_string())
        }
        ProtocolError::Io(_) => reason(CloseCode::Invalid, "a text is not UTF-8"),
        error => reason(CloseCode::Protocol, &error.to_string()),
    }
}
