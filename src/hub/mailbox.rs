//! Handing batches to an actor: at most one is in its mailbox.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use actix::{
    Actor, Addr, Arbiter, Handler, Recipient,
    dev::{RecipientRequest, ToEnvelope},
};
use parking_lot::Mutex;

use super::{batch::Batch, updates::Updates};
use crate::events::Update;

/// So many single updates lie in a mailbox at most. An actor handles its mailbox until it is empty: others of its arbiter wait meanwhile.
const PIECE: usize = 128;

/// An actor's mailbox, as a subscriber.
pub trait Mailbox: Send + Sync {
    /// Whether the actor is there to be told something.
    fn is_open(&self) -> bool;
    /// Puts a batch into the mailbox. Nothing more is put there until the batch was let go of.
    fn send(&self, batch: Batch);
}

/// Does it in a task of its own, where this is an actor's thread: an actor that is fed while it handles its mailbox would never come to the
/// end of it. It is done in any case, also by an arbiter that has stopped: the actor may live on another one.
pub(super) fn later(work: Box<dyn FnOnce() + Send>) {
    let work = Work(Some(work));
    match Arbiter::try_current() {
        Some(arbiter) => {
            let _done_now = arbiter.spawn(async { drop(work) });
        }
        None => drop(work),
    }
}

/// Done when it is dropped.
struct Work(Option<Box<dyn FnOnce() + Send>>);

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}

/// What can be subscribed: the address of an actor that handles `M`, or a recipient of it. `M` is [`Batch`], or [`Update`] for single updates.
///
/// It cannot be implemented outside of this crate.
pub trait Subscriber<M: Delivered>: sealed::Sealed<M> {}

/// What an actor can be told in: [`Batch`] or [`Update`].
///
/// It cannot be implemented outside of this crate.
pub trait Delivered: sealed::Mail {}

impl Delivered for Batch {}
impl Delivered for Update {}

impl<M: Delivered, S: sealed::Sealed<M>> Subscriber<M> for S {}

mod sealed {
    use actix::Message;

    use super::*;

    /// How it gets into a mailbox.
    pub trait Mail: Message<Result = ()> + Send + Sized + 'static {
        fn mailbox(recipient: Recipient<Self>) -> Box<dyn Mailbox>;
    }

    /// Where it goes.
    pub trait Sealed<M: Mail> {
        fn into_recipient(self) -> Recipient<M>;
    }

    impl<A, M> Sealed<M> for Addr<A>
    where
        M: Mail,
        A: Actor + Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        fn into_recipient(self) -> Recipient<M> {
            self.recipient()
        }
    }

    impl<M: Mail> Sealed<M> for Recipient<M> {
        fn into_recipient(self) -> Recipient<M> {
            self
        }
    }
}

/// The mailbox of a subscriber.
pub(crate) fn mailbox<M: Delivered>(subscriber: impl Subscriber<M>) -> Box<dyn Mailbox> {
    M::mailbox(subscriber.into_recipient())
}

impl sealed::Mail for Batch {
    fn mailbox(recipient: Recipient<Self>) -> Box<dyn Mailbox> {
        Box::new(recipient)
    }
}

impl Mailbox for Recipient<Batch> {
    fn is_open(&self) -> bool {
        self.connected()
    }

    /// An actor that has stopped meanwhile lets go of it.
    fn send(&self, batch: Batch) {
        self.do_send(batch);
    }
}

impl sealed::Mail for Update {
    fn mailbox(recipient: Recipient<Self>) -> Box<dyn Mailbox> {
        Box::new(Arc::new(Pieces {
            recipient,
            flight: Mutex::new(None),
        }))
    }
}

/// Single updates on their way to an actor, a piece of a batch at a time.
struct Pieces {
    recipient: Recipient<Update>,
    flight: Mutex<Option<Flight>>,
}

/// A batch of which a piece lies in the mailbox.
struct Flight {
    rest: Updates,
    /// Done when the actor has handled the last update of the piece.
    last: Pin<Box<RecipientRequest<Update>>>,
}

impl Mailbox for Arc<Pieces> {
    fn is_open(&self) -> bool {
        self.recipient.connected()
    }

    fn send(&self, batch: Batch) {
        let mut rest = batch.into_iter();
        if let Some(last) = self.send_piece(&mut rest) {
            *self.flight.lock() = Some(Flight { rest, last });
        }
        self.go_on();
    }
}

impl Pieces {
    /// Puts the next updates into the mailbox, in one go.
    fn send_piece(&self, rest: &mut Updates) -> Option<Pin<Box<RecipientRequest<Update>>>> {
        let piece = rest.len().min(PIECE);
        for update in rest.by_ref().take(piece.saturating_sub(1)) {
            self.recipient.do_send(update);
        }
        let last = rest.next()?;
        // A recipient of its own has a place in the mailbox, however full that is.
        Some(Box::pin(self.recipient.clone().send(last)))
    }

    /// The next piece, if the actor has handled the one before.
    fn go_on(self: &Arc<Self>) {
        let waker = Waker::from(Arc::clone(self));
        let mut cx = Context::from_waker(&waker);
        let mut flight = self.flight.lock();
        let landed = loop {
            let Some(under_way) = &mut *flight else {
                break None;
            };
            match under_way.last.as_mut().poll(&mut cx) {
                Poll::Pending => break None,
                Poll::Ready(Err(_gone)) => break flight.take(),
                Poll::Ready(Ok(())) => match self.send_piece(&mut under_way.rest) {
                    Some(last) => under_way.last = last,
                    None => break flight.take(),
                },
            }
        };
        drop(flight);
        // What it has held is let go of outside of the lock: the next batch may come of it.
        drop(landed);
    }
}

impl Wake for Pieces {
    /// The actor has handled a piece, and may not be through with its mailbox.
    fn wake(self: Arc<Self>) {
        let has_more = |flight: &Flight| !flight.rest.is_empty();
        let waits = self.flight.lock().as_ref().is_some_and(has_more);
        match waits {
            true => later(Box::new(move || self.go_on())),
            false => self.go_on(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_is_to_be_done_later_is_done_by_an_arbiter_that_has_stopped() {
        let (tell, told) = mpsc::channel();
        actix::System::new().block_on(async {
            let arbiter = Arbiter::new();
            let handle = arbiter.handle();
            arbiter.stop();
            arbiter.join().unwrap();
            let work = Work(Some(Box::new(move || tell.send(()).unwrap())));
            let _done_now = handle.spawn(async { drop(work) });
        });
        assert_eq!(told.try_recv(), Ok(()));
    }
}
