//! The sessions of a name, as seen by its actor.

use std::{sync::Arc, time::Instant};

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::{sync::oneshot, task::AbortHandle};

use crate::{
    clock,
    connection::status::session::{SessionState, SessionStatus},
    core::Cause,
    events::{SessionClosed, SessionEnd, SessionOpened},
    transport::Opened,
};

/// The most sessions of a name.
pub const MAX_SESSIONS: usize = 1024;

/// The cause for a session whose task has ended without a report: by a panic, or with its arbiter.
pub(in crate::connection) const BROKEN: &str = "the session ended within this process";

/// The sessions of a name.
#[derive(Default)]
pub(in crate::connection) struct Sessions {
    entries: Vec<Entry>,
    last_id: u64,
}

struct Entry {
    shown: Shown,
    /// Ends it, once. Dropping it, for example at the death of the actor, ends it as well.
    end: Option<oneshot::Sender<SessionEnd>>,
    /// Its task, once it has begun.
    task: Option<AbortHandle>,
}

impl Sessions {
    /// The status of all live sessions.
    pub fn statuses(&self) -> Vec<SessionStatus> {
        let live = self.entries.iter().filter(|entry| entry.shown.is_live());
        live.map(|entry| entry.shown.status()).collect()
    }

    /// Whether there is a live session.
    pub fn any(&self) -> bool {
        self.entries.iter().any(|entry| entry.shown.is_live())
    }

    /// Forgets the ended ones.
    pub fn forget_ended(&mut self) {
        self.entries.retain(|entry| entry.shown.is_live());
    }

    /// Adds a session that is being dialled; `None` if there are [`MAX_SESSIONS`] already.
    pub fn begin(
        &mut self,
        client: Option<String>,
    ) -> Option<(Shown, oneshot::Receiver<SessionEnd>)> {
        self.forget_ended();
        if self.entries.len() >= MAX_SESSIONS {
            return None;
        }
        self.last_id += 1;
        let shown = Shown::new(self.last_id, client);
        let (end, ended) = oneshot::channel();
        let entry = Entry {
            shown: shown.clone(),
            end: Some(end),
            task: None,
        };
        self.entries.push(entry);
        Some((shown, ended))
    }

    /// The task of the session that was added last has begun.
    pub fn begun(&mut self, task: AbortHandle) {
        if let Some(entry) = self.entries.last_mut() {
            entry.task = Some(task);
        }
    }

    /// Another node holds the name: resets the sockets of all, whatever they are doing.
    pub fn reset(&mut self) {
        for entry in &mut self.entries {
            entry.shown.reset();
            if let Some(task) = entry.task.take() {
                task.abort();
            }
        }
    }

    /// Ends all.
    pub fn end(&mut self, how: &SessionEnd) {
        for end in self.entries.iter_mut().filter_map(|entry| entry.end.take()) {
            // A session that has ended by itself does not receive it.
            let _ended = end.send(how.clone());
        }
    }
}

/// A session's reports to its name, which publishes them.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(in crate::connection) enum SessionNews {
    Opened(Box<SessionOpened>),
    Closed(Box<SessionClosed>),
}

/// The status of a session, shared by its task and its name.
#[derive(Clone, Debug)]
pub(in crate::connection) struct Shown(Arc<Mutex<Inside>>);

#[derive(Debug)]
struct Inside {
    status: SessionStatus,
    began: Instant,
    /// The first cause that ended it.
    end: Option<SessionEnd>,
    /// Whether its socket is to be reset.
    resets: bool,
}

impl Shown {
    /// A session with this number that is being dialled.
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
            resets: false,
        })))
    }

    /// Whether its task still runs.
    pub fn is_live(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub fn status(&self) -> SessionStatus {
        self.0.lock().status.clone()
    }

    /// Enters a state.
    pub fn enter(&self, state: SessionState) {
        let status = &mut self.0.lock().status;
        if status.state != state {
            (status.state, status.since) = (state, Timestamp::now());
        }
    }

    /// Counts a message that was encoded for the peer.
    pub fn sent(&self, bytes: usize) {
        self.0.lock().status.sent.count(bytes);
    }

    /// Counts a message that was handed to the client.
    pub fn received(&self, bytes: usize) {
        self.0.lock().status.received.count(bytes);
    }

    /// Sets the cause of its end, unless there is one already.
    pub fn end(&self, end: SessionEnd) {
        self.0.lock().end.get_or_insert(end);
    }

    /// Ends it with a reset of its socket.
    pub fn reset(&self) {
        self.end(SessionEnd::Moved);
        self.0.lock().resets = true;
    }

    /// Whether its socket is to be reset.
    pub fn resets(&self) -> bool {
        self.0.lock().resets
    }

    pub fn opened(&self, opened: &Opened) -> SessionOpened {
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

    pub fn closed(&self) -> SessionClosed {
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
