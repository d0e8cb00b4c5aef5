//! A client with a socket of its own to the peer.
//!
//! Two halves that do not wait for each other: [`upward`], a task, takes from the client no more than the peer takes, and [`Downward`], the
//! body of the answer, takes from the peer no more than the client takes.

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

/// How many answers to its pings may wait for a client; others are not given.
const CONTROLS: usize = 16;
/// How often it is looked whether a client must be asked if it is there. That often is asked who is not listened to: its end shows only
/// in what is written to it.
const TICK: Duration = Duration::from_secs(1);
/// As much is encoded at a time, unless a single message has more.
const BATCH: usize = 64 << 10;

/// Opens a socket for the client, and then lets it in.
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

/// What both halves know of the client.
#[derive(Debug)]
struct Line {
    /// When it was last heard.
    heard: Cell<Instant>,
    /// Whether the peer keeps us from listening to it.
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

/// What the client is told beside the messages of the peer.
#[derive(Debug)]
enum Control {
    Pong(Bytes),
    Close(Option<CloseReason>),
}

/// From the client to the peer, until the client is gone. What is thrown away with `peer` ends the session.
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
                // A client that pings and does not read needs no more answers.
                let _full = controls.try_send(Control::Pong(payload));
            }
            Ok(Heard::Message(message)) => {
                line.is_blocked.set(true);
                // Of a session that has ended the client hears by its close frame.
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
                // Bytes that nobody has read when the connection ends would have the close frame thrown away.
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

/// From the peer to the client.
struct Downward {
    peer: SessionReceiver,
    told: mpsc::Receiver<Control>,
    line: Rc<Line>,
    upward: JoinHandle<()>,
    ticks: Interval,
    /// When the client was asked last whether it is there.
    asked: Instant,
    close_timeout: Duration,
    state: State,
    last_bytes: LastBytes,
    /// Others of the thread have their turn first.
    pauses: bool,
    _slot: ConnectionSlot,
    _bridge: Bridge,
}

enum State {
    /// Exits to `Leaves`.
    Serves,
    /// The close frame is out; the client's is awaited until then, or the end of its connection.
    Leaves(Pin<Box<Sleep>>),
}

fn ticks() -> Interval {
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Downward {
    /// What is to be told next, encoded; ready with nothing when all is told.
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
            // It has neither a length nor a state that an encoder could refuse.
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
            // The library may tell more some day.
            _ => WsMessage::Nop,
        })
    }

    fn leave(&mut self, given: Option<CloseReason>) -> WsMessage {
        // Some clients do not heed a close frame, but only the end (seen: paho for Python).
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
        // The connection of the client is gone, if it was not already.
        self.upward.abort();
    }
}
