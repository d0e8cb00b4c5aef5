//! The declared dialogue as a protocol.

use std::{any::Any, time::Instant};

use super::{Cx, Deliver, Protocol, queue::TurnId, state::Times, timers::TimerId};
use crate::{
    core::{Cause, Message},
    dialogue::{
        conversation::Conversation,
        here::Here,
        reply::{Ping, Reply},
        rules::close_code,
    },
};

/// A declared dialogue behind the trait, for a protocol that wraps it. It has no `prepare` and no
/// subscriptions, reads no files and no stored secrets, and keeps nothing over restarts: those work
/// only for a name whose settings hold the [`Dialogue`] itself.
///
/// [`Dialogue`]: crate::settings::dialogue::Dialogue
impl Protocol for Conversation {
    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.subscriptions = None;
        self.led(cx, |it, here, out| it.opened(here, out));
    }

    fn message(&mut self, message: &Message, cx: &mut Cx<'_>) -> Deliver {
        self.led(cx, |it, here, out| it.message(message, here, out))
            .into()
    }

    /// It has one deadline, whatever the timer.
    fn timer(&mut self, _: TimerId, cx: &mut Cx<'_>) {
        self.led(cx, |it, here, out| it.timer(here, out));
    }

    fn lost(&mut self, cause: &Cause, cx: &mut Cx<'_>) {
        self.led(cx, |it, here, out| {
            it.lost(cause, close_code(cause), here, out)
        });
    }

    fn ready(&mut self, cx: &mut Cx<'_>) {
        self.led(cx, |it, here, out| it.ready(here, out));
    }

    fn compose(&mut self, _: TurnId, cx: &mut Cx<'_>) -> Option<Message> {
        self.led(cx, |it, here, out| it.compose(here, out))
    }

    fn written(&mut self, _: TurnId, cx: &mut Cx<'_>) {
        self.led(cx, |it, here, out| it.written(here, out));
    }

    fn said(&mut self, now: Instant) {
        Self::said(self, now);
    }

    fn ping(&mut self, cx: &mut Cx<'_>) -> Ping {
        self.led(cx, |it, here, out| it.ping(here, out))
    }

    fn matches_pongs(&self) -> bool {
        Self::matches_pongs(self)
    }

    fn has_goodbye(&self) -> bool {
        self.has_close_script()
    }

    fn goodbye(&mut self, cx: &mut Cx<'_>) {
        self.led(cx, |it, here, out| it.begin_close_script(here, out));
    }

    fn successor(&self) -> Option<Box<dyn Protocol>> {
        Some(Box::new(Self::successor(self)))
    }

    fn adopt(&mut self, before: Box<dyn Protocol>) {
        if let Ok(before) = (before as Box<dyn Any>).downcast::<Self>() {
            let fresh = std::mem::replace(self, *before);
            // It has no subscriptions, which are all that this would report.
            Self::adopt(self, fresh, &mut Vec::new());
        }
    }

    fn declared(&self) -> Option<&Conversation> {
        Some(self)
    }

    fn declared_mut(&mut self) -> Option<&mut Conversation> {
        Some(self)
    }
}

impl Conversation {
    /// Passes an event on, and performs the resulting actions.
    fn led<T>(
        &mut self,
        cx: &mut Cx<'_>,
        tell: impl FnOnce(&mut Self, &Here<'_>, &mut Vec<Reply>) -> T,
    ) -> T {
        let mut out = Vec::new();
        let told = tell(self, cx.here(), &mut out);
        cx.follow(
            self.deadline(),
            Times {
                interval: self.interval(),
                timeout: self.timeout(),
                idle: self.idle(),
            },
        );
        for reply in out {
            cx.forward(reply);
        }
        told
    }
}
