//! What a conversation wants done, and was not done yet.

use std::{
    cell::Cell,
    mem,
    ops::{Deref, DerefMut},
};

use everwire_proto::dialogue::Reply;

/// What a conversation wants done, and was not done yet. Boxed, and absent while that is nothing: mostly it is done in the turn in which it
/// is told.
#[derive(Default)]
pub(super) struct Replies(Option<Box<Untold>>);

/// At least one.
struct Untold(Vec<Reply>);

thread_local! {
    /// Memory for replies: what is told of a message is done at once, mostly.
    static SPARE: Cell<Vec<Reply>> = const { Cell::new(Vec::new()) };
}

/// Memory for so many replies stays with the thread.
const KEPT: usize = 64;

/// Replies that were all carried out: their memory is for the next ones.
pub(in crate::connection) fn keep_memory(replies: Vec<Reply>) {
    if replies.is_empty() && replies.capacity() <= KEPT {
        SPARE.set(replies);
    }
}

/// The replies, to which some may be added.
pub(super) struct OpenReplies<'r> {
    all: Vec<Reply>,
    replies: &'r mut Replies,
}

impl Replies {
    /// Some may be added. Nothing is allocated where none is.
    pub fn open(&mut self) -> OpenReplies<'_> {
        let untold = self.0.take();
        OpenReplies {
            all: untold.map_or_else(|| SPARE.take(), |untold| untold.0),
            replies: self,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All of them; then there are none.
    pub fn take(&mut self) -> Vec<Reply> {
        let untold = self.0.take();
        untold.map_or_else(Vec::new, |untold| untold.0)
    }
}

impl Deref for OpenReplies<'_> {
    type Target = Vec<Reply>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl DerefMut for OpenReplies<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.all
    }
}

impl Drop for OpenReplies<'_> {
    fn drop(&mut self) {
        let all = mem::take(&mut self.all);
        match all.is_empty() {
            true => keep_memory(all),
            false => self.replies.0 = Some(Box::new(Untold(all))),
        }
    }
}
