//! What a session shows of itself, and tells its name.

use std::{sync::Arc, time::Instant};

use actix::WeakAddr;
use jiff::Timestamp;
use parking_lot::Mutex;

use super::{BROKEN, SessionEnd, SessionState, SessionStatus};
use crate::{
    clock,
    connection::Connection,
    core::Cause,
    events::{SessionClosed, SessionOpened},
    transport::Opened,
};

/// What a session tells its name, which tells all who listen.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(in crate::connection) enum SessionNews {
    Opened(Box<SessionOpened>),
    Closed(Box<SessionClosed>),
}

/// Where a session is, shared by its task and its name.
#[derive(Clone, Debug)]
pub(super) struct Shown(Arc<Mutex<Inside>>);

#[derive(Debug)]
struct Inside {
    status: SessionStatus,
    began: Instant,
    /// The first thing that ended it.
    end: Option<SessionEnd>,
}

impl Shown {
    /// A session of this number, which is dialled.
    pub fn new(id: u64, client: Option<String>) -> Self {
        let status = SessionStatus {
            id,
            state: SessionState::Connecting,
            since: Timestamp::now(),
            client,
            peer: None,
            sent: Default::default(),
            received: Default::default(),
        };
        Self(Arc::new(Mutex::new(Inside {
            status,
            began: clock::now(),
            end: None,
        })))
    }

    /// Whether its task still runs.
    pub fn is_live(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub fn status(&self) -> SessionStatus {
        self.0.lock().status.clone()
    }

    /// It is there now.
    pub fn enter(&self, state: SessionState) {
        let status = &mut self.0.lock().status;
        if status.state != state {
            (status.state, status.since) = (state, Timestamp::now());
        }
    }

    /// A message of so many bytes was encoded for the peer.
    pub fn sent(&self, bytes: usize) {
        self.0.lock().status.sent.count(bytes);
    }

    /// A message of so many bytes was handed to the client.
    pub fn received(&self, bytes: usize) {
        self.0.lock().status.received.count(bytes);
    }

    /// Keeps why it ends, unless something else has ended it before.
    pub fn end(&self, end: SessionEnd) {
        self.0.lock().end.get_or_insert(end);
    }

    fn opened(&self, opened: &Opened) -> SessionOpened {
        self.enter(SessionState::Open);
        let status = &mut self.0.lock().status;
        status.peer = Some(opened.peer);
        SessionOpened {
            session: status.id,
            peer: opened.peer,
            subprotocol: opened.subprotocol.clone(),
            client: status.client.clone(),
        }
    }

    fn closed(&self) -> SessionClosed {
        let inside = self.0.lock();
        let status = inside.status.clone();
        let broken = || SessionEnd::Lost(Cause::Panic(BROKEN.to_owned()));
        SessionClosed {
            session: status.id,
            end: inside.end.clone().unwrap_or_else(broken),
            peer: status.peer,
            client: status.client,
            lasted: clock::now().saturating_duration_since(inside.began),
            sent: status.sent,
            received: status.received,
        }
    }
}

/// Tells the name that a session has begun, and, dropped, that it has ended.
pub(super) struct Teller {
    shown: Option<Shown>,
    name: WeakAddr<Connection>,
}

impl Teller {
    pub fn new(shown: Shown, name: WeakAddr<Connection>) -> Self {
        Self {
            shown: Some(shown),
            name,
        }
    }

    pub fn opened(&self, opened: &Opened) {
        if let Some(shown) = &self.shown {
            self.tell(SessionNews::Opened(Box::new(shown.opened(opened))));
        }
    }

    /// At most two for each session, of which a name has a bounded number.
    fn tell(&self, news: SessionNews) {
        // A name that is gone has nobody to tell.
        if let Some(name) = self.name.upgrade() {
            name.do_send(news);
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        // The name is to find it ended.
        let closed = self.shown.take().map(|shown| shown.closed());
        if let Some(closed) = closed {
            self.tell(SessionNews::Closed(Box::new(closed)));
        }
    }
}
