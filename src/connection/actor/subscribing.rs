//! Messages about subscriptions that callers hold.

use std::sync::Arc;

use actix::{Context, Handler, MessageResult};
use everwire_proto::dialogue::{Holder, SubscriptionStatus};

use parking_lot::Mutex;

use super::Connection;
use crate::{
    connection::{ConnectionGone, HoldError, SharedOutbox},
    settings::{CompileSubscription, SubscriptionWish},
};

/// A caller holds a subscription.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Result<SubscriptionStatus, HoldError>")]
pub(crate) struct HoldSubscription {
    pub key: Box<str>,
    pub wish: SubscriptionWish,
    pub holder: Holder,
    /// Compiles the wish into a subscription of the dialogue.
    pub compile: CompileSubscription,
    /// Whether the caller still waits for the answer.
    pub asked: Asked,
}

/// The progress of a caller's wish. The actor holds the lock while it takes the wish on, so a
/// caller that stops waiting knows the result.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Arc<Mutex<Stage>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The actor has not seen it.
    #[default]
    Waits,
    /// The caller has stopped waiting, so it is not taken on.
    Abandoned,
    /// It was taken on, and is new.
    New,
    /// It was refused, or was held before.
    Nothing,
}

impl Asked {
    /// The caller stops waiting. A wish that was not taken on never will be; one that was is
    /// released.
    pub fn abandon(&self, outbox: &SharedOutbox, key: &str, holder: Holder) {
        let mut stage = self.0.lock();
        match *stage {
            Stage::Waits => *stage = Stage::Abandoned,
            Stage::New => outbox.unwish(key, holder),
            Stage::Abandoned | Stage::Nothing => {}
        }
    }
}

/// Releases a caller's subscription. The answer says whether nobody holds it any more.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Result<bool, HoldError>")]
pub(crate) struct ReleaseSubscription {
    pub key: Box<str>,
    pub holder: Holder,
}

/// Asks again for the subscriptions that have failed. The answer is their number.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "usize")]
pub(crate) struct RetrySubscriptions;

/// Asks for all subscriptions.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "Vec<SubscriptionStatus>")]
pub(crate) struct Subscriptions;

const GONE: HoldError = HoldError::Gone(ConnectionGone::UNKNOWN);

impl Handler<HoldSubscription> for Connection {
    type Result = Result<SubscriptionStatus, HoldError>;

    fn handle(&mut self, hold: HoldSubscription, ctx: &mut Context<Self>) -> Self::Result {
        let held = self.begin_turn(ctx).guarded(|act| {
            let HoldSubscription {
                key,
                wish,
                holder,
                compile,
                asked,
            } = hold;
            let mut stage = asked.0.lock();
            if *stage == Stage::Abandoned {
                return Err(GONE);
            }
            let was_held = act.wants_subscription(&key, holder);
            let held = act.hold_subscription(&key, wish, holder, compile);
            *stage = match held.is_ok() && !was_held {
                true => Stage::New,
                false => Stage::Nothing,
            };
            held
        });
        held.unwrap_or(Err(GONE))
    }
}

impl Handler<ReleaseSubscription> for Connection {
    type Result = Result<bool, HoldError>;

    fn handle(&mut self, release: ReleaseSubscription, ctx: &mut Context<Self>) -> Self::Result {
        let ReleaseSubscription { key, holder } = release;
        let released = self
            .begin_turn(ctx)
            .guarded(|act| act.release_subscription(&key, holder));
        released.unwrap_or(Err(GONE))
    }
}

impl Handler<RetrySubscriptions> for Connection {
    type Result = MessageResult<RetrySubscriptions>;

    fn handle(&mut self, _: RetrySubscriptions, ctx: &mut Context<Self>) -> Self::Result {
        let retried = self
            .begin_turn(ctx)
            .guarded(|act| act.retry_subscriptions());
        MessageResult(retried.unwrap_or_default())
    }
}

impl Handler<Subscriptions> for Connection {
    type Result = MessageResult<Subscriptions>;

    fn handle(&mut self, _: Subscriptions, ctx: &mut Context<Self>) -> Self::Result {
        let subscriptions = self.begin_turn(ctx).guarded(|act| {
            if act.follow_wishes() {
                act.wake();
            }
            act.subscriptions()
        });
        MessageResult(subscriptions.unwrap_or_default())
    }
}
