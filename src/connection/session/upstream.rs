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

/// Frames that are handled before others of the arbiter have their turn.
const MAX_FRAMES: usize = 128;

/// Fillings of the buffer that are written before others of the arbiter have their turn.
const MAX_FILLINGS: usize = 16;

/// Pings of the peer that may wait for their answers; the last ones are answered (RFC 6455 §5.5.3).
const MAX_PONGS: usize = 16;

/// The socket of a session.
pub(super) struct Upstream {
    stream: Stream,
    reader: Reader,
    encoder: Encoder,
    /// Encoded, and from `written` on not written.
    buffer: BytesMut,
    written: usize,
    pongs: VecDeque<Bytes>,
    /// What its client says.
    client: Output<CloseFrame>,
    /// What its client hears.
    hears: Input<SessionEnd>,
    shown: Shown,
    pings: Pings,
    close_timeout: Duration,
    phase: Phase,
    /// The kernel takes nothing any more; what it still holds is read.
    is_deaf: bool,
}

/// Where a socket is in its life.
enum Phase {
    /// Messages go both ways. Exits to the others.
    Serving,
    /// The client has closed, and what it said before is written until then. Exits to `Closing`.
    Flushing(Instant),
    /// The close frame, if it is not yet encoded, goes out, and the peer's is awaited until then. Nothing else is sent or heard.
    Closing(Option<CloseFrame>, Instant),
}

/// What became of a turn.
enum Turn {
    /// All is done that can be.
    Rest,
    /// Others have their turn, and then there is more.
    Again,
    Over,
}

impl Upstream {
    /// Takes over what a dial brought; the session for the client, and its socket.
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

    /// Serves it to its end, or until the name ends it.
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
        // Nothing else has ended it: its client left, and was not heard out in time.
        self.shown.end(SessionEnd::Closed);
    }

    /// Has the client hear how it ends.
    fn end(&self, end: SessionEnd) {
        self.shown.end(end.clone());
        self.hears.end(end);
    }

    /// Hands a message to the client.
    fn hand_over(&self, message: Message) {
        self.shown.received(message.len());
        self.hears.push(message);
    }

    /// The name leaves, or changes, and takes the session along.
    fn end_with_name(&mut self, end: SessionEnd, now: Instant) {
        if matches!(self.phase, Phase::Serving | Phase::Flushing(_)) {
            let frame = CloseFrame::new(code::GOING_AWAY, "");
            self.close(Some(end), frame, now);
        }
    }

    /// Reads and writes what can be read and written.
    fn poll(&mut self, now: Instant, cx: &mut Context<'_>) -> Turn {
        self.watch_client(now, cx);
        let read = match self.poll_read(now, cx) {
            Ok(turn) => turn,
            Err(cause) => match self.end_of_reading(cause, now) {
                Turn::Over => {
                    // The answer to the close frame of a peer that hears it, though it says no more.
                    let _unheard = self.poll_write(now, cx);
                    return Turn::Over;
                }
                turn => turn,
            },
        };
        let written = match self.poll_write(now, cx) {
            Ok(turn) => turn,
            Err(_) if matches!(self.phase, Phase::Closing(..)) => return Turn::Over,
            // What the peer said before it went is still to be heard: a close frame, for example.
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

    /// All is read that has come, and a peer can be late.
    fn watch_peer(&mut self, now: Instant) -> Turn {
        if matches!(self.phase, Phase::Serving) && self.pings.is_overdue(&self.stream, now) {
            self.end(SessionEnd::Lost(Cause::PongTimeout));
            return Turn::Over;
        }
        Turn::Rest
    }

    /// Notices that the client leaves, also while it is not listened to.
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
        // RFC 6455 §7.1.7: the peer is told why.
        let frame = CloseFrame::new(code, "");
        self.close(Some(SessionEnd::Lost(cause)), frame, now);
        Turn::Again
    }

    /// Sends a close frame behind what is half sent. What the client waits to have sent is not sent any more.
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
