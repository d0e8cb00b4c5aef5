//! The conversation of a socket: feeds the pure engine, and collects its replies.

mod engine;
mod heartbeat;
mod named_beats;
mod replies;
mod requests;
mod seldom;
mod serving;
mod steps;
mod storing;
mod subscriptions;
mod surroundings;
mod wishes;
mod work;

use std::{sync::Arc, time::Instant};

use everwire_proto::dialogue::{BeforeDial, Concern, Heard, Reply, close_code};

use self::{
    engine::{Engine, led},
    replies::Replies,
    seldom::Seldom,
};
pub(in crate::connection) use self::{
    named_beats::NamedBeats,
    replies::keep_memory,
    serving::{Serving, policy_of_named},
    surroundings::{Surroundings, surroundings},
};
use crate::{
    core::{Cause, Message, NumberPlace},
    settings::ConnectionSettings,
    transport::PreparedDial,
};

/// The conversation of one socket. Its captures outlive the socket.
pub(in crate::connection) struct LiveConversation {
    pub(super) engine: Engine,
    replies: Replies,
    pub(super) seldom: Seldom,
}

impl LiveConversation {
    /// Whether it belongs to these settings.
    pub fn is_of(&self, settings: &ConnectionSettings) -> bool {
        self.engine.is_of(settings)
    }

