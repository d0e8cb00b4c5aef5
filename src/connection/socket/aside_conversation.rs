//! The conversation of a socket that is made ready beside the current one.

use std::{sync::Arc, time::Instant};

use super::{
    Socket,
    early::Early,
    heard::{Heard, Listened},
};
use crate::{
    connection::state::{
        ActorState,
        conversation::{LiveConversation, surroundings},
    },
    core::{Cause, Message},
    transport::PreparedDial,
};

impl Socket {
    /// The socket beside the current one has opened.
    pub fn begin_aside(&mut self, act: &mut ActorState, now: Instant) -> Result<(), Cause> {
        let mut aside = LiveConversation::successor(act.conversation(), &act.settings);
        if let (Some(aside), Some(serving)) = (&mut aside, &mut act.serving) {
            aside.set_handover(serving.take_handover());
        }
        if let Some(aside) = &mut aside {
            aside.begin_places(act.history_position());
            aside.prepared(take_prepared(&mut self.early));
        }
        self.early.get_or_insert_default().aside = aside;
        self.follow_wishes(act, now);
        let here = surroundings!(self, act, now);
        if let Some(conversation) = aside_mut(&mut self.early) {
            conversation.opened(here);
        }
        self.carry_out_aside(act)
    }

    /// Learns the callers' subscriptions that have changed since it began.
    pub(super) fn follow_wishes(&mut self, act: &mut ActorState, now: Instant) {
        let here = surroundings!(self, act, now);
        if let Some(conversation) = aside_mut(&mut self.early) {
            conversation.catch_up(&act.outbox.wishes(), here);
        }
    }

    /// The subscription of a message that has come on it.
    pub fn subscription_of(&self, message: &Message) -> Option<Arc<str>> {
        self.aside()?.subscription_of(message)
    }

    /// Handles a message on a socket beside the current one.
    pub(super) fn hear_beside(
        &mut self,
        act: &mut ActorState,
        message: &Message,
        now: Instant,
    ) -> Result<Listened, Cause> {
        let here = surroundings!(self, act, now);
        let aside = aside_mut(&mut self.early);
        let concerned = aside.and_then(|aside| Some((aside.concern(message)?, aside)));
        let Some((concern, conversation)) = concerned else {
            return Ok((Heard::Message(None), None));
        };
        let (heard, number) = conversation.message(message, concern, here);
        self.carry_out_aside(act)?;
        Ok((heard.into(), number))
    }

    /// Continues the script beside the current socket.
    pub(super) fn go_on_aside(&mut self, act: &mut ActorState, now: Instant) -> Result<(), Cause> {
        if self.aside().is_none() {
            return Ok(());
        }
        let is_written = self.writer.take_step_written();
        let subscriptions_written = self.writer.take_subscriptions_written();
        let here = surroundings!(self, act, now);
        if let Some(conversation) = aside_mut(&mut self.early) {
            conversation.subscriptions_written(subscriptions_written, here);
            if is_written {
                conversation.written(here);
            }
            conversation.timer(here);
        }
        self.carry_out_aside(act)
    }

    /// Whether it was dialled at a URL that the peer has named. The old socket is then left without
    /// a close script.
    pub fn is_handover_aside(&self) -> bool {
        self.aside().is_some_and(LiveConversation::is_handover)
    }

    pub(super) fn aside(&self) -> Option<&LiveConversation> {
        self.early.as_ref()?.aside.as_deref()
    }

    /// Whether too many answers wait to be written, so that no more may be read.
    pub(super) fn has_too_many_answers_aside(&self) -> bool {
        self.aside()
            .is_some_and(|conversation| conversation.stops_reading() || self.is_full_of_answers())
    }

    /// Whether its script has passed; also `true` without a script.
    pub(super) fn has_passed_aside(&self) -> bool {
        self.aside()
            .is_none_or(|conversation| conversation.has_passed())
    }

    /// When its conversation has something to do.
    pub fn aside_deadline(&self) -> Option<Instant> {
        self.aside()?.deadline()
    }
}

/// The conversation of a socket beside the current one.
pub(super) fn aside_mut(early: &mut Option<Box<Early>>) -> Option<&mut LiveConversation> {
    early.as_mut()?.aside.as_deref_mut()
}

pub(super) fn take_prepared(early: &mut Option<Box<Early>>) -> Option<Box<PreparedDial>> {
    early.as_mut()?.prepared.take()
}
