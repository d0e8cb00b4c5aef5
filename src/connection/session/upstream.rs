//! The socket of a session, and the task that serves it.

mod reading;
mod writing;

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use tokio::{
    sync::oneshot,
    time::{Sleep, sleep_until},
};

use super::{
    Session, SessionEnd, SessionReceiver, SessionSender, SessionState,
    pings::Pings,
    pipe::{Input, Output, pipe},
};
use crate::{
    clock,
    connection::{
        socket::{codec::codec, encoder::Encoder, reader::Reader},
        state::sessions::Shown,
    },
    core::{Cause, Message, later},
    memory::MemoryBudget,
    settings::ConnectionSettings,
    transport::{Opened, Stream},
    wire::{CloseFrame, code},
};

/// Frames per turn, before others of the arbiter run.
const MAX_FRAMES: usize = 128;

/// Fillings of the write buffer per turn, before others of the arbiter run.
const MAX_FILLINGS: usize = 16;

/// Pings of the peer that may wait for an answer; the last ones are answered (RFC 6455 §5.5.3).
const MAX_PONGS: usize = 16;

/// The socket of a session.
pub(super) struct Upstream {
    stream: Stream,
    reader: Reader,
    encoder: Encoder,
    /// Encoded bytes; those from `written` on are not written yet.
    buffer: BytesMut,
    written: usize,
    pongs: VecDeque<Bytes>,
    /// Messages from the client.
    client: Output<CloseFrame>,
    /// Messages to the client.
    hears: Input<SessionEnd>,
    shown: Shown,
    pings: Pings,
    close_timeout: Duration,
    phase: Phase,
    /// The kernel takes nothing any more. What it has received is still read.
    is_deaf: bool,
}

impl Drop for Upstream {
    /// The task was ended from outside if another node holds the name.
    fn drop(&mut self) {
        if self.shown.resets() {
            self.stream.reset_on_drop();
            self.hears.end(SessionEnd::Moved);
        }
    }
}

/// The phase of a socket.
enum Phase {
    /// Messages go both ways. Exits to the others.
    Serving,
    /// The client has closed, and its earlier messages are written until this time. Exits to
    /// `Closing`.
    Flushing(Instant),
    /// Our close frame goes out, unless it is encoded already, and the peer's is awaited until this
    /// time. Nothing else is sent or delivered.
    Closing(Option<CloseFrame>, Instant),
}

/// The result of a turn.
enum Turn {
    /// Everything possible is done.
    Rest,
    /// Others run first, and then there is more.
    Again,
    Over,
}

impl Upstream {
    /// Takes over a dialled socket. Returns the session for the client, and its socket.
    pub fn new(
        settings: &ConnectionSettings,
        opened: Opened,
        memory: &Arc<MemoryBudget>,
        shown: Shown,
    ) -> (Session, Self) {
        let (decoder, compressor) = codec(settings, opened.compression.as_ref());
        let (input, client) = pipe(memory);
        let (hears, output) = pipe(memory);
        let session = Session {
            subprotocol: opened.subprotocol,
            peer: opened.peer,
            sender: SessionSender {
                input,
                max_message: settings.max_message,
            },
            receiver: SessionReceiver(output),
        };
        let upstream = Self {
            stream: opened.stream,
            reader: Reader::new(decoder, opened.leftover, memory),
            encoder: Encoder::new(compressor),
            buffer: BytesMut::new(),
            written: 0,
            pongs: VecDeque::new(),
            client,
            hears,
            shown,
            pings: Pings::new(&settings.heartbeat, clock::now()),
            close_timeout: settings.close_timeout,
            phase: Phase::Serving,
            is_deaf: false,
        };
        (session, upstream)
    }

    /// Serves the socket to its end, or until the name ends it.
    pub async fn run(mut self, mut ended: oneshot::Receiver<SessionEnd>) {
        let mut timer = pin!(sleep_until(clock::now().into()));
        let mut is_ended = false;
        poll_fn(|cx| {
            let now = clock::now();
            if !is_ended && let Poll::Ready(end) = ended.poll_unpin(cx) {
                is_ended = true;
                self.end_with_name(end.unwrap_or(SessionEnd::ShutDown), now);
            }
            match self.poll(now, cx) {
                Turn::Over => return Poll::Ready(()),
                Turn::Again => cx.waker().wake_by_ref(),
                Turn::Rest => {}
            }
            if !matches!(self.phase, Phase::Serving) {
                self.shown.enter(SessionState::Closing);
            }
            self.poll_timer(timer.as_mut(), now, cx)
        })
        .await;
        // No other end was noted: the client left, and its messages were not written in time.
        self.shown.end(SessionEnd::Closed);
    }

