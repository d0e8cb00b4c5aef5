//! The actor of one name, and its messages.
//!
//! Handlers only change what is wanted; the driver alone carries out. Whatever belongs to a socket lives in the driver,
//! a future on the actor's context, and goes down with it when the supervisor restarts the actor. What must outlive a
//! socket (outbox, receipts, counters, numbering) lives in [`Connection`] or behind its gate.

mod actor;
mod arbiter;
mod driver;
mod outbox;
mod rotation;
pub mod session;
#[cfg(test)]
mod simulation;
mod socket;
mod state;
mod status;

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Supervised};
use tokio::sync::mpsc;

#[cfg(feature = "testing")]
pub use self::actor::messages::Fault;
use self::state::Name;
pub use self::{
    actor::messages::{
        CloseMyself, Configure, Connect, InvalidClose, NotUp, Rotate, Send, Snapshot, Subscribe,
    },
    driver::probe::{Probed, Reached},
    outbox::shared::{Receipt, SendOnceError},
    session::{OpenSessionError, Session, SessionSettings},
    status::{
        LastClose, LastError, OutboxStatus, State, StateCause, StateReason, Status, Traffic,
        UnknownState, UrlStatus,
        last_message::{LastMessage, Shown},
    },
};
pub(crate) use self::{
    actor::{
        forward::forward,
        messages::{AskLastMessage, Drain, Probe, Remove, StoreIsOpen, StoreOutage},
    },
    arbiter::stall_detector::{Finding, beat as pulse},
    driver::probe::probe,
    outbox::{rate_limit::TokenBuckets, shared::Gate},
    session::OpenSession,
};
use crate::{
    config::{CommonSettings, ConnectionSettings},
    core::{ConnectionName, Policy},
    hub::Hub,
    keeper::Keeper,
    memory::MemoryBudget,
    transport::{DialBudget, Resolver, TlsCache},
    vault::Vault,
};

/// What all names of a process share.
pub(crate) struct Commons {
    pub hub: Arc<Hub>,
    pub budget: DialBudget,
    /// The bound over what all names keep.
    pub memory: Arc<MemoryBudget>,
    pub tls: TlsCache,
    pub resolver: Resolver,
    /// The secrets that templates name.
    pub vault: Vault,
    /// The buckets of their rates.
    pub buckets: TokenBuckets,
    /// Writes down closes by hand.
    pub keeper: Keeper,
    /// What names that are alike share.
    pub settings: CommonSettings,
    /// Told when an actor died without having been removed.
    pub obituaries: mpsc::UnboundedSender<(ConnectionName, u32)>,
}

/// Heartbeat intervals in one incarnation: a change of the heartbeat beyond that takes a new socket.
const MAX_INTERVALS: u32 = 16;

/// Messages that may wait to go out ahead of the outbox.
const MAX_AHEAD: usize = 64;

/// How many messages of its mailbox a name handles before others of its arbiter have their turn.
const MAILBOX_TURN: u32 = 128;

/// The actor of one name: keeps at most one socket up.
///
/// It is started by the [`Manager`](crate::Manager), under an actix supervisor. Its address takes [`Connect`], [`Send`],
/// [`CloseMyself`], [`Subscribe`], [`Snapshot`] and [`Configure`].
///
/// `Addr::do_send` knows no bound: what it puts into the mailbox stands outside the promise that everything is bounded.
/// `Addr::send`, `Addr::try_send` and [`Handle::send`](crate::Handle::send) keep to bounds.
pub struct Connection(Box<Name>);

/// The settings that the core's decisions depend on.
fn policy(settings: &ConnectionSettings) -> Policy<'_> {
    Policy {
        reconnect: &settings.reconnect,
        close_timeout: settings.close_timeout,
        rotate_after: settings.rotate_after,
    }
}

impl Actor for Connection {
    type Context = Context<Self>;

    /// The one place where an incarnation's driver is spawned: with it come and go socket, dial and timers.
    fn started(&mut self, ctx: &mut Context<Self>) {
        if self.0.begin() {
            let socket = self.0.adopt(ctx);
            if socket.is_none() {
                self.0.ahead.clear();
            }
            ctx.spawn(driver::Driver::new(socket));
        }
    }
}

impl Supervised for Connection {}
