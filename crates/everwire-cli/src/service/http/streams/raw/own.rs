//! A client with its own socket to the peer.
//!
//! Two halves that do not wait for each other. [`upward`], a task, reads from the client only as
//! fast as the peer accepts. [`Downward`], the body of the answer, reads from the peer only as fast
//! as the client accepts.

use std::{
    cell::Cell,
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_codec::Encoder as _;
use actix_http::ws::Codec;
use actix_web::{HttpRequest, HttpResponse, http::header, web::Payload};
use actix_web_actors::ws::{self, CloseCode, CloseReason, Message as WsMessage};
use bytes::{Bytes, BytesMut};
use everwire::{
    Message,
    connection::{
        OpenSessionError, SessionSettings,
        session::{Heard as FromPeer, SessionReceiver, SessionSender},
    },
    wire::CloseFrame,
};
use futures::Stream;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep},
};

use super::{
    super::{
        ConnectionSlot,
        client_timeout::{INTERVAL, TIMEOUT},
        inbound::{Heard, reason},
    },
    bridges::Bridge,
    client::Client,
    refusal, subprotocols,
};
use crate::service::http::{
    lookup::Found,
    permit::{ToRead, ToSend},
    problem::Problem,
    server::LastBytes,
};

/// The most answers to its pings that may wait for a client. Further pings are not answered.
const CONTROLS: usize = 16;
/// How often to check whether the client must be pinged. A client that we do not read is pinged as
/// often, since only a failed write then shows that it is gone.
const TICK: Duration = Duration::from_secs(1);
/// The most bytes that are encoded at a time, unless a single message has more.
const BATCH: usize = 64 << 10;

/// Opens a socket for the client, and then admits the client.
pub async fn attach(
    connection: Found<(ToSend, ToRead)>,
    request: &HttpRequest,
    slot: ConnectionSlot,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let Found {
        state,
        name,
        handle,
        settings,
        ..
    } = connection;
    let bridge = state.bridges.enter();
    let bridge = bridge.ok_or_else(|| refusal::problem(&name, OpenSessionError::ShutDown))?;
    let mut wished = SessionSettings::with_subprotocols(subprotocols::for_the_peer(request)?);
    wished.client = request.peer_addr().map(|addr| addr.to_string());
    let session = handle.open_session(wished).await;
    let session = session.map_err(|error| refusal::problem(&name, error))?;
    let mut answer =
        ws::handshake(request).map_err(|error| Problem::upgrade_required(error.to_string()))?;
    if let Some(chosen) = subprotocols::chosen(request, session.subprotocol()) {
        answer.insert_header((header::SEC_WEBSOCKET_PROTOCOL, chosen));
    }
    let (sender, receiver) = session.split();
    let (controls, told) = mpsc::channel(CONTROLS);
    let line = Rc::new(Line::new());
    let client = Client::new(payload, settings.max_message, &state.manager);
    let upward = actix::spawn(upward(client, sender, controls, Rc::clone(&line)));
    Ok(answer.streaming(Downward {
        peer: receiver,
        told,
        line,
        upward,
        ticks: ticks(),
        asked: Instant::now(),
        close_timeout: settings.close_timeout,
        state: State::Serves,
        last_bytes: request.conn_data().cloned().unwrap_or_default(),
        pauses: false,
        _slot: slot,
        _bridge: bridge,
    }))
}

/// What both halves know about the client.
#[derive(Debug)]
struct Line {
    /// When something was last received from it.
    heard: Cell<Instant>,
    /// Whether the peer keeps us from reading from it.
    is_blocked: Cell<bool>,
}

impl Line {
    fn new() -> Self {
        Self {
            heard: Cell::new(Instant::now()),
            is_blocked: Cell::new(false),
        }
    }

    fn is_silent(&self) -> bool {
        !self.is_blocked.get() && self.heard.get().elapsed() >= TIMEOUT
    }
}

/// What is sent to the client, besides messages of the peer.
#[derive(Debug)]
enum Control {
    Pong(Bytes),
    Close(Option<CloseReason>),
}

