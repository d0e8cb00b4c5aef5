//! Handles the client's frames, and replies to them.

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    frame::{self, Frame, MAX_MESSAGE},
    log::{Batch, ClientClose, Connection},
    parts::{Pongs, Reply, opcode},
    script::Script,
};
use crate::core::Message;

/// The state of a client's stream of frames.
#[derive(Default)]
pub(super) struct Inbound {
    /// The number of messages so far.
    pub(super) messages: u64,
    /// An incomplete fragmented message, with its opcode.
    fragments: Option<(u8, Vec<u8>)>,
}

impl Inbound {
    /// Takes all complete frames of `buffer`, up to a Close frame, and returns their length.
    /// Replies go to `out`. The error says what the client did wrong.
    pub(super) fn frames(
        &mut self,
        buffer: &mut [u8],
        connection: &Connection,
        script: &Script,
        out: &mut Vec<u8>,
        batch: &mut Batch,
    ) -> Result<usize, &'static str> {
        let mut used = 0;
        let mut sink = Sink {
            connection,
            script,
            out,
            batch,
        };
        while sink.batch.close.is_none() {
            let Some(frame) = frame::decode(&mut buffer[used..])? else {
                break;
            };
            used += frame.size;
            self.frame(&frame, &mut sink)?;
        }
        Ok(used)
    }

    fn frame(&mut self, frame: &Frame<'_>, sink: &mut Sink<'_>) -> Result<(), &'static str> {
        match frame.opcode {
            frame::PING => sink.ping(frame.payload),
            frame::PONG => sink.batch.pongs += 1,
            frame::CLOSE => sink.batch.close = Some(close(frame.payload)?),
            frame::CONTINUATION => {
                let (_, whole) = self.fragments.as_mut().ok_or("a continuation of nothing")?;
                whole.extend_from_slice(frame.payload);
                if whole.len() > MAX_MESSAGE {
                    return Err("the message is too large for the peer");
                }
                if frame.fin
                    && let Some((opcode, whole)) = self.fragments.take()
                {
                    self.message(opcode, &whole, sink)?;
                }
            }
            _ if self.fragments.is_some() => return Err("a message inside a fragmented message"),
            opcode if frame.fin => self.message(opcode, frame.payload, sink)?,
            opcode => self.fragments = Some((opcode, frame.payload.to_vec())),
        }
        Ok(())
    }

    fn message(
        &mut self,
        opcode: u8,
        payload: &[u8],
        sink: &mut Sink<'_>,
    ) -> Result<(), &'static str> {
        if opcode == frame::TEXT && std::str::from_utf8(payload).is_err() {
            return Err("a text message is not UTF-8");
        }
        if sink.connection.reserve(self.messages, payload.len()) {
            sink.batch.kept.push(message(opcode, payload));
        }
        self.messages += 1;
        sink.batch.messages += 1;
        sink.batch.bytes += payload.len() as u64;
        sink.reply(opcode, payload);
        Ok(())
    }
}

/// The outputs of frames.
struct Sink<'a> {
    connection: &'a Connection,
    script: &'a Script,
    out: &'a mut Vec<u8>,
    batch: &'a mut Batch,
}

impl Sink<'_> {
    fn ping(&mut self, payload: &[u8]) {
        self.batch.pings += 1;
        match self.script.pongs {
            Pongs::Answer => frame::encode(self.out, frame::PONG, payload),
            Pongs::Wrong => frame::encode(self.out, frame::PONG, b"of another ping"),
            Pongs::Ignore => {}
        }
    }

    fn reply(&mut self, opcode_in: u8, payload: &[u8]) {
        match &self.script.reply {
            Reply::None => {}
            Reply::TextHeartbeat if opcode_in == frame::TEXT && payload == b"ping" => {
                frame::encode(self.out, frame::TEXT, b"pong");
            }
            Reply::Echo | Reply::TextHeartbeat => frame::encode(self.out, opcode_in, payload),
            Reply::Fragments(piece) => {
                frame::encode_fragments(self.out, opcode_in, payload, *piece);
            }
            Reply::With(reply) => {
                for answer in (reply.0)(&message(opcode_in, payload)) {
                    frame::encode(self.out, opcode(&answer), answer.payload());
                }
            }
        }
    }
}

fn message(opcode: u8, payload: &[u8]) -> Message {
    if opcode == frame::TEXT {
        Message::Text(ByteString::from(
            String::from_utf8_lossy(payload).into_owned(),
        ))
    } else {
        Message::Binary(Bytes::copy_from_slice(payload))
    }
}

fn close(payload: &[u8]) -> Result<ClientClose, &'static str> {
    let (code, reason) = match payload {
        [] => (None, &[][..]),
        [_] => return Err("a close frame of one byte"),
        [high, low, reason @ ..] => (Some(u16::from_be_bytes([*high, *low])), reason),
    };
    Ok(ClientClose {
        code,
        reason: String::from_utf8_lossy(reason).into_owned(),
    })
}
