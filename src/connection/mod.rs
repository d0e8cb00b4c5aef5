//! The actor of one name, and its messages.
//!
//! Handlers only change the wanted state; only the driver acts on it. Everything that belongs to a
//! socket is in the driver, a future on the actor's context, and is dropped when the supervisor
//! restarts the actor. State that outlives a socket (outbox, receipts, counters, numbering) is in
//! [`Connection`] or in its outbox.
//!
//! Modules, each of which uses only those before it: `arbiter` and `status`, `outbox`, `state`,
//! `socket`, `session` and `rotation`, `driver`, `actor`.

mod actor;
mod arbiter;
mod context;
mod dialer;
mod driver;
mod error;
mod outbox;
mod request;
mod rotation;
pub mod session;
#[cfg(test)]
mod simulation;
mod socket;
mod state;
mod status;
mod subscription;

#[cfg(feature = "faults")]
pub use self::state::fault::Fault;
pub use self::{
    actor::Connection,
    actor::messages::{
        CloseMyself, Configure, Connect, InvalidClose, Rotate, Send, Snapshot, Subscribe,
    },
    driver::probe::{Probed, Reached},
    error::{ConnectionGone, NotOpen, SendError},
    outbox::shared::{Receipt, SendOnceError},
    request::{Request, RequestError},
    session::{OpenSessionError, Session, SessionSettings},
    status::{
        LastClose, LastError, OutboxStatus, State, StateCause, StateReason, Status, Traffic,
        UnknownState, UrlStatus,
        last_message::{LastMessage, Shown},
        requests::RequestsStatus,
        rotation::RotationStatus,
        step::{RuleRate, StepStatus},
        watch::{Watch, Watched},
    },
    subscription::HoldError,
};
pub(crate) use self::{
    actor::messages::{
        Abandon, Ask, AskLastMessage, BeginEpoch, Drain, Evaluate, OpenSession, PingNow, Remove,
        StoreIsOpen, StoreOutage, WatchConversation,
    },
    actor::subscribing::{
        Asked, HoldSubscription, ReleaseSubscription, RetrySubscriptions, Subscriptions,
    },
    arbiter::stall_detector::{Finding, watch_stalls},
    context::ProcessContext,
    driver::{dial::NetworkDialer, probe::probe},
    outbox::{rate_limit::TokenBuckets, shared::SharedOutbox, wishes::RecalledWish},
};