/// Forwards from the client to the peer until the client is gone. Dropping `peer` ends the session.
async fn upward(
    mut client: Client,
    peer: SessionSender,
    controls: mpsc::Sender<Control>,
    line: Rc<Line>,
) {
    while let Some(heard) = client.hear().await {
        line.heard.set(Instant::now());
        match heard {
            Ok(Heard::Nothing) => {}
            Ok(Heard::Ping(payload)) => {
                // A client that pings but does not read needs no more answers.
                let _full = controls.try_send(Control::Pong(payload));
            }
            Ok(Heard::Message(message)) => {
                line.is_blocked.set(true);
                // If the session has ended, the close frame tells the client.
                let _ended = peer.send(message).await;
                line.is_blocked.set(false);
                line.heard.set(Instant::now());
            }
            Ok(Heard::Close(given)) => {
                peer.close(frame(given.as_ref()));
                let _gone = controls.send(Control::Close(given)).await;
                return;
            }
            Err(given) => {
                drop(peer);
                let _gone = controls.send(Control::Close(Some(given))).await;
                // If the connection ended with unread bytes, the close frame would be lost.
                return client.discard().await;
            }
        }
    }
}

/// The client's close frame, for the peer.
fn frame(given: Option<&CloseReason>) -> CloseFrame {
    given.map_or_else(CloseFrame::default, |given| {
        let reason = given.description.as_deref().unwrap_or_default();
        CloseFrame::new(given.code.into(), reason)
    })
}

/// Forwards from the peer to the client.
struct Downward {
    peer: SessionReceiver,
    told: mpsc::Receiver<Control>,
    line: Rc<Line>,
    upward: JoinHandle<()>,
    ticks: Interval,
    /// When the client was last pinged.
    asked: Instant,
    close_timeout: Duration,
    state: State,
    last_bytes: LastBytes,
    /// Other tasks of the thread get a turn first.
    pauses: bool,
    _slot: ConnectionSlot,
    _bridge: Bridge,
}

enum State {
    /// Exits to `Leaves`.
    Serves,
    /// The close frame is sent. Waits for the client's close frame or the end of its connection, up
    /// to this time.
    Leaves(Pin<Box<Sleep>>),
}

fn ticks() -> Interval {
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Downward {
    /// Encodes what is to be sent next. Ready with an empty buffer when everything is sent.
    fn poll_fill(&mut self, cx: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<()> {
        while buffer.len() < BATCH {
            match &mut self.state {
                State::Serves => {}
                State::Leaves(_) if !buffer.is_empty() => return Poll::Pending,
                State::Leaves(until) => {
                    let is_over = Pin::new(&mut self.upward).poll(cx).is_ready()
                        || until.as_mut().poll(cx).is_ready();
                    return if is_over {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    };
                }
            }
            let told = match self.told.poll_recv(cx) {
                Poll::Ready(Some(Control::Pong(payload))) => WsMessage::Pong(payload),
                Poll::Ready(Some(Control::Close(given))) => self.leave(given),
                Poll::Ready(None) | Poll::Pending => match self.poll_peer(cx) {
                    Poll::Ready(told) => told,
                    Poll::Pending => return Poll::Pending,
                },
            };
            // These frames cannot be refused by an encoder.
            let _encoded = Codec::new().encode(told, buffer);
        }
        Poll::Pending
    }

    fn poll_peer(&mut self, cx: &mut Context<'_>) -> Poll<WsMessage> {
        while self.ticks.poll_tick(cx).is_ready() {
            if self.line.is_silent() {
                let told = reason(CloseCode::Away, "no answer to pings");
                return Poll::Ready(self.leave(Some(told)));
            }
            if self.line.is_blocked.get() || self.asked.elapsed() >= INTERVAL {
                self.asked = Instant::now();
                return Poll::Ready(WsMessage::Ping(Bytes::new()));
            }
        }
        self.peer.poll_heard(cx).map(|heard| match heard {
            FromPeer::Message(Message::Text(text)) => WsMessage::Text(text),
            FromPeer::Message(Message::Binary(bytes)) => WsMessage::Binary(bytes),
            FromPeer::End(end) => self.leave(Some(refusal::farewell(&end))),
            // Later versions of the library may have other kinds.
            _ => WsMessage::Nop,
        })
    }

    fn leave(&mut self, given: Option<CloseReason>) -> WsMessage {
        // Some clients ignore a close frame and react only to the end of the connection (seen: paho
        // for Python).
        self.last_bytes.are_sent();
        self.state = State::Leaves(Box::pin(sleep(self.close_timeout)));
        WsMessage::Close(given)
    }
}

impl Stream for Downward {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.pauses) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut buffer = BytesMut::new();
        let filled = self.poll_fill(cx, &mut buffer);
        if !buffer.is_empty() {
            self.pauses = true;
            return Poll::Ready(Some(Ok(buffer.freeze())));
        }
        filled.map(|()| None)
    }
}

impl Drop for Downward {
    fn drop(&mut self) {
        // The connection of the client is gone by now.
        self.upward.abort();
    }
}
