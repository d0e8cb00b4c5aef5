//! Updates in batches: one write for many updates, and a pause after each batch, so that a busy
//! stream does not block its thread.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use everwire::{Batch, Events};
use futures::Stream;

/// The most updates in a batch.
const UPDATES: usize = 128;
/// The most payload bytes in a batch, unless a single message has more.
const BYTES: usize = 64 << 10;

/// The updates of a subscription, in batches.
#[derive(Debug)]
pub struct Batches {
    events: Events,
    /// Updates that were read and not returned yet.
    rest: Option<Batch>,
    /// Others get a turn before the next batch.
    pauses: bool,
}

impl Batches {
    pub fn new(events: Events) -> Self {
        Self {
            events,
            rest: None,
            pauses: false,
        }
    }

    /// The next batch, from the rest or from the subscription.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<&mut Batch>> {
        if self.rest.is_none() {
            self.rest = ready!(self.events.poll_batch(cx));
        }
        Poll::Ready(self.rest.as_mut())
    }
}

impl Stream for Batches {
    type Item = Batch;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Batch>> {
        let this = self.get_mut();
        let pauses = std::mem::take(&mut this.pauses);
        let Some(rest) = ready!(this.poll_rest(cx)) else {
            return Poll::Ready(None);
        };
        // If nothing is available, waiting is the pause.
        if pauses {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = rest.split_front(UPDATES, BYTES);
        if rest.is_empty() {
            this.rest = None;
        }
        this.pauses = true;
        Poll::Ready(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
        time::Duration,
    };

    use everwire::{
        ConnectionSettings, Delivery, Manager, Pattern, Settings,
        testing::{Peer, Script},
    };

    use super::*;

    /// How often somebody was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    const MESSAGES: usize = 1000;

    /// All that a flood has brought, none of which was read.
    async fn flooded() -> (Manager, Peer, Batches) {
        let peer = Peer::spawn_thread().unwrap();
        let flood = Script::echo().message_flood("x", MESSAGES as u64);
        peer.script("/flood", flood);
        let manager = Manager::spawn(Settings::default()).unwrap();
        let delivery = Delivery::default().events(2 * MESSAGES);
        let events = manager.subscribe(Pattern::all(), delivery);
        let settings = ConnectionSettings::new(peer.url("/flood")).unwrap();
        let feed = manager.open("feed", settings).unwrap();
        while feed.status().await.unwrap().received.messages < MESSAGES as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        (manager, peer, Batches::new(events))
    }

    #[tokio::test]
    async fn others_have_their_turn_behind_each_piece() {
        let (_manager, _peer, mut batches) = flooded().await;
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let (mut messages, mut pieces) = (0, 0);
        loop {
            let before = woken.0.load(Ordering::SeqCst);
            match Pin::new(&mut batches).poll_next(&mut cx) {
                Poll::Ready(Some(piece)) => {
                    assert!(piece.len() <= UPDATES);
                    let has_message = |update: &everwire::Update| update.message().is_some();
                    messages += piece.iter().filter(has_message).count();
                    pieces += 1;
                    assert!(
                        Pin::new(&mut batches).poll_next(&mut cx).is_pending(),
                        "two pieces in one turn"
                    );
                }
                Poll::Ready(None) => panic!("the stream has ended"),
                Poll::Pending => {}
            }
            if messages == MESSAGES {
                assert_eq!(
                    woken.0.load(Ordering::SeqCst),
                    before,
                    "there is nothing more"
                );
                break;
            }
            assert_eq!(woken.0.load(Ordering::SeqCst), before + 1, "there is more");
        }
        assert!(pieces > MESSAGES / UPDATES, "{pieces}");
    }
}
