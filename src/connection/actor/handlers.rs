//! The actor's message handlers. They answer at once, whatever the socket is doing.

use actix::{Context, Handler, MessageResult};
use everwire_proto::language::LanguageError;

use super::{
    Connection,
    messages::{
        Abandon, Ask, AskLastMessage, CloseMyself, Configure, Connect, Drain, Evaluate,
        InvalidClose, PingNow, Remove, Rotate, Send, Snapshot, Subscribe, WatchConversation,
    },
    start_interval,
};
#[cfg(feature = "faults")]
use crate::connection::state::fault::Fault;
use crate::{
    clock,
    connection::{NotOpen, Receipt, RequestError, state::requests::answer},
    core::{Pattern, Rejected},
    wire::CloseFrame,
};

impl Handler<Connect> for Connection {
    type Result = Result<(), Rejected>;

    fn handle(&mut self, connect: Connect, ctx: &mut Context<Self>) -> Self::Result {
        self.begin_turn(ctx)
            .guarded(|act| {
                act.remember_closed(false);
                act.connect(connect.data)
            })
            .unwrap_or(Err(Rejected::Closed))
    }
}

impl Handler<Send> for Connection {
    type Result = Result<Receipt, Rejected>;

    fn handle(&mut self, Send(message): Send, ctx: &mut Context<Self>) -> Self::Result {
        self.begin_turn(ctx)
            .guarded(|act| act.outbox.send(message))
            .unwrap_or(Err(Rejected::Closed))
    }
}

impl Handler<Ask> for Connection {
    type Result = ();

    fn handle(&mut self, ask: Ask, ctx: &mut Context<Self>) {
        let state = self.begin_turn(ctx);
        let Some((request, caller)) = ask.take() else {
            return;
        };
        let mut caller = Some(caller);
        let taken = state
            .guarded(|act| act.request(request, &mut caller, clock::now()))
            .unwrap_or(Err(RequestError::Rejected(Rejected::Closed)));
        if let Err(error) = taken {
            answer(caller, Err(error));
        }
    }
}

impl Handler<CloseMyself> for Connection {
    type Result = Result<(), InvalidClose>;

    fn handle(&mut self, close: CloseMyself, ctx: &mut Context<Self>) -> Self::Result {
        let state = self.begin_turn(ctx);
        close.check()?;
        state.guarded(|act| {
            act.remember_closed(true);
            act.close(CloseFrame {
                code: Some(close.code),
                reason: close.reason,
            });
        });
        Ok(())
    }
}

impl Handler<Subscribe> for Connection {
    type Result = ();

    fn handle(&mut self, subscribe: Subscribe, ctx: &mut Context<Self>) {
        let state = self.begin_turn(ctx);
        let pattern = Pattern::exactly(&state.name);
        let Subscribe { mailbox, delivery } = subscribe;
        state.process.hub.actor(pattern, mailbox, delivery);
    }
}

impl Handler<Snapshot> for Connection {
    type Result = MessageResult<Snapshot>;

    fn handle(&mut self, _: Snapshot, ctx: &mut Context<Self>) -> Self::Result {
        MessageResult(self.begin_turn(ctx).status())
    }
}

impl Handler<AskLastMessage> for Connection {
    type Result = MessageResult<AskLastMessage>;

    fn handle(&mut self, _: AskLastMessage, ctx: &mut Context<Self>) -> Self::Result {
        let state = self.begin_turn(ctx);
        MessageResult(state.last.message.as_deref().cloned())
    }
}

impl Handler<WatchConversation> for Connection {
    type Result = bool;

    fn handle(
        &mut self,
        WatchConversation(watcher): WatchConversation,
        ctx: &mut Context<Self>,
    ) -> bool {
        self.begin_turn(ctx).watch(watcher)
    }
}

impl Handler<Evaluate> for Connection {
    type Result = Result<String, Vec<LanguageError>>;

    fn handle(&mut self, Evaluate(text): Evaluate, ctx: &mut Context<Self>) -> Self::Result {
        self.begin_turn(ctx).evaluate(&text)
    }
}

impl Handler<Configure> for Connection {
    type Result = MessageResult<Configure>;

    fn handle(&mut self, Configure(settings): Configure, ctx: &mut Context<Self>) -> Self::Result {
        let state = self.begin_turn(ctx);
        let applied = state.configure(*settings);
        start_interval(state, ctx);
        MessageResult(applied)
    }
}

impl Handler<Rotate> for Connection {
    type Result = Result<(), NotOpen>;

    fn handle(&mut self, _: Rotate, ctx: &mut Context<Self>) -> Self::Result {
        self.begin_turn(ctx)
            .guarded(|act| act.rotate())
            .unwrap_or(Err(NotOpen::NoSocket))
    }
}

impl Handler<PingNow> for Connection {
    type Result = ();

    fn handle(&mut self, _: PingNow, ctx: &mut Context<Self>) {
        let state = self.begin_turn(ctx);
        state.beats.probe_due = true;
        state.wake();
    }
}

impl Handler<Drain> for Connection {
    type Result = ();

    fn handle(&mut self, Drain(done): Drain, ctx: &mut Context<Self>) {
        self.begin_turn(ctx).guarded(|act| {
            if act.ending.drain(done) {
                act.close_for_good();
            }
        });
    }
}

impl Handler<Remove> for Connection {
    type Result = ();

    fn handle(&mut self, Remove(done): Remove, ctx: &mut Context<Self>) {
        self.begin_turn(ctx).guarded(|act| {
            if act.ending.leave(done) {
                act.close_for_good();
            }
        });
    }
}

impl Handler<Abandon> for Connection {
    type Result = ();

    fn handle(&mut self, Abandon(done): Abandon, ctx: &mut Context<Self>) {
        self.begin_turn(ctx).guarded(|act| act.abandon(done));
    }
}

#[cfg(feature = "faults")]
impl Handler<Fault> for Connection {
    type Result = ();

    fn handle(&mut self, fault: Fault, _: &mut Context<Self>) {
        assert!(fault != Fault::Death, "a death that was asked for");
        self.0.state.guarded(|act| {
            act.fault = Some(fault);
            act.trip(Fault::Handler);
            act.wake();
        });
    }
}