    /// Tells the client how the session ends.
    fn end(&self, end: SessionEnd) {
        self.shown.end(end.clone());
        self.hears.end(end);
    }

    /// Hands a message to the client.
    fn hand_over(&self, message: Message) {
        self.shown.received(message.len());
        self.hears.push(message);
    }

    /// The name ends or changes, and ends the session.
    fn end_with_name(&mut self, end: SessionEnd, now: Instant) {
        if matches!(self.phase, Phase::Serving | Phase::Flushing(_)) {
            let frame = CloseFrame::new(code::GOING_AWAY, "");
            self.close(Some(end), frame, now);
        }
    }

    /// Reads and writes what is possible now.
    fn poll(&mut self, now: Instant, cx: &mut Context<'_>) -> Turn {
        self.watch_client(now, cx);
        let read = match self.poll_read(now, cx) {
            Ok(turn) => turn,
            Err(cause) => match self.end_of_reading(cause, now) {
                Turn::Over => {
                    // Our answer to the peer's close frame: the peer still reads, though it sends
                    // no more.
                    let _unheard = self.poll_write(now, cx);
                    return Turn::Over;
                }
                turn => turn,
            },
        };
        let written = match self.poll_write(now, cx) {
            Ok(turn) => turn,
            Err(_) if matches!(self.phase, Phase::Closing(..)) => return Turn::Over,
            // The peer's last data must still be read: a close frame, for example.
            Err(_) => {
                self.is_deaf = true;
                Turn::Again
            }
        };
        if let (Turn::Rest, Turn::Rest) = (&read, &written) {
            return self.watch_peer(now);
        }
        match matches!(read, Turn::Over) {
            true => Turn::Over,
            false => Turn::Again,
        }
    }

    /// Everything that has arrived was read, so the peer can be late now.
    fn watch_peer(&mut self, now: Instant) -> Turn {
        if matches!(self.phase, Phase::Serving) && self.pings.is_overdue(&self.stream, now) {
            self.end(SessionEnd::Lost(Cause::PongTimeout));
            return Turn::Over;
        }
        Turn::Rest
    }

    /// Notices that the client leaves, even while we do not read from it.
    fn watch_client(&mut self, now: Instant, cx: &mut Context<'_>) {
        if matches!(self.phase, Phase::Serving) && self.client.is_ending(cx) {
            self.phase = Phase::Flushing(later(now, self.close_timeout));
        }
    }

    /// Nothing can be read any more.
    fn end_of_reading(&mut self, cause: Cause, now: Instant) -> Turn {
        if matches!(self.phase, Phase::Closing(..)) {
            return Turn::Over;
        }
        let Some(code) = cause.close_code() else {
            self.end(SessionEnd::Lost(cause));
            return Turn::Over;
        };
        // RFC 6455 §7.1.7: tell the peer why.
        let frame = CloseFrame::new(code, "");
        self.close(Some(SessionEnd::Lost(cause)), frame, now);
        Turn::Again
    }

    /// Sends a close frame after a half-sent message. The client's waiting messages are dropped.
    fn close(&mut self, end: Option<SessionEnd>, frame: CloseFrame, now: Instant) {
        if let Some(end) = end {
            self.end(end);
        }
        self.client.refuse();
        self.pongs.clear();
        self.phase = Phase::Closing(Some(frame), later(now, self.close_timeout));
    }

    /// Ready when the time for the closing handshake is over.
    fn poll_timer(
        &mut self,
        mut timer: Pin<&mut Sleep>,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let until = match self.phase {
            Phase::Serving => self.pings.next(),
            Phase::Flushing(until) | Phase::Closing(_, until) => Some(until),
        };
        let Some(until) = until else {
            return Poll::Pending;
        };
        if until <= now {
            if !matches!(self.phase, Phase::Serving) {
                return Poll::Ready(());
            }
            // Something is due: look again.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        timer.as_mut().reset(until.into());
        if timer.poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
