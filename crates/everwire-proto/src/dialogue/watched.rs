//! Reports of a conversation to a watcher.

use super::{
    conversation::Conversation,
    here::Here,
    reply::{Heard, Reply},
    surroundings::Seen,
};

impl Conversation {
    /// Sets whether there is a watcher. With one, each happening is a [`Reply::Happened`], and the
    /// last message is kept for [`ask`](Self::ask). By default there is none, and nothing is
    /// created for it.
    pub fn watch(&mut self, is_watched: bool) {
        match is_watched {
            true => {
                let trace = self.seldom.take_trace().unwrap_or_default();
                self.seldom.set_trace(Some(trace));
            }
            false => self.seldom.set_trace(None),
        }
    }

    /// Handles a message, with reports to the watcher.
    pub(super) fn hear_watched(
        &mut self,
        seen: Seen<'_>,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) -> Heard {
        let Some(mut trace) = self.seldom.take_trace() else {
            return self.hear(seen, here, out);
        };
        let (id, is_hidden) = match self.running() {
            Some(running) => running.asks(&self.dialogue),
            None => (None, false),
        };
        (trace.id, trace.is_hidden) = (id.or(trace.id), is_hidden);
        let coming = trace.begin(seen.message, &self.captures, out);
        self.seldom.set_trace(Some(trace));
        let heard = self.hear(seen, here, out);
        if let Some(trace) = self.seldom.trace() {
            trace.end(coming, seen.message, &self.captures, heard.deliver, out);
        }
        heard
    }
}
