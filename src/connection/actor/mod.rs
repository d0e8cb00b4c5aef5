//! The actor of a name: its messages, its answers, and the incarnations of its driver.

mod handlers;
pub(super) mod messages;
mod orders;
mod report;
mod sessions;
mod store_outage;
pub(super) mod subscribing;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use actix::{Actor, ActorContext, AsyncContext, Context, Supervised, fut::ActorFuture};

use crate::{
    connection::{
        ProcessContext, SharedOutbox,
        driver::{Driver, Turn},
        rotation::successor::Successor,
        state::ActorState,
    },
    core::ConnectionName,
    settings::NameSettings,
};

/// The actor of one name: keeps at most one socket up.
///
/// It is started by the [`Manager`](crate::Manager), under an actix supervisor. Its address takes [`Connect`](crate::Connect), [`Send`](crate::Send),
/// [`CloseMyself`](crate::CloseMyself), [`Subscribe`](crate::Subscribe), [`Snapshot`](crate::Snapshot) and [`Configure`](crate::Configure).
///
/// `Addr::do_send` has no bound, so what it puts into the mailbox is outside of the promise that
/// everything is bounded. `Addr::send`, `Addr::try_send` and [`Handle::send`](crate::Handle::send)
/// are bounded.
pub struct Connection(Box<Inner>);

/// The state of the actor.
///
/// It is boxed so that the actor can be moved into its task cheaply, and so that both stay within
/// malloc's fast size classes, which end at 1 KiB.
struct Inner {
    state: ActorState,
    /// The socket that the next incarnation takes over.
    ready: Successor,
}

/// jemalloc's size class: beyond it each name takes 128 bytes more.
const _: () = assert!(size_of::<Inner>() <= 640);

impl Connection {
    /// The actor of a name, not started yet.
    pub(crate) fn new(
        name: ConnectionName,
        settings: NameSettings,
        process: Arc<ProcessContext>,
        outbox: Arc<SharedOutbox>,
        epoch: u32,
    ) -> Self {
        Self(Box::new(Inner {
            state: ActorState::new(name, settings, process, outbox, epoch),
            ready: Successor::default(),
        }))
    }

    /// Begins a handler: refreshes the wall clock, and yields to other names of the arbiter if this
    /// mailbox is flooded.
    fn begin_turn(&mut self, ctx: &mut Context<Self>) -> &mut ActorState {
        let state = &mut self.0.state;
        state.publisher.set_wall(None);
        if state.turns.count_message() {
            ctx.wait(actix::fut::wrap_future(tokio::task::yield_now()));
        }
        state
    }
}

impl Actor for Connection {
    type Context = Context<Self>;

    /// The only place that spawns an incarnation's driver, which owns socket, dial and timers.
    fn started(&mut self, ctx: &mut Context<Self>) {
        let Inner { state, ready } = &mut *self.0;
        if state.begin() {
            let socket = ready.adopt(state);
            if socket.is_none() {
                let _forgotten = state.ahead.take();
            }
            start_interval(state, ctx);
            ctx.spawn(Incarnation(Driver::new(socket)));
        }
    }
}

impl Supervised for Connection {}

/// The driver, as a future on the actor's context.
struct Incarnation(Driver);

impl ActorFuture<Connection> for Incarnation {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        Connection(inner): &mut Connection,
        ctx: &mut Context<Connection>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<()> {
        let Inner { state, ready } = &mut **inner;
        match self.get_mut().0.poll(state, ready, cx) {
            Turn::Rest => {
                start_interval(state, ctx);
                Poll::Pending
            }
            // The only place that ends an incarnation; the supervisor starts the next.
            Turn::Restart => {
                ctx.stop();
                Poll::Pending
            }
            Turn::Gone => Poll::Ready(()),
        }
    }
}

/// Starts the heartbeat: an interval on the actor's context, so it ends with the incarnation.
fn start_interval(state: &mut ActorState, ctx: &mut Context<Connection>) {
    let Some((this, interval)) = state.beats.take() else {
        return;
    };
    ctx.run_interval(interval, move |Connection(inner), _| {
        // A replaced interval stays on the context until the incarnation ends, and is ignored.
        if inner.state.beats.counts(this) {
            inner.state.guarded(ActorState::beat);
        }
    });
}
