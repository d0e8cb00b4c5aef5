//! The messages of a name's address, and how the actor answers them: at once, whatever the socket is doing.

use std::{sync::Arc, time::Instant};

use actix::{Context, Handler, MessageResult, Recipient};
use bytestring::ByteString;
use tokio::sync::oneshot;

use super::{
    Connection, Ending, MAX_AHEAD, MAX_INTERVALS, OutboxStatus, Receipt, Status, forward, policy,
    socket,
};
use crate::{
    config::ConnectionSettings,
    core::{Message, Pattern, Rejected, State as LifeState, TooLarge},
    events::{Applied, Event},
    hub::Delivery,
    wire::{CloseFrame, MAX_REASON, code, is_sendable},
};

/// The name is to be up.
///
/// Where it is down it dials now, a backoff notwithstanding. `data` is sent once the socket is open, and again after each
/// reconnect; while the socket is up it is sent at once. New data replaces the old, `None` keeps it; a close by hand
/// forgets it.
#[derive(Clone, Debug, Default, actix::Message)]
#[rtype(result = "Result<(), Rejected>")]
pub struct Connect {
    /// What to send when the socket opens.
    pub data: Option<Message>,
}

/// A message is to be sent. Answered at once with a [`Receipt`]; it waits while the socket is down.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Result<Receipt, Rejected>")]
pub struct Send(pub Message);

impl Send {
    /// A text message.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self(Message::text(text))
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<bytes::Bytes>) -> Self {
        Self(Message::binary(bytes))
    }
}

/// The name is to be closed, and to stay so until [`Connect`].
///
/// New messages are refused from now on, those that wait go out within `close_timeout`, then the closing handshake
/// follows. It wins over whatever is under way: a dial, a backoff, a loss.
#[derive(Clone, Debug, PartialEq, Eq, actix::Message)]
#[rtype(result = "Result<(), InvalidClose>")]
pub struct CloseMyself {
    /// The close code (RFC 6455 §7.4).
    pub code: u16,
    /// The reason, at most 123 bytes.
    pub reason: ByteString,
}

impl CloseMyself {
    /// Code 1000, without a reason.
    pub fn normal() -> Self {
        Self {
            code: code::NORMAL,
            reason: ByteString::new(),
        }
    }
}

/// A close that cannot be sent; nothing was closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClose {
    /// The code must not stand in a close frame.
    #[error("close code {0} cannot be sent; use 1000-1003, 1007-1014 or 3000-4999")]
    Code(u16),
    /// The reason is too long for a control frame.
    #[error("the reason has {0} bytes, at most {MAX_REASON} are allowed")]
    Reason(usize),
}

/// An actor is to hear this name's events, from now until it stops.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    /// Who is to hear.
    pub recipient: Recipient<Event>,
    /// How much may wait for it.
    pub delivery: Delivery,
}

/// Asks for the [`Status`].
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "Status")]
pub struct Snapshot;

/// New settings. What the socket depends on (URL, headers, subprotocols, TLS, limits) replaces it; all else applies to
/// the socket that is up.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Applied")]
pub struct Configure(pub Box<ConnectionSettings>);

/// Closes for a shutdown, and says when that is done.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Drain(pub oneshot::Sender<()>);

/// Closes and forgets the name, and says when that is done.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Remove(pub oneshot::Sender<()>);

/// Where a panic is to happen, to show that it harms nobody else.
#[cfg(feature = "testing")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, actix::Message)]
#[rtype(result = "()")]
#[non_exhaustive]
pub enum Fault {
    /// In the handler of this very message.
    Handler,
    /// In the next beat of the heartbeat.
    Timer,
    /// In the next turn of the driver.
    Driver,
    /// Where nothing catches it: the actor dies, and the manager respawns it.
    Death,
}

impl Handler<Connect> for Connection {
    type Result = Result<(), Rejected>;

