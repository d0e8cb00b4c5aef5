//! Subscriptions that callers hold, ask for again, and look at.

use actix::{Context, Handler, MessageResult};
use everwire_proto::dialogue::{Holder, SubscriptionStatus};

use super::Connection;
use crate::{
    connection::{ConnectionGone, HoldError},
    settings::{CompileSubscription, SubscriptionWish},
};

/// A caller holds a subscription.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Result<SubscriptionStatus, HoldError>")]
pub(crate) struct HoldSubscription {
    pub key: Box<str>,
    pub wish: SubscriptionWish,
    pub holder: Holder,
    /// What makes the wish into what the dialogue can subscribe to.
    pub compile: CompileSubscription,
}

/// A caller lets go of a subscription. Answers whether nobody holds it any more.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Result<bool, HoldError>")]
pub(crate) struct ReleaseSubscription {
    pub key: Box<str>,
    pub holder: Holder,
}

/// Those that have failed are asked for again. Answers how many those are.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "usize")]
pub(crate) struct RetrySubscriptions;

/// Asks for all of them.
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
            } = hold;
            act.hold_subscription(&key, wish, holder, compile)
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
        MessageResult(self.begin_turn(ctx).subscriptions())
    }
}
