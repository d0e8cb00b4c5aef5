//! Carries out the replies of a socket's conversation.

use std::time::Instant;

use everwire_proto::{
    dialogue::{Reply, SubscriptionChange},
    settings::dialogue::HeartbeatStart,
};

use super::{
    Socket, ahead::StepTurn, aside_conversation::aside_mut, first_beat::begin_beats,
    open::connect_data,
};
use crate::{
    connection::{
        outbox::rate_limit::BucketSet,
        state::{
            ActorState,
            conversation::{LiveConversation, keep_memory},
            policy,
        },
    },
    core::Cause,
    events::EventKind,
    settings::RateSettings,
};

impl Socket {
    /// Carries out the replies of the conversation.
    pub(super) fn carry_out(&mut self, act: &mut ActorState, now: Instant) {
        while let Some(serving) = &mut act.serving
            && serving.conversation.has_replies()
        {
            let mut replies = serving.conversation.take_replies();
            for reply in replies.drain(..) {
                self.carry_out_one(act, reply, now);
            }
            keep_memory(replies);
        }
    }

    fn carry_out_one(&mut self, act: &mut ActorState, reply: Reply, now: Instant) {
        match reply {
            Reply::Compose => {
                let buckets = own_buckets(act, act.conversation());
                self.writer.step(buckets);
            }
            Reply::ComposeNow => self.writer.step_now(),
            Reply::Sign(requests) => {
                if let Some(serving) = &mut act.serving {
                    serving.conversation.sign(requests);
                }
            }
            Reply::Subscribe => {
                let rates = match &mut act.serving {
                    Some(serving) => serving.conversation.subscription_rates(),
                    None => Default::default(),
                };
                self.writer.subscription(subscription_turn(act, rates));
            }
            Reply::Call(call) => {
                let (owner, call) = (call.owner, self.sent.call(act, *call));
                if let Some(serving) = &mut act.serving {
                    serving.conversation.call(owner, call);
                }
                // The waiting state must be published.
                act.wake();
            }
            Reply::MayClose => self.may_close(act, now),
            Reply::Answered(answered) => act.answered(*answered),
            Reply::Subscription(change) => {
                let change = self.redacted(*change, act);
                act.publish_subscription(change);
            }
            Reply::Answer(message) => self.writer.answer(message),
            Reply::Passed => {
                if let Some(data) = connect_data(act) {
                    self.writer.message(data);
                }
                begin_beats(act, HeartbeatStart::Ready, now);
            }
            Reply::Times => {
                let interval = act.heartbeat().interval();
                if let Some(serving) = &mut act.serving {
                    let named = serving.conversation.heartbeat(&act.settings);
                    serving.beats.set_heartbeat(named);
                }
                if act.heartbeat().interval() != interval {
                    let conversation = act.conversation();
                    let templates = conversation.and_then(|it| it.heartbeat_templates());
                    let from = match (act.has_passed(), templates) {
                        (true, Some(templates)) => templates.from,
                        (true, None) | (false, _) => HeartbeatStart::Open,
                    };
                    begin_beats(act, from, now);
                }
            }
            Reply::Beat => act.beats.beat_due = true,
            Reply::Stale => {
                if let Some(conversation) = act.conversation() {
                    conversation.discard_shared();
                }
            }
            Reply::NextUrl(url) => act.dial_next(&url),
            Reply::Rotate { url } => {
                if let Some(url) = url {
                    act.dial_next(&url);
                }
                act.life.rotate(&mut act.effects);
            }
            Reply::Lose(cause) => {
                let (cause, code) = (self.without_secrets(cause), act.settings.close_code);
                let policy = policy(&act.settings);
                act.life
                    .violated(cause, code, policy, now, &mut act.effects);
            }
            Reply::Error(cause) => {
                let cause = self.without_secrets(cause);
                act.publish(EventKind::Error(Box::new(cause.into())));
            }
            Reply::Happened(happening) => {
                let at = act.wall();
                if let Some(serving) = &mut act.serving {
                    let mask = |text: &str| self.sent.masked(text);
                    serving.conversation.tell(*happening, at, mask);
                }
            }
        }
    }

