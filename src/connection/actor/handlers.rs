//! How the actor answers its messages: at once, whatever the socket is doing.

use std::sync::Arc;

use actix::{Context, Handler, MessageResult};
use bytestring::ByteString;

use super::{
    forward::forward,
    messages::{
        AskLastMessage, CloseMyself, Configure, Connect, Drain, InvalidClose, NotUp, Probe, Remove,
        Rotate, Send, Snapshot, Subscribe,
    },
    start_interval,
};
#[cfg(feature = "testing")]
use crate::connection::state::fault::Fault;
use crate::{
    chance, clock,
    config::{Changes, ConnectionSettings, NameSettings, Template},
    connection::{
        Connection, OutboxStatus, Receipt, State, Status, UrlStatus,
        session::SessionEnd,
        state::{Ending, Name, Waiting, policy},
    },
    core::{Message, Pattern, Rejected, State as LifeState, TooLarge},
    events::{Applied, Event},
    keeper::Order,
    wire::CloseFrame,
};

/// Heartbeat intervals in one incarnation: a change of the heartbeat beyond that takes a new socket.
const MAX_INTERVALS: u32 = 16;

/// Messages that may wait to go out ahead of the outbox.
const MAX_AHEAD: usize = 64;

impl Handler<Connect> for Connection {
    type Result = Result<(), Rejected>;

    fn handle(&mut self, connect: Connect, ctx: &mut Context<Self>) -> Self::Result {
        self.begin_turn(ctx)
            .guarded(|act| {
                act.remember_closed(false);
                act.connect(connect.data)
            })
            .unwrap_or(Err(Rejected::Closed))
    }
}

impl Handler<Send> for Connection {
    type Result = Result<Receipt, Rejected>;

    fn handle(&mut self, Send(message): Send, ctx: &mut Context<Self>) -> Self::Result {
        self.begin_turn(ctx)
            .guarded(|act| act.gate.send(message))
            .unwrap_or(Err(Rejected::Closed))
    }
}

impl Handler<CloseMyself> for Connection {
    type Result = Result<(), InvalidClose>;

