//! Delivery of batches to an actor: at most one is in its mailbox.

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

/// At most this many single updates are in a mailbox. An actor handles its mailbox until it is
/// empty, and delays others on its arbiter.
const PIECE: usize = 128;

/// An actor's mailbox, as a subscriber.
pub trait Mailbox: Send + Sync {
    /// Whether the actor is there to be told something.
    fn is_open(&self) -> bool;
    /// Puts a batch into the mailbox. The next one follows only after this one was dropped.
    fn send(&self, batch: Batch);
}

/// Runs `work` in a task of its own if this is an actor's thread: an actor that gets mail while it
/// handles mail would never finish. `work` runs in any case, even if the arbiter has stopped, since
/// the actor may live on another one.
pub(super) fn later(work: Box<dyn FnOnce() + Send>) {
    let work = Work(Some(work));
    match Arbiter::try_current() {
        Some(arbiter) => {
            let _done_now = arbiter.spawn(async { drop(work) });
        }
        None => drop(work),
    }
}

/// Runs the work when it is dropped.
struct Work(Option<Box<dyn FnOnce() + Send>>);

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}

/// A subscriber: the address of an actor that handles `M`, or a recipient of it. `M` is [`Batch`],
/// or [`Update`] for single updates.
///
/// It cannot be implemented outside of this crate.
pub trait Subscriber<M: Delivered>: sealed::Sealed<M> {}

/// What an actor can receive: [`Batch`] or [`Update`].
///
/// It cannot be implemented outside of this crate.
pub trait Delivered: sealed::Mail {}

impl Delivered for Batch {}
impl Delivered for Update {}

impl<M: Delivered, S: sealed::Sealed<M>> Subscriber<M> for S {}

mod sealed {
    use actix::Message;

    use super::*;

    /// How mail gets into a mailbox.
    pub trait Mail: Message<Result = ()> + Send + Sized + 'static {
        fn mailbox(recipient: Recipient<Self>) -> Box<dyn Mailbox>;
    }

    /// How a subscriber becomes a mailbox.
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

    /// An actor that has stopped meanwhile drops the batch.
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

/// Delivers single updates to an actor, one piece of a batch at a time.
struct Pieces {
    recipient: Recipient<Update>,
    flight: Mutex<Option<Flight>>,
}

/// A batch of which a piece is in the mailbox.
struct Flight {
    rest: Updates,
    /// Resolves when the actor has handled the last update of the piece.
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
    /// Puts the next updates into the mailbox at once.
    fn send_piece(&self, rest: &mut Updates) -> Option<Pin<Box<RecipientRequest<Update>>>> {
        let piece = rest.len().min(PIECE);
        for update in rest.by_ref().take(piece.saturating_sub(1)) {
            self.recipient.do_send(update);
        }
        let last = rest.next()?;
        // A clone of the recipient has a reserved slot in the mailbox, even if that is full.
        Some(Box::pin(self.recipient.clone().send(last)))
    }

    /// Sends the next piece, if the actor has handled the one before.
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
        // Drops the batch outside of the lock, since that may send the next batch.
        drop(landed);
    }
}

impl Wake for Pieces {
    /// The actor has handled a piece, but may still be working on its mailbox.
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