    /// Carries out replies beside the current socket: only those that concern this socket.
    pub(super) fn carry_out_aside(&mut self, act: &mut ActorState) -> Result<(), Cause> {
        let replies = match aside_mut(&mut self.early) {
            Some(conversation) => conversation.take_replies(),
            None => return Ok(()),
        };
        for reply in replies {
            match reply {
                Reply::Compose => {
                    let buckets = own_buckets(act, self.aside());
                    self.writer.step(buckets);
                }
                Reply::ComposeNow => self.writer.step_now(),
                Reply::Sign(requests) => {
                    if let Some(conversation) = aside_mut(&mut self.early) {
                        conversation.sign(requests);
                    }
                }
                Reply::Subscribe => {
                    let rates = match aside_mut(&mut self.early) {
                        Some(conversation) => conversation.subscription_rates(),
                        None => Default::default(),
                    };
                    self.writer.subscription(subscription_turn(act, rates));
                }
                Reply::Call(call) => {
                    let (owner, call) = (call.owner, self.sent.call(act, *call));
                    if let Some(conversation) = aside_mut(&mut self.early) {
                        conversation.call(owner, call);
                    }
                    act.wake();
                }
                Reply::Answer(message) => self.writer.answer(message),
                Reply::Passed => {
                    if let Some(data) = connect_data(act) {
                        self.writer.message(data);
                    }
                }
                // Asked for again when the socket becomes the current one.
                Reply::Times | Reply::Beat => {}
                // It is not closed before it is the current one.
                Reply::MayClose | Reply::Answered(_) => {}
                // Changes are published when it becomes the current one.
                Reply::Subscription(_) => {}
                // It is a successor already.
                Reply::Rotate { .. } | Reply::NextUrl(_) => {}
                Reply::Stale => {
                    if let Some(conversation) = self.aside() {
                        conversation.discard_shared();
                    }
                }
                Reply::Lose(cause) => return Err(self.without_secrets(cause)),
                Reply::Error(cause) => {
                    let cause = self.without_secrets(cause);
                    act.publish(EventKind::Error(Box::new(cause.into())));
                }
                Reply::Happened(happening) => {
                    let sent = &self.sent;
                    if let Some(conversation) = aside_mut(&mut self.early) {
                        conversation.tell(*happening, act.wall(), |text| sent.masked(text));
                    }
                }
            }
        }
        Ok(())
    }

    /// Masks secrets in the peer's text about a subscription. The subscription keeps the masked
    /// text, too.
    fn redacted(&self, mut change: SubscriptionChange, act: &mut ActorState) -> SubscriptionChange {
        let text = change.text.as_deref();
        if let Some(masked) = text.and_then(|text| self.sent.masked(text)) {
            if let Some(serving) = &mut act.serving {
                let conversation = &mut serving.conversation;
                conversation.redact_subscription(&change.key, &masked);
            }
            change.text = Some(masked.into());
        }
        change
    }

    /// Masks secrets in the cause, which may quote the server.
    fn without_secrets(&self, mut cause: Cause) -> Cause {
        if let Some(text) = cause.foreign_text(true)
            && let Some(masked) = self.sent.masked(text)
        {
            *text = masked;
        }
        cause
    }
}

/// The buckets that the current step waits for, if they are not only the connection's.
fn own_buckets(act: &ActorState, talk: Option<&LiveConversation>) -> Option<Box<BucketSet>> {
    let talk = talk?;
    // A call is not a message of the connection.
    let own = act.buckets.as_deref().filter(|_| !talk.calls());
    buckets_of(act, own, talk.step_rates())
}

/// What the turn of a subscription message waits for. A call is not a message of the connection.
fn subscription_turn(act: &ActorState, (rates, calls): (Vec<RateSettings>, bool)) -> StepTurn {
    let own = act.buckets.as_deref().filter(|_| !calls);
    match calls && rates.is_empty() {
        true => StepTurn::Had,
        false => StepTurn::of(buckets_of(act, own, &rates)),
    }
}

/// The buckets of these rates and the connection's; `None` if there are no such rates.
fn buckets_of(
    act: &ActorState,
    own: Option<&BucketSet>,
    rates: &[RateSettings],
) -> Option<Box<BucketSet>> {
    let buckets = || {
        let buckets = &act.process.buckets;
        buckets.with_step(&act.name, own, rates)
    };
    (!rates.is_empty()).then(buckets).flatten()
}