    fn handle(&mut self, connect: Connect, ctx: &mut Context<Self>) -> Self::Result {
        self.take_turn(ctx);
        self.guarded(|act| act.connect(connect.data))
            .unwrap_or(Err(Rejected::Closed))
    }
}

impl Handler<Send> for Connection {
    type Result = Result<Receipt, Rejected>;

    fn handle(&mut self, Send(message): Send, ctx: &mut Context<Self>) -> Self::Result {
        self.take_turn(ctx);
        self.guarded(|act| act.gate.send(message))
            .unwrap_or(Err(Rejected::Closed))
    }
}

impl Handler<CloseMyself> for Connection {
    type Result = Result<(), InvalidClose>;

    fn handle(&mut self, close: CloseMyself, ctx: &mut Context<Self>) -> Self::Result {
        self.take_turn(ctx);
        if !is_sendable(close.code) {
            return Err(InvalidClose::Code(close.code));
        }
        if close.reason.len() > MAX_REASON {
            return Err(InvalidClose::Reason(close.reason.len()));
        }
        self.guarded(|act| {
            act.close(CloseFrame {
                code: Some(close.code),
                reason: close.reason,
            });
        });
        Ok(())
    }
}

impl Handler<Subscribe> for Connection {
    type Result = ();

    fn handle(&mut self, subscribe: Subscribe, ctx: &mut Context<Self>) {
        self.take_turn(ctx);
        let events = self
            .commons
            .hub
            .stream(Pattern::exactly(&self.name), subscribe.delivery);
        actix::spawn(forward(events, subscribe.recipient));
    }
}

impl Handler<Snapshot> for Connection {
    type Result = MessageResult<Snapshot>;

    fn handle(&mut self, _: Snapshot, ctx: &mut Context<Self>) -> Self::Result {
        self.take_turn(ctx);
        MessageResult(self.status())
    }
}

impl Handler<Configure> for Connection {
    type Result = MessageResult<Configure>;

    fn handle(&mut self, Configure(settings): Configure, ctx: &mut Context<Self>) -> Self::Result {
        self.take_turn(ctx);
        MessageResult(self.configure(*settings, ctx))
    }
}

impl Handler<Drain> for Connection {
    type Result = ();

    fn handle(&mut self, Drain(done): Drain, ctx: &mut Context<Self>) {
        self.take_turn(ctx);
        self.guarded(|act| {
            match &mut act.ending {
                Ending::Stays => act.ending = Ending::Drains(vec![done]),
                Ending::Drains(waiting) | Ending::Leaves(waiting) => waiting.push(done),
                Ending::Gone => return,
            }
            act.close_for_good();
        });
    }
}

impl Handler<Remove> for Connection {
    type Result = ();

    fn handle(&mut self, Remove(done): Remove, ctx: &mut Context<Self>) {
        self.take_turn(ctx);
        self.guarded(|act| {
            let mut waiting = match std::mem::take(&mut act.ending) {
                Ending::Stays => Vec::new(),
                Ending::Drains(waiting) | Ending::Leaves(waiting) => waiting,
                Ending::Gone => {
                    act.ending = Ending::Gone;
                    return;
                }
            };
            waiting.push(done);
            act.ending = Ending::Leaves(waiting);
            act.close_for_good();
        });
    }
}

#[cfg(feature = "testing")]
impl Handler<Fault> for Connection {
    type Result = ();

    fn handle(&mut self, fault: Fault, _: &mut Context<Self>) {
        assert!(fault != Fault::Death, "a death that was asked for");
        self.guarded(|act| {
            act.fault = Some(fault);
            act.trip(Fault::Handler);
            act.wake();
        });
    }
}

impl Connection {
    fn connect(&mut self, data: Option<Message>) -> Result<(), Rejected> {
        if !matches!(self.ending, Ending::Stays) {
            return Err(Rejected::Closed);
        }
        if let Some(data) = data {
            let (len, limit) = (data.len(), self.settings.max_message);
            if len > limit {
                return Err(TooLarge { len, limit }.into());
            }
            if matches!(self.life.state(), LifeState::Open { .. }) {
                if self.ahead.len() >= MAX_AHEAD {
                    return Err(Rejected::Full);
                }
                self.ahead.push(data.clone());
            }
            self.connect_data = Some(data);
        }
        self.life.connect(&mut self.effects);
        self.wake();
        Ok(())
    }

