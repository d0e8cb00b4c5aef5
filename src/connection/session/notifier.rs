//! Reports of a session to its name.

use actix::WeakRecipient;

use crate::{
    connection::state::sessions::{SessionNews, Shown},
    transport::Opened,
};

/// Tells the name that a session has begun and, when dropped, that it has ended.
pub(super) struct SessionNotifier {
    shown: Option<Shown>,
    name: WeakRecipient<SessionNews>,
}

impl SessionNotifier {
    pub fn new(shown: Shown, name: WeakRecipient<SessionNews>) -> Self {
        Self {
            shown: Some(shown),
            name,
        }
    }

    pub fn opened(&self, opened: &Opened) {
        if let Some(shown) = &self.shown {
            self.notify(SessionNews::Opened(Box::new(shown.opened(opened))));
        }
    }

    /// At most two for each session, and a name has a bounded number of sessions.
    fn notify(&self, news: SessionNews) {
        // A name that is gone gets no report.
        if let Some(name) = self.name.upgrade() {
            name.do_send(news);
        }
    }
}

impl Drop for SessionNotifier {
    fn drop(&mut self) {
        // Before the report, so that the name finds it ended.
        let closed = self.shown.take().map(|shown| shown.closed());
        if let Some(closed) = closed {
            self.notify(SessionNews::Closed(Box::new(closed)));
        }
    }
}
