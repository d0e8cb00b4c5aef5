//! A conversation tells what happens in it to whoever watches.

use super::{
    conversation::Conversation,
    here::Here,
    reply::{Heard, Reply},
    surroundings::Seen,
};

impl Conversation {
    /// Whether somebody watches: then each thing that happens is told by a [`Reply::Happened`], and the last message is kept for
    /// [`ask`](Self::ask). Nobody does at first, and then nothing is made for it.
    pub fn watch(&mut self, is_watched: bool) {
        match is_watched {
            true => {
                let trace = self.seldom.take_trace().unwrap_or_default();
                self.seldom.set_trace(Some(trace));
            }
            false => self.seldom.set_trace(None),
        }
    }

    /// The same, told to whoever watches.
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
