//! What the peer does with a connection.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    frame,
    parts::{Answer, How, Pongs, Reply, ReplyFn, Step, Subprotocol, Upgrade, opcode},
};
use crate::core::Message;

/// What the peer does with a connection: how it answers the handshake, what it replies to messages,
/// and the steps that it runs on its own.
///
/// ```
/// use std::time::Duration;
/// use everwire::testing::{How, Script};
///
/// // Greets, waits for a login, then restarts after a second.
/// let flaky = Script::echo()
///     .send("hello")
///     .await_messages(1)
///     .wait(Duration::from_secs(1))
///     .end(How::Close(1012));
/// // Asks to come back later.
/// let busy = Script::status(503).header("Retry-After", "2");
/// ```
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) answer: Answer,
    pub(super) headers: Vec<(String, String)>,
    pub(super) reply: Reply,
    pub(super) pongs: Pongs,
    pub(super) answers_close: bool,
    pub(super) read_rate: Option<u64>,
    pub(super) steps: Vec<Step>,
}

impl Script {
    /// Accepts the handshake, and reads messages without replying.
    pub fn sink() -> Self {
        Self::new(Answer::Upgrade(Upgrade::default()), Reply::None)
    }

    /// Accepts the handshake, and sends each message back.
    pub fn echo() -> Self {
        Self::sink().replying(Reply::Echo)
    }

    /// Answers the text `ping` with the text `pong`, and echoes everything else.
    pub fn text_heartbeat() -> Self {
        Self::sink().replying(Reply::TextHeartbeat)
    }

    /// Echoes each message in fragments of at most `piece` bytes.
    pub fn fragmenter(piece: usize) -> Self {
        Self::sink().replying(Reply::Fragments(piece))
    }

    /// Replies to each message with the result of `reply`, in order. A panic in it ends the
    /// connection.
    pub fn reply_with<F>(reply: F) -> Self
    where
        F: Fn(&Message) -> Vec<Message> + Send + Sync + 'static,
    {
        Self::sink().replying(Reply::With(ReplyFn(Arc::new(reply))))
    }

    /// Refuses the handshake with an HTTP status, then closes.
    pub fn status(status: u16) -> Self {
        Self::new(
            Answer::Status {
                status,
                body: String::new(),
            },
            Reply::None,
        )
    }

    /// Reads the handshake's request, and ends the connection without an answer. With
    /// [`How::Freeze`], the handshake is never answered. [`How::Close`] is a FIN here.
    pub fn hang_up(how: How) -> Self {
        Self::new(Answer::HangUp(how), Reply::None)
    }

    /// Adds a header to the answer of the handshake, accepted or refused.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body of a refusal. It is ignored if the handshake is accepted.
    pub fn body(mut self, text: &str) -> Self {
        if let Answer::Status { body, .. } = &mut self.answer {
            text.clone_into(body);
        }
        self
    }

    /// Sets the subprotocol in the answer. The default is the client's first.
    pub fn subprotocol(self, choice: Subprotocol) -> Self {
        self.upgrade(|upgrade| upgrade.subprotocol = choice)
    }

    /// Names an extension in the answer, even if it was not offered.
    pub fn extension(self, value: &str) -> Self {
        self.header("Sec-WebSocket-Extensions", value)
    }

    /// Answers with a `Sec-WebSocket-Accept` that belongs to another key (RFC 6455 §4.1).
    pub fn wrong_accept(self) -> Self {
        self.upgrade(|upgrade| upgrade.wrong_accept = true)
    }

    /// Sets how Ping frames are answered. The default is RFC 6455 §5.5.3.
    pub fn pongs(mut self, pongs: Pongs) -> Self {
        self.pongs = pongs;
        self
    }

    /// Does not answer the client's Close frame, and keeps the TCP connection open.
    pub fn ignore_close(mut self) -> Self {
        self.answers_close = false;
        self
    }

    /// Reads at most this number of bytes a second, through a small receive buffer.
    pub fn read_rate(mut self, bytes_per_second: u64) -> Self {
        self.read_rate = Some(bytes_per_second.max(1));
        self
    }

    /// Sends a message. A message without a wait before it is sent in one write with the 101.
    pub fn send(self, message: impl Into<Message>) -> Self {
        self.step(Step::Send(message.into()))
    }

    /// Sends a message in fragments of at most `piece` bytes.
    pub fn send_fragments(self, message: impl Into<Message>, piece: usize) -> Self {
        let message = message.into();
        let mut out = Vec::new();
        frame::encode_fragments(&mut out, opcode(&message), message.payload(), piece);
        self.raw(out)
    }

    /// Sends these bytes unchanged, for any violation of the protocol.
    pub fn raw(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Raw(bytes.into()))
    }

    /// Sends the header of a binary frame with this length, and no payload.
    pub fn announce(self, length: u64) -> Self {
        let mut header = Vec::new();
        frame::encode_header(&mut header, true, frame::BINARY, length);
        self.raw(header)
    }

    /// Sends the header of a binary frame of four bytes, and only two of them.
    pub fn half_a_frame(self) -> Self {
        self.raw(&b"\x82\x04\x00\x01"[..])
    }

    /// Waits.
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Waits until the client has sent this number of messages, counted from the start of the
    /// connection.
    pub fn await_messages(self, count: u64) -> Self {
        self.step(Step::AwaitMessages(count))
    }

    /// Sends `{"t":1}`, `{"t":2}` and so on, the first one after `every`; at least 1 ms apart. The
    /// next step follows after `count` messages, or never.
    pub fn feed(self, every: Duration, count: Option<u64>) -> Self {
        let every = every.max(Duration::from_millis(1));
        self.step(Step::Feed { every, count })
    }

    /// Sends the same bytes this number of times, as fast as the client reads.
    pub fn flood(self, bytes: impl Into<Bytes>, count: u64) -> Self {
        self.step(Step::Flood {
            bytes: bytes.into(),
            count,
        })
    }

    /// Sends this number of Ping frames, as fast as the client reads.
    pub fn ping_flood(self, count: u64) -> Self {
        let mut ping = Vec::new();
        frame::encode(&mut ping, frame::PING, b"flood");
        self.flood(ping, count)
    }

    /// Sends this number of messages, as fast as the client reads.
    pub fn message_flood(self, message: impl Into<Message>, count: u64) -> Self {
        let message = message.into();
        let mut out = Vec::new();
        frame::encode(&mut out, opcode(&message), message.payload());
        self.flood(out, count)
    }

    /// Sends a Close frame with a code and a reason, then ends with the closing handshake. Without
    /// a code, the frame is empty. A code that is not allowed on the wire is sent all the same.
    pub fn close(self, code: Option<u16>, reason: &str) -> Self {
        self.step(Step::Close {
            code,
            reason: reason.to_owned(),
        })
    }

    /// Ends the connection. Later steps are not reached.
    pub fn end(self, how: How) -> Self {
        self.step(Step::End(how))
    }

    pub(super) fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn upgrade(mut self, change: impl FnOnce(&mut Upgrade)) -> Self {
        if let Answer::Upgrade(upgrade) = &mut self.answer {
            change(upgrade);
        }
        self
    }

    fn replying(mut self, reply: Reply) -> Self {
        self.reply = reply;
        self
    }

    fn new(answer: Answer, reply: Reply) -> Self {
        Self {
            answer,
            headers: Vec::new(),
            reply,
            pongs: Pongs::Answer,
            answers_close: true,
            read_rate: None,
            steps: Vec::new(),
        }
    }
}