    /// Whether both have the same dialogue.
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        self.engine.equals(&other.engine)
    }

    fn new(engine: Engine) -> Self {
        Self {
            engine,
            replies: Replies::default(),
            seldom: Seldom::default(),
        }
    }

    /// The start of a message with the current secrets masked; `None` if it contains none.
    pub fn masked(&self, message: &Message) -> Option<String> {
        led!(&self.engine, it => it.masked(message))
    }

    /// Whether its socket was dialled at a URL that the peer has named.
    pub fn is_handover(&self) -> bool {
        self.seldom.is_handover()
    }

    /// Sets whether its socket was dialled at such a URL.
    pub fn set_handover(&mut self, is_handover: bool) {
        self.seldom.set_handover(is_handover);
    }

    /// How many answers of rules wait.
    pub fn answers_waiting(&self) -> usize {
        led!(&self.engine, it => it.answers_waiting())
    }

    /// It becomes the conversation of the current socket.
    fn serving(mut self) -> Self {
        if let Some(watching) = self.seldom.watching_mut() {
            watching.watcher.is_successor = false;
        }
        self
    }

    /// The conversation of a successor under these settings. It begins with the captures of this
    /// one if both have the same dialogue.
    pub fn successor(known: Option<&Self>, settings: &ConnectionSettings) -> Option<Box<Self>> {
        let mut fresh = Self::new(Engine::of(settings)?);
        match known {
            Some(known) if known.is_of(settings) => {
                fresh.seldom.set_wishes(known.seldom.wishes());
                fresh.engine = match &known.engine {
                    Engine::Declared(it) => Engine::Declared(it.successor()),
                    Engine::Custom(it) => Engine::Custom(Box::new(it.successor())),
                }
            }
            Some(known) => fresh.restore(&known.kept()),
            None => {}
        }
        if let Some(watching) = known.and_then(|known| known.seldom.watching()) {
            fresh.watch(watching.watcher.of_successor());
        }
        Some(Box::new(fresh))
    }

    fn adopt(mut self, successor: Self) -> Self {
        self.seldom = successor.seldom;
        self.replies = successor.replies;
        match (&mut self.engine, successor.engine) {
            (Engine::Declared(it), Engine::Declared(successor)) => {
                it.adopt(successor, &mut self.replies.open());
            }
            (Engine::Custom(it), Engine::Custom(successor)) => {
                it.adopt(*successor, &mut self.replies.open());
            }
            (it, successor) => *it = successor,
        }
        self
    }

    /// The known values for a dial that begins now.
    pub fn before_dial(&self) -> Option<BeforeDial> {
        let declared = self.engine.declared();
        declared.map(|declared| declared.before_dial())
    }

    /// The result of the preparation for the next socket; `None` if there was none.
    pub fn prepared(&mut self, dial: Option<Box<PreparedDial>>) {
        let Some(dial) = dial else {
            return self.seldom.set_shared(None);
        };
        if let Some(declared) = self.engine.declared_mut() {
            declared.prepared(&dial.prepared);
        }
        self.seldom.set_shared(dial.shared);
    }

    /// The peer refuses values that names share: nobody gets them any more.
    pub fn discard_shared(&self) {
        if let Some(shared) = self.seldom.shared() {
            shared.discard();
        }
    }

    /// A socket has opened.
    pub fn opened(&mut self, at: Surroundings<'_>) {
        self.replies = Replies::default();
        if let Some(watching) = self.seldom.watching_mut() {
            watching.secrets = at.secrets.clone();
        }
        self.seldom.set_work(None);
        let here = at.here(self.is_handover());
        led!(&mut self.engine, it => it.opened(&here, &mut self.replies.open()));
    }

    /// Whether, and how, a message concerns it; `None`: it need not see the message. A protocol in
    /// code sees all.
    #[inline]
    pub fn concern(&self, message: &Message) -> Option<Concern> {
        match &self.engine {
            Engine::Declared(it) => it.concern(message),
            Engine::Custom(_) => Some(Concern::default()),
        }
    }

    /// The subscription of a message that has [no other effect](Concern::is_only_routed).
    pub fn subscription_by(
        &mut self,
        message: &Message,
        settings: &ConnectionSettings,
    ) -> (Option<Arc<str>>, Option<NumberPlace>) {
        match &mut self.engine {
            Engine::Declared(it) => it.subscription_by(message, settings.sequence.as_ref()),
            Engine::Custom(_) => (None, None),
        }
    }

    /// Handles a message that concerns it. Returns the place of the peer's own number if it was
    /// found on the way.
    pub fn message(
        &mut self,
        message: &Message,
        concern: Concern,
        at: Surroundings<'_>,
    ) -> (Heard, Option<NumberPlace>) {
        let here = at.here(self.is_handover());
        let numbers = at.settings.sequence.as_ref();
        match &mut self.engine {
            Engine::Declared(it) => {
                it.message_of_concern(message, concern, numbers, &here, &mut self.replies.open())
            }
            Engine::Custom(it) => (it.message(message, &here, &mut self.replies.open()), None),
        }
    }

    /// Its deadline may have come.
    pub fn timer(&mut self, at: Surroundings<'_>) {
        if self.deadline().is_some_and(|deadline| deadline <= at.now) {
            let here = at.here(self.is_handover());
            led!(&mut self.engine, it => it.timer(&here, &mut self.replies.open()));
        }
    }

    /// The socket is lost, or a dial has failed.
    pub fn lost(&mut self, cause: &Cause, at: Surroundings<'_>) {
        self.replies = Replies::default();
        self.seldom.set_work(None);
        let (here, mut out) = (at.here(self.is_handover()), self.replies.open());
        match &mut self.engine {
            Engine::Declared(it) => it.lost(cause, close_code(cause), &here, &mut out),
            Engine::Custom(it) => it.lost(cause, &here, &mut out),
        }
    }

    /// Nothing can be sent on its socket any more.
    pub fn mute(&mut self, now: Instant) {
        led!(&mut self.engine, it => it.mute(now));
    }

    /// When [`timer`](Self::timer) has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        led!(&self.engine, it => it.deadline())
    }

    /// Whether the script has passed.
    pub fn has_passed(&self) -> bool {
        led!(&self.engine, it => it.has_passed())
    }

    /// Whether so many answers wait that no more may be read.
    pub fn stops_reading(&self) -> bool {
        led!(&self.engine, it => it.stops_reading())
    }

    /// Whether replies wait to be carried out.
    pub fn has_replies(&self) -> bool {
        !self.replies.is_empty()
    }

    /// Takes the replies to carry out.
    pub fn take_replies(&mut self) -> Vec<Reply> {
        self.replies.take()
    }
}