    fn close(&mut self, frame: CloseFrame) {
        self.connect_data = None;
        // At once, and not when the driver runs: who asked for the close must not see a later message accepted.
        self.gate.with(|inside| inside.outbox.set_open(false));
        self.life.close(
            frame,
            policy(&self.settings),
            Instant::now(),
            &mut self.effects,
        );
        self.wake();
    }

    fn close_for_good(&mut self) {
        self.close(CloseFrame {
            code: Some(self.settings.close_code),
            reason: ByteString::new(),
        });
    }

    fn configure(&mut self, settings: ConnectionSettings, ctx: &mut Context<Self>) -> Applied {
        let old = std::mem::replace(&mut self.settings, Arc::new(settings));
        let new = Arc::clone(&self.settings);
        self.gate
            .with(|inside| inside.outbox.configure(new.outbox, new.max_message));
        let is_up = matches!(
            self.life.state(),
            LifeState::Open { .. } | LifeState::Connecting
        );
        let reconnect = is_up && (needs_new_socket(&old, &new) || self.intervals >= MAX_INTERVALS);
        if reconnect {
            self.life.replace(
                CloseFrame {
                    code: Some(new.close_code),
                    reason: ByteString::new(),
                },
                policy(&new),
                Instant::now(),
                &mut self.effects,
            );
        } else if old.heartbeat != new.heartbeat
            && matches!(self.life.state(), LifeState::Open { .. })
        {
            self.heartbeat = Default::default();
            socket::start_heartbeat(self, ctx);
        }
        let applied = Applied { reconnect };
        self.publish(|stamp| Event::Applied(stamp, applied));
        self.wake();
        applied
    }

    fn status(&mut self) -> Status {
        let (messages, bytes) = self
            .gate
            .with(|inside| (inside.outbox.len(), inside.outbox.bytes()));
        let state = self.record.shown;
        Status {
            name: self.name.clone(),
            state,
            ready_state: state.ready_state(),
            ready: self.record.ready,
            url: self.settings.url.to_string(),
            subprotocol: self.record.subprotocol.as_deref().map(str::to_owned),
            tags: self.settings.tags.clone(),
            since: self.record.since,
            epoch: self.journal.epoch(),
            incarnation: self.life.incarnation(),
            attempt: self.life.attempt(policy(&self.settings), Instant::now()),
            retry_at: self.record.retry_at,
            last_error: self.record.last_error.as_deref().cloned(),
            last_close: self.record.last_close.as_deref().cloned(),
            rtt: self.heartbeat.rtt(),
            sent: self.record.sent,
            received: self.record.received,
            outbox: OutboxStatus {
                messages,
                bytes,
                in_doubt: self.record.in_doubt,
                dropped: self.record.dropped,
            },
            subscribers: self.listeners.count(&self.commons.hub, &self.name),
        }
    }

    /// Panics if this fault was asked for.
    #[cfg(feature = "testing")]
    #[allow(clippy::panic, reason = "it is what was asked for")]
    pub(super) fn trip(&mut self, here: Fault) {
        if self.fault == Some(here) {
            self.fault = None;
            panic!("a panic that was asked for, in the {here:?}");
        }
    }
}

/// Whether a socket that was opened under `old` cannot serve under `new`.
fn needs_new_socket(old: &ConnectionSettings, new: &ConnectionSettings) -> bool {
    old.url != new.url
        || old.headers != new.headers
        || old.basic_auth != new.basic_auth
        || old.subprotocols != new.subprotocols
        || old.source_address != new.source_address
        || old.tls != new.tls
        || old.max_frame != new.max_frame
        || old.max_message != new.max_message
        || old.on_open != new.on_open
}
