//! A bounded channel for messages between two tasks, with a final value.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use crate::{
    core::Message,
    memory::{Charge, MemoryBudget, MemoryUse},
};

/// How many messages may wait.
const MESSAGES: usize = 256;

/// How many payload bytes may wait, unless a single message has more.
const BYTES: usize = 256 << 10;

/// A pipe. `E` is the final value.
pub(super) fn pipe<E>(memory: &Arc<MemoryBudget>) -> (Input<E>, Output<E>) {
    let inside = Arc::new(Mutex::new(Inside {
        queue: VecDeque::new(),
        bytes: 0,
        charge: Charge::new(memory, MemoryUse::Readers),
        end: End::Open,
        reads: true,
        filler: None,
        drainer: None,
    }));
    (Input(Arc::clone(&inside)), Output(inside))
}

/// The sending end. Dropping it without a final value discards what waits.
pub(super) struct Input<E>(Arc<Mutex<Inside<E>>>);

/// The receiving end. Dropping it discards what waits.
pub(super) struct Output<E>(Arc<Mutex<Inside<E>>>);

struct Inside<E> {
    queue: VecDeque<Message>,
    bytes: usize,
    /// The memory of what waits.
    charge: Charge,
    end: End<E>,
    /// Whether the receiving end exists.
    reads: bool,
    filler: Option<Waker>,
    drainer: Option<Waker>,
}

enum End<E> {
    /// Exits to `Said` and `Broken`.
    Open,
    /// The final value follows when the queue is empty. Exits to `Broken`.
    Said(E),
    /// The sending end has gone without a final value, or the value was taken.
    Broken,
}

/// A received item.
#[derive(Debug, PartialEq)]
pub(super) enum Next<E> {
    Message(Message),
    /// The final value.
    End(E),
    /// There is none.
    Broken,
}

/// The receiving end is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread;

impl<E> Inside<E> {
    fn has_room(&self) -> bool {
        let is_full = self.queue.len() >= MESSAGES || self.bytes >= BYTES;
        self.queue.is_empty() || (!is_full && self.charge.has_room(1))
    }

    fn count_memory(&mut self) {
        let places = self.queue.capacity() * size_of::<Message>();
        self.charge.set(places + self.bytes);
    }

    fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.bytes = 0;
        self.count_memory();
    }
}

impl<E> Input<E> {
    /// Waits for room.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), Unread>> {
        let mut inside = self.0.lock();
        if !inside.reads {
            return Poll::Ready(Err(Unread));
        }
        if inside.has_room() {
            return Poll::Ready(Ok(()));
        }
        inside.filler = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Sends one message of any length, after [`poll_room`](Self::poll_room).
    pub fn push(&self, message: Message) {
        let mut inside = self.0.lock();
        if !inside.reads {
            return;
        }
        inside.bytes += message.len();
        inside.queue.push_back(message);
        inside.count_memory();
        wake(&mut inside.drainer);
    }

    /// Sends the final value, after all that waits.
    pub fn end(&self, word: E) {
        let mut inside = self.0.lock();
        inside.end = End::Said(word);
        wake(&mut inside.drainer);
    }

    /// Waits until the receiving end is gone.
    pub async fn unread(&self) {
        poll_fn(|cx| {
            let mut inside = self.0.lock();
            inside.filler = Some(cx.waker().clone());
            match inside.reads {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await;
    }
}

impl<E> Output<E> {
    /// The next item.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Next<E>> {
        let mut inside = self.0.lock();
        if let Some(message) = inside.queue.pop_front() {
            inside.bytes -= message.len();
            inside.count_memory();
            wake(&mut inside.filler);
            return Poll::Ready(Next::Message(message));
        }
        match std::mem::replace(&mut inside.end, End::Broken) {
            End::Said(word) => Poll::Ready(Next::End(word)),
            End::Broken => Poll::Ready(Next::Broken),
            End::Open => {
                inside.end = End::Open;
                inside.drainer = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Takes nothing more, and discards what waits.
    pub fn refuse(&self) {
        let mut inside = self.0.lock();
        inside.reads = false;
        inside.clear();
        wake(&mut inside.filler);
    }

    /// Whether nothing more will be sent. Until then the task is woken at the end, even while it
    /// takes nothing out.
    pub fn is_ending(&self, cx: &mut Context<'_>) -> bool {
        let mut inside = self.0.lock();
        inside.drainer = Some(cx.waker().clone());
        !matches!(inside.end, End::Open)
    }
}

impl<E> Drop for Input<E> {
    fn drop(&mut self) {
        let mut inside = self.0.lock();
        if matches!(inside.end, End::Open) {
            inside.end = End::Broken;
            inside.clear();
        }
        wake(&mut inside.drainer);
    }
}

impl<E> Drop for Output<E> {
    fn drop(&mut self) {
        self.refuse();
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl<E> fmt::Debug for Input<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}

impl<E> fmt::Debug for Output<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    fn fill(input: &Input<u8>, message: &Message) -> usize {
        let mut count = 0;
        while input.poll_room(&mut context()).is_ready() {
            input.push(message.clone());
            count += 1;
        }
        count
    }

    #[test]
    fn it_holds_so_many_messages_and_bytes_and_one_message_of_any_length() {
        for (len, most) in [
            (0, MESSAGES),
            (BYTES / 4, 4),
            (BYTES / 4 - 1, 5),
            (BYTES * 9, 1),
        ] {
            let (input, output) = pipe::<u8>(&MemoryBudget::unlimited());
            let message = Message::binary(vec![7; len]);
            assert_eq!(fill(&input, &message), most, "{len}");
            let next = output.poll_next(&mut context());
            assert_eq!(next, Poll::Ready(Next::Message(message.clone())));
            assert_eq!(fill(&input, &message), 1, "{len}");
        }
    }

    #[test]
    fn the_last_word_comes_behind_the_messages() {
        let (input, output) = pipe(&MemoryBudget::unlimited());
        input.push("a".into());
        assert!(!output.is_ending(&mut context()));
        input.end(7);
        drop(input);
        assert!(output.is_ending(&mut context()));
        let next = || output.poll_next(&mut context());
        assert_eq!(next(), Poll::Ready(Next::Message("a".into())));
        assert_eq!(next(), Poll::Ready(Next::End(7)));
        assert_eq!(next(), Poll::Ready(Next::Broken));
    }

    #[test]
    fn whoever_goes_without_a_last_word_takes_along_what_waits() {
        let (input, output) = pipe::<u8>(&MemoryBudget::unlimited());
        input.push("a".into());
        drop(input);
        assert_eq!(output.poll_next(&mut context()), Poll::Ready(Next::Broken));

        let (input, output) = pipe::<u8>(&MemoryBudget::unlimited());
        input.push("a".into());
        drop(output);
        assert_eq!(input.poll_room(&mut context()), Poll::Ready(Err(Unread)));
        input.push("b".into());
        assert!(input.0.lock().queue.is_empty());
    }
}
