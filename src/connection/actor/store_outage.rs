//! A name that is durable, and whose store cannot be opened yet. All is as with any other name that is to be up, but for one thing: its
//! dial is not begun before the store is open.

use actix::{Context, Handler};

use super::messages::{StoreIsOpen, StoreOutage};
use crate::{
    connection::{
        Connection, State, StateReason,
        state::{Ending, Name},
    },
    core::{Journal, State as LifeState},
    events::{Connecting, Event},
    wire::CloseFrame,
};

/// Whether a name waits for the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::connection) enum Hold {
    #[default]
    None,
    /// It does. Exits to `Dials` with a dial that is due, to `None` when the store is open or not needed any more.
    Waits,
    /// A dial is due and was not told. Exits to `None`, as above.
    Dials,
}

impl Hold {
    /// Whether no dial begins.
    pub fn is_on(self) -> bool {
        self != Self::None
    }
}

impl Handler<StoreOutage> for Connection {
    type Result = ();

    fn handle(&mut self, StoreOutage(outage): StoreOutage, ctx: &mut Context<Self>) {
        self.0.take_turn(ctx);
        self.0.guarded(|act| {
            if act.hold.is_on() && act.outage_is_news(&outage.text) {
                let text = outage.text.as_ref().into();
                act.gate.with(|inside| inside.store_error = Some(text));
            }
            act.show_state();
            act.wake();
        });
    }
}

impl Handler<StoreIsOpen> for Connection {
    type Result = ();

    fn handle(&mut self, open: StoreIsOpen, ctx: &mut Context<Self>) {
        self.0.take_turn(ctx);
        self.0.guarded(|act| act.store_is_open(open));
    }
}

impl Name {
    fn store_is_open(&mut self, StoreIsOpen { epoch, is_closed }: StoreIsOpen) {
        if epoch > self.journal.epoch() {
            self.journal = Journal::new(epoch);
        }
        // Who has connected it by hand since gave a later order.
        let is_closed = is_closed && !self.gate.with(|inside| inside.wanted);
        if is_closed && matches!(self.ending, Ending::Stays) {
            self.close(CloseFrame {
                code: Some(self.settings.close_code),
                reason: "".into(),
            });
        }
        self.let_go();
    }

    /// Nothing keeps the name from being dialled any more.
    pub(in crate::connection) fn let_go(&mut self) {
        let held = std::mem::take(&mut self.hold);
        if !held.is_on() {
            return;
        }
        if held == Hold::Dials && matches!(self.life.state(), LifeState::Connecting) {
            let attempt = self.life.dials();
            self.publish(|stamp| {
                let cause = None;
                Event::Connecting(stamp, Connecting { attempt, cause })
            });
        }
        self.show_state();
        self.wake();
    }

    /// Shows why the name is not dialled, and when that may end.
    pub(in crate::connection) fn show_outage(&mut self) {
        let Some(outage) = self.commons.keeper.outage() else {
            return;
        };
        if !matches!(self.life.state(), LifeState::Idle) {
            self.show(State::Backoff, None);
            self.record.retry_at = Some(Box::new(outage.retry_at));
        }
        self.because(StateReason::Store(outage.text.to_string()), None);
    }

    fn outage_is_news(&self, text: &str) -> bool {
        let shown = self.record.cause.as_deref().map(|cause| &cause.reason);
        !matches!(shown, Some(StateReason::Store(shown)) if shown == text)
    }
}
