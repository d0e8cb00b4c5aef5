//! A name's part in its conversation, if it has one.

use std::time::{Duration, Instant};

use everwire_proto::dialogue::{KeptChange, Reply};

use super::{
    ActorState,
    conversation::{LiveConversation, Surroundings},
};
use crate::{
    core::{Cause, Rule},
    events::EventKind,
    settings::Heartbeat,
    transport::Secrets,
};

impl ActorState {
    /// Tells the conversation about a lost socket or a failed dial. Its rules may forget captures,
    /// name the next URL, or declare this loss final. `true` if it is final.
    pub(in crate::connection) fn gives_up_after(&mut self, cause: &Cause, now: Instant) -> bool {
        if self.serving.is_none() {
            return false;
        }
        let wall = self.wall();
        let Some(serving) = &mut self.serving else {
            return false;
        };
        let nothing = Secrets::default();
        let here = Surroundings {
            name: &self.name,
            settings: &self.settings,
            secrets: &nothing,
            sequence: self.inbound.last_number(),
            wall,
            now,
        };
        serving.conversation.lost(cause, here);
        let replies = serving.conversation.take_replies();
        replies.into_iter().any(|reply| self.follows_loss(reply))
    }

    /// Carries out a rule's reply to a loss. `true` if the loss is final.
    fn follows_loss(&mut self, reply: Reply) -> bool {
        match reply {
            Reply::Lose(cause) => {
                self.life
                    .give_up(cause, Rule::RuleGivesUp, &mut self.effects);
                return true;
            }
            Reply::NextUrl(url) | Reply::Rotate { url: Some(url) } => self.dial_next(&url),
            Reply::Error(cause) => self.publish(EventKind::Error(Box::new(cause.into()))),
            Reply::Happened(happening) => {
                let at = self.wall();
                if let Some(serving) = &mut self.serving {
                    serving.conversation.tell(*happening, at, |_| None);
                }
            }
            // These need a socket, and there is none.
            Reply::Compose
            | Reply::ComposeNow
            | Reply::Sign(_)
            | Reply::Call(_)
            | Reply::MayClose
            | Reply::Answered(_)
            | Reply::Subscribe
            | Reply::Subscription(_)
            | Reply::Answer(_)
            | Reply::Passed
            | Reply::Times
            | Reply::Stale
            | Reply::Beat
            | Reply::Rotate { url: None } => {}
        }
        false
    }

    /// Makes the next dial use this URL. If it must not be dialled, that is published, and the
    /// usual URL is used.
    pub(in crate::connection) fn dial_next(&mut self, url: &str) {
        let refused = match &mut self.serving {
            Some(serving) => serving.dial_next(url, &self.settings).err(),
            None => None,
        };
        if let Some(cause) = refused {
            self.publish(EventKind::Error(Box::new(cause.into())));
        }
    }

    /// The heartbeat, with the times that the peer has named.
    pub(in crate::connection) fn heartbeat(&self) -> &Heartbeat {
        let serving = self.serving.as_ref();
        let named = serving.and_then(|serving| serving.beats.heartbeat());
        named.unwrap_or(&self.settings.heartbeat)
    }

    /// The conversation of the current socket, or of the next one.
    pub(in crate::connection) fn conversation(&self) -> Option<&LiveConversation> {
        let serving = self.serving.as_ref();
        serving.map(|serving| &serving.conversation)
    }

    /// Whether an expression, or a protocol, decides what answers a ping.
    pub(in crate::connection) fn matches_pongs(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_some_and(|conversation| conversation.matches_pongs())
    }

    /// When the conversation of the current socket has something to do.
    pub(in crate::connection) fn conversation_deadline(&self) -> Option<Instant> {
        let serving = self.serving.as_ref()?;
        let conversation = serving.conversation.deadline();
        conversation.into_iter().chain(serving.beats.first()).min()
    }

    /// When captures must be handed to the store.
    pub(in crate::connection) fn keeps_deadline(&self, now: Instant) -> Option<Instant> {
        let keeps = self.serving.as_ref()?.conversation.keeps_at(now);
        // Messages that are held back have a deadline of their own.
        keeps.filter(|_| !self.inbound.deduplication.holds_back())
    }

    /// Hands kept captures to the store if it is time: after the messages that they came from, all
    /// of which were delivered.
    pub(in crate::connection) fn keep_captures(&mut self, now: Instant) {
        let Some(serving) = &mut self.serving else {
            return;
        };
        let keeps_at = serving.conversation.keeps_at(now);
        if keeps_at.is_some_and(|at| at <= now) && !self.inbound.deduplication.holds_back() {
            let changes = serving.conversation.take_kept(now);
            self.hand_to_store(changes);
        }
    }

    /// If the settings have changed since, only captures that the new ones keep.
    fn hand_to_store(&self, mut changes: Vec<KeptChange>) {
        let dialogue = self.settings.dialogue.as_deref();
        changes.retain(|(name, _)| dialogue.is_some_and(|dialogue| dialogue.keeps(name)));
        self.outbox.keep(changes);
    }

    /// The same regardless of the time: this conversation, or the process, ends.
    pub(in crate::connection) fn keep_last_captures(&mut self, now: Instant) {
        self.flush();
        if let Some(serving) = &mut self.serving
            && !self.inbound.deduplication.holds_back()
        {
            let changes = serving.conversation.take_kept(now);
            self.hand_to_store(changes);
        }
    }

    /// Whether a message that is answered once it is stored has no place in the history yet.
    pub(in crate::connection) fn wants_place(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_some_and(|conversation| conversation.wants_place())
    }

    /// Nothing can be sent on the current socket any more, so its rules answer nothing.
    pub(in crate::connection) fn mute(&mut self, now: Instant) {
        if let Some(serving) = &mut self.serving {
            serving.conversation.mute(now);
        }
    }

    /// How long the peer may be silent.
    pub(in crate::connection) fn idle_timeout(&self) -> Option<Duration> {
        let conversation = self.conversation();
        let named = conversation.and_then(|conversation| conversation.idle());
        named.or(self.settings.idle_timeout)
    }

    /// Whether the script of the current socket has passed; also `true` without one.
    pub(in crate::connection) fn has_passed(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_none_or(|conversation| conversation.has_passed())
    }

    /// Whether the conversation of the current socket waits for work done elsewhere.
    pub(in crate::connection) fn is_waiting_for_work(&self) -> bool {
        let conversation = self.conversation();
        conversation.is_some_and(LiveConversation::is_waiting)
    }

    /// Whether the current socket has a close script before our close frame.
    pub(in crate::connection) fn has_close_script(&self) -> bool {
        let conversation = self.conversation();
        self.awaits_answers() || conversation.is_some_and(LiveConversation::has_close_script)
    }
}