    fn handle(&mut self, close: CloseMyself, ctx: &mut Context<Self>) -> Self::Result {
        let state = self.begin_turn(ctx);
        close.check()?;
        state.guarded(|act| {
            act.remember_closed(true);
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
        let state = self.begin_turn(ctx);
        let pattern = Pattern::exactly(&state.name);
        let events = state.commons.hub.stream(pattern, subscribe.delivery);
        actix::spawn(forward(events, subscribe.recipient));
    }
}

impl Handler<Snapshot> for Connection {
    type Result = MessageResult<Snapshot>;

    fn handle(&mut self, _: Snapshot, ctx: &mut Context<Self>) -> Self::Result {
        MessageResult(self.begin_turn(ctx).status())
    }
}

impl Handler<AskLastMessage> for Connection {
    type Result = MessageResult<AskLastMessage>;

    fn handle(&mut self, _: AskLastMessage, ctx: &mut Context<Self>) -> Self::Result {
        let state = self.begin_turn(ctx);
        MessageResult(state.record.last_message.as_deref().cloned())
    }
}

impl Handler<Configure> for Connection {
    type Result = MessageResult<Configure>;

    fn handle(&mut self, Configure(settings): Configure, ctx: &mut Context<Self>) -> Self::Result {
        let state = self.begin_turn(ctx);
        let applied = state.configure(*settings);
        start_interval(state, ctx);
        MessageResult(applied)
    }
}

impl Handler<Rotate> for Connection {
    type Result = Result<(), NotUp>;

    fn handle(&mut self, _: Rotate, ctx: &mut Context<Self>) -> Self::Result {
        self.begin_turn(ctx)
            .guarded(|act| act.rotate())
            .unwrap_or(Err(NotUp))
    }
}

impl Handler<Probe> for Connection {
    type Result = ();

    fn handle(&mut self, _: Probe, ctx: &mut Context<Self>) {
        let state = self.begin_turn(ctx);
        state.probe_due = true;
        state.wake();
    }
}

impl Handler<Drain> for Connection {
    type Result = ();

    fn handle(&mut self, Drain(done): Drain, ctx: &mut Context<Self>) {
        self.begin_turn(ctx).guarded(|act| {
            match &mut act.ending {
                Ending::Stays => act.ending = Ending::Drains(Box::new(Waiting(vec![done]))),
                Ending::Drains(waiting) | Ending::Leaves(waiting) => waiting.0.push(done),
                Ending::Gone => return,
            }
            act.close_for_good();
        });
    }
}

impl Handler<Remove> for Connection {
    type Result = ();

    fn handle(&mut self, Remove(done): Remove, ctx: &mut Context<Self>) {
        self.begin_turn(ctx).guarded(|act| {
            let mut waiting = match std::mem::take(&mut act.ending) {
                Ending::Stays => Box::default(),
                Ending::Drains(waiting) | Ending::Leaves(waiting) => waiting,
                Ending::Gone => {
                    act.ending = Ending::Gone;
                    return;
                }
            };
            waiting.0.push(done);
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
        self.0.state.guarded(|act| {
            act.fault = Some(fault);
            act.trip(Fault::Handler);
            act.wake();
        });
    }
}

impl Name {
    fn connect(&mut self, data: Option<Message>) -> Result<(), Rejected> {
        if !matches!(self.ending, Ending::Stays) {
            return Err(Rejected::Closed);
        }
        if self.settings.sessions_only {
            return self.serve_sessions(data.is_some());
        }
        if let Some(data) = data {
            let (len, limit) = (data.len(), self.settings.max_message);
            if len > limit {
                return Err(TooLarge { len, limit }.into());
            }
            if matches!(self.life.state(), LifeState::Open { .. }) || self.life.is_handing_over() {
                if self.ahead_is_full(len) {
                    return Err(Rejected::Full);
                }
                self.ahead.push(data.clone());
            }
            self.gate
                .with(|inside| inside.connect_data = Some(Box::new(data)));
        }
        self.gate.with(|inside| inside.wanted = true);
        self.life.connect(&mut self.effects);
        self.show_state();
        self.wake();
        Ok(())
    }

    /// Whether nothing more of this length may wait ahead of the outbox: no more bytes than the outbox itself holds, or one message.
    fn ahead_is_full(&self, len: usize) -> bool {
        let bytes: usize = self.ahead.iter().map(Message::len).sum();
        let is_full = bytes + len > self.settings.outbox.bytes;
        self.ahead.len() >= MAX_AHEAD || (is_full && !self.ahead.is_empty())
    }

    pub(in crate::connection) fn close(&mut self, frame: CloseFrame) {
        // At once, and not when the driver runs: who asked for the close must not see a later message accepted.
        self.gate.with(|inside| {
            inside.outbox.set_open(false);
            inside.connect_data = None;
            inside.wanted = false;
        });
        self.close_sessions();
        self.life.close(
            frame,
            policy(&self.settings),
            clock::now(),
            &mut self.effects,
        );
        self.show_state();
        self.wake();
    }

    /// A close by hand outlives the process, where there is something that outlives it.
    fn remember_closed(&self, closed: bool) {
        let order = Order::Closed(self.name.clone(), closed);
        self.commons.keeper.order(order);
    }

    fn close_for_good(&mut self) {
        self.close(CloseFrame {
            code: Some(self.settings.close_code),
            reason: ByteString::new(),
        });
    }

    fn rotate(&mut self) -> Result<(), NotUp> {
        let rotates = self.life.is_handing_over() || self.life.rotate(&mut self.effects);
        self.wake();
        rotates.then_some(()).ok_or(NotUp)
    }

    fn configure(&mut self, settings: ConnectionSettings) -> Applied {
        let NameSettings { urls, common: new } = self.commons.settings.share(settings);
        let old = std::mem::replace(&mut self.settings, Arc::clone(&new));
        let moved = self.urls != urls;
        if moved {
            self.move_to(urls);
        }
        self.gate.history().configure(new.history);
        self.pace = self
            .commons
            .buckets
            .get(&self.name, new.rate.as_ref(), self.pace.take());
        self.gate.with(|inside| {
            inside.outbox.configure(new.outbox, new.max_message);
            inside.outbox.set_sessions_only(new.sessions_only);
        });
        if old.sessions_only != new.sessions_only {
            self.keep_a_socket(!new.sessions_only);
        }
        let needs_socket = moved || Changes::between(&old, &new).needs_socket;
        if needs_socket {
            self.end_sessions(SessionEnd::Reconfigured);
        }
        let needed = needs_socket || self.intervals >= MAX_INTERVALS;
        self.rotate_again |= needed && self.life.is_handing_over();
        let reconnect = needed && (self.rotate_again || self.life.replace(&mut self.effects));
        if new.sequence != old.sequence {
            self.sequence = None;
        }
        if !reconnect
            && old.heartbeat != new.heartbeat
            && matches!(self.life.state(), LifeState::Open { .. })
        {
            self.heartbeat = Default::default();
            self.want_interval();
        }
        let applied = Applied { reconnect };
        self.publish(|stamp| Event::Applied(stamp, applied));
        // Without anything durable it has nothing to wait for.
        if !self.gate.is_held() {
            self.let_go();
        }
        self.wake();
        applied
    }

    /// There are other URLs. A dial that waits for one that is not the first any more has nothing to wait for.
    fn move_to(&mut self, urls: Arc<[Template]>) {
        let waits_in_vain = self.url() != &urls[0];
        self.life.set_endpoints(urls.len());
        self.urls = urls;
        if waits_in_vain {
            let now = clock::now();
            let random = chance::next_u64();
            self.life.hurry(policy(&self.settings), now, random);
            self.note_retry_at(now);
        }
    }

    fn status(&mut self) -> Status {
        let outbox = self.gate.with(|inside| OutboxStatus {
            messages: inside.outbox.len(),
            bytes: inside.outbox.bytes(),
            oldest: inside.oldest_age(clock::now()),
            in_doubt: self.record.in_doubt + inside.outbox.in_doubt(),
            dropped: self.record.dropped,
        });
        let state = self.record.shown;
        let upgrade = self.record.upgrade.as_deref();
        Status {
            name: self.name.clone(),
            state,
            ready_state: state.ready_state(),
            // A socket that closes has been ready, and takes no application message any more.
            ready: self.record.ready && state == State::Open,
            url: self.url().to_string(),
            urls: self.url_statuses(),
            subprotocol: upgrade.and_then(|upgrade| upgrade.subprotocol.clone()),
            tls: upgrade.and_then(|upgrade| upgrade.tls),
            tags: self.settings.tags.clone(),
            since: self.record.since,
            epoch: self.journal.epoch(),
            incarnation: self.life.incarnation(),
            attempt: self.life.attempt(policy(&self.settings), clock::now()),
            retry_at: self.record.retry_at.as_deref().copied(),
            cause: self.record.cause.as_deref().cloned(),
            last_error: self.record.last_error.as_deref().cloned(),
            last_close: self.record.last_close.as_deref().cloned(),
            reconnects: self.record.reconnects,
            rtt: self.heartbeat.rtt(),
            sent: self.record.sent,
            received: self.record.received,
            last_message_at: self.record.last_message_at,
            outbox,
            sessions: self.session_statuses(),
            takes_sessions: self.takes_sessions(),
            subscribers: self.listeners.count(&self.commons.hub, &self.name),
        }
    }

    /// The URL that is in use or dialled next.
    fn url(&self) -> &Template {
        &self.urls[self.url_number()]
    }

    fn url_statuses(&self) -> Vec<UrlStatus> {
        if self.urls.len() == 1 {
            return Vec::new();
        }
        let failures = self.life.endpoints().failures();
        let statuses = self.urls.iter().zip(failures);
        statuses
            .map(|(url, failures)| UrlStatus {
                url: url.to_string(),
                failures,
            })
            .collect()
    }
}
