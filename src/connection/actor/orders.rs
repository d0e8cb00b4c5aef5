//! Orders to a name: connect, close, rotate, change settings.

use std::sync::Arc;

use bytestring::ByteString;
use tokio::sync::oneshot;

use crate::{
    chance, clock,
    connection::{
        ConnectionGone, NotOpen, StateReason,
        session::SessionEnd,
        state::{ActorState, policy},
    },
    core::{Message, Rejected, State as LifeState, TooLarge},
    events::{Applied, EventKind},
    persistence::Order,
    settings::{Changes, ConnectionSettings, NameSettings, Template},
    wire::CloseFrame,
};

impl ActorState {
    pub(super) fn connect(&mut self, data: Option<Message>) -> Result<(), Rejected> {
        if !self.ending.stays() {
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
                let bytes = self.settings.outbox.bytes;
                if !self.ahead.push(&data, bytes) {
                    return Err(Rejected::Full);
                }
            }
            self.outbox
                .with(|locked| locked.connect_data = Some(Box::new(data)));
        }
        self.outbox.with(|locked| locked.wanted = true);
        self.life.connect(&mut self.effects);
        self.show_state();
        self.wake();
        Ok(())
    }

    pub(super) fn close(&mut self, frame: CloseFrame) {
        // At once, rather than in the driver: after a close has returned, no message may be
        // accepted.
        self.outbox.with(|locked| {
            locked.outbox.set_open(false);
            locked.connect_data = None;
            locked.wanted = false;
        });
        self.cancel_requests();
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

    /// Stores a close by hand, if there is a store.
    pub(super) fn remember_closed(&self, closed: bool) {
        let order = Order::Closed(self.name.clone(), closed);
        self.process.persistence.order(order);
    }

    pub(super) fn close_for_good(&mut self) {
        self.close(CloseFrame {
            code: Some(self.settings.close_code),
            reason: ByteString::new(),
        });
    }

    /// Another node holds the name. The driver, which has the sockets, does the rest.
    pub(super) fn abandon(&mut self, done: oneshot::Sender<()>) {
        if !self.ending.abandon(done) {
            return;
        }
        self.outbox.with(|locked| {
            locked.outbox.set_open(false);
            locked.connect_data = None;
            locked.wanted = false;
        });
        self.cancel_requests();
        if let Some(sessions) = &mut self.sessions {
            sessions.reset();
        }
        self.wake();
    }

    pub(super) fn rotate(&mut self) -> Result<(), NotOpen> {
        let rotates = self.life.is_handing_over()
            || self.life.is_replacing()
            || self.life.rotate(&mut self.effects);
        self.wake();
        match (rotates, self.reported.cause()) {
            (true, _) => Ok(()),
            (false, _) if self.ending.is_gone() => Err(NotOpen::Gone(ConnectionGone::UNKNOWN)),
            (false, Some(cause)) => match &cause.reason {
                StateReason::Loss(cause) => Err(NotOpen::Lost(cause.clone())),
                _ => Err(NotOpen::NoSocket),
            },
            (false, None) => Err(NotOpen::NoSocket),
        }
    }

    pub(super) fn configure(&mut self, settings: ConnectionSettings) -> Applied {
        let NameSettings { urls, common: new } = self.process.settings.share(settings);
        let old = std::mem::replace(&mut self.settings, Arc::clone(&new));
        let moved = self.urls != urls;
        if moved {
            self.move_to(urls);
        }
        self.outbox.history().configure(new.history);
        // Captures that are no longer kept are forgotten.
        let _kept = self.outbox.kept_for(new.dialogue.as_deref());
        let buckets = &self.process.buckets;
        self.buckets = buckets.get(&self.name, &new.rate, self.buckets.as_deref());
        if let Some(dialogue) = &new.dialogue {
            buckets.set_limits(&self.name, dialogue.rates());
        }
        self.outbox.with(|locked| {
            locked.outbox.configure(new.outbox, new.max_message);
            locked.outbox.set_sessions_only(new.sessions_only);
        });
        if old.sessions_only != new.sessions_only {
            self.keep_a_socket(!new.sessions_only);
        }
        let needs_socket = moved || Changes::between(&old, &new).needs_socket;
        if needs_socket {
            self.end_sessions(SessionEnd::Reconfigured);
        }
        let needed = needs_socket || self.beats.are_used_up();
        self.declare_subscriptions();
        self.rotate_again |= needed && self.life.is_handing_over();
        let reconnect = needed && (self.rotate_again || self.life.replace(&mut self.effects));
        if new.sequence != old.sequence {
            self.inbound.forget_numbers();
        }
        if !reconnect
            && old.heartbeat != new.heartbeat
            && matches!(self.life.state(), LifeState::Open { .. })
        {
            self.beats.state = Default::default();
            self.want_interval();
        }
        let applied = Applied { reconnect };
        self.publish(EventKind::Applied(applied));
        // Without anything durable it does not wait for the store.
        if !self.outbox.is_held() {
            self.let_go();
        }
        self.wake();
        applied
    }

    /// Sets new URLs. A dial that waits for a URL that is no longer the first is cancelled.
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
}
