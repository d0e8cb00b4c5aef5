//! A durable name whose store cannot be opened yet. It works like any other name, except that its
//! dial begins only when the store is open.

use actix::{Context, Handler};

use super::messages::{BeginEpoch, StoreIsOpen, StoreOutage};
use crate::{
    connection::{
        Connection, StateReason,
        state::{ActorState, hold::Hold},
    },
    core::State as LifeState,
    events::{Connecting, EventKind},
    wire::CloseFrame,
};

impl Handler<StoreOutage> for Connection {
    type Result = ();

    fn handle(&mut self, StoreOutage(outage): StoreOutage, ctx: &mut Context<Self>) {
        self.begin_turn(ctx).guarded(|act| {
            if act.hold.is_on() && act.outage_is_news(&outage.text) {
                let text = outage.text.as_ref().into();
                act.outbox.with(|locked| locked.store_error = Some(text));
            }
            act.show_state();
            act.wake();
        });
    }
}

impl Handler<StoreIsOpen> for Connection {
    type Result = ();

    fn handle(&mut self, open: StoreIsOpen, ctx: &mut Context<Self>) {
        self.begin_turn(ctx).guarded(|act| act.store_is_open(open));
    }
}

impl Handler<BeginEpoch> for Connection {
    type Result = ();

    fn handle(&mut self, BeginEpoch(epoch): BeginEpoch, ctx: &mut Context<Self>) {
        self.begin_turn(ctx)
            .guarded(|act| act.publisher.begin_epoch(epoch));
    }
}

impl ActorState {
    fn store_is_open(&mut self, StoreIsOpen { epoch, is_closed }: StoreIsOpen) {
        self.publisher.begin_epoch(epoch);
        let kept = self.outbox.kept_for(self.settings.dialogue.as_deref());
        if let Some(serving) = &mut self.serving {
            serving.conversation.restore(&kept);
        }
        // A connect by hand since then is the later order.
        let is_closed = is_closed && !self.outbox.with(|locked| locked.wanted);
        if is_closed && self.ending.stays() {
            self.close(CloseFrame {
                code: Some(self.settings.close_code),
                reason: "".into(),
            });
        }
        self.let_go();
    }

    /// Allows the name to be dialled.
    pub(in crate::connection) fn let_go(&mut self) {
        let held = std::mem::take(&mut self.hold);
        if !held.is_on() {
            return;
        }
        if held == Hold::Dials && matches!(self.life.state(), LifeState::Connecting) {
            let attempt = self.life.dials();
            let cause = None;
            self.publish(EventKind::Connecting(Connecting { attempt, cause }));
        }
        self.show_state();
        self.wake();
    }

    fn outage_is_news(&self, text: &str) -> bool {
        let shown = self.reported.cause().map(|cause| &cause.reason);
        !matches!(shown, Some(StateReason::Store(shown)) if shown == text)
    }
}
