//! Replies of a conversation that were not carried out yet.

use std::{
    cell::Cell,
    mem,
    ops::{Deref, DerefMut},
};

use everwire_proto::dialogue::Reply;

/// Replies of a conversation that were not carried out yet. Boxed, and absent while there are none:
/// mostly they are carried out within the same turn.
#[derive(Default)]
pub(super) struct Replies(Option<Box<Untold>>);

/// At least one.
struct Untold(Vec<Reply>);

thread_local! {
    /// Memory for replies, which are mostly carried out at once.
    static SPARE: Cell<Vec<Reply>> = const { Cell::new(Vec::new()) };
}

/// The thread keeps memory for at most this number of replies.
const KEPT: usize = 64;

/// Keeps the memory of replies that were all carried out.
pub(in crate::connection) fn keep_memory(replies: Vec<Reply>) {
    if replies.is_empty() && replies.capacity() <= KEPT {
        SPARE.set(replies);
    }
}

/// The replies, open for additions.
pub(super) struct OpenReplies<'r> {
    all: Vec<Reply>,
    replies: &'r mut Replies,
}

impl Replies {
    /// Opens the replies for additions. Allocates nothing if none is added.
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

    /// Takes all of them.
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
