//! The sessions of a name, as its actor knows them.

use std::sync::Arc;

use actix::{Context, Handler};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    MAX_SESSIONS, OpenSessionError, Session, SessionEnd, SessionSettings, SessionState,
    SessionStatus, open,
};
use crate::connection::{Connection, Ending, Name, State};

/// A session is to be opened.
#[derive(actix::Message)]
#[rtype(result = "Result<Opening, OpenSessionError>")]
pub(crate) struct OpenSession(pub SessionSettings);

/// A session that is being opened. Dropping it ends that.
pub(crate) type Opening = oneshot::Receiver<Result<Session, OpenSessionError>>;

/// What a session tells its name, and the other way round.
#[derive(Default)]
pub(in crate::connection) struct Sessions(Vec<Entry>);

struct Entry {
    shown: Shown,
    /// Ends it, once. Dropped, as by the death of the actor, it ends it as well.
    end: Option<oneshot::Sender<SessionEnd>>,
}

/// Where a session is, shared by its task and its name.
#[derive(Clone, Debug)]
pub(super) struct Shown(Arc<Mutex<SessionStatus>>);

impl Shown {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(SessionStatus {
            state: SessionState::Connecting,
            since: Timestamp::now(),
        })))
    }

    /// Whether its task still runs.
    fn is_live(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// It is there now.
    pub fn enter(&self, state: SessionState) {
        let mut status = self.0.lock();
        if status.state != state {
            *status = SessionStatus {
                state,
                since: Timestamp::now(),
            };
        }
    }
}

impl Sessions {
    /// All that have not ended.
    pub fn statuses(&self) -> Vec<SessionStatus> {
        let live = self.0.iter().filter(|entry| entry.shown.is_live());
        live.map(|entry| entry.shown.0.lock().clone()).collect()
    }

    fn begin(&mut self) -> Result<(Shown, oneshot::Receiver<SessionEnd>), OpenSessionError> {
        self.0.retain(|entry| entry.shown.is_live());
        if self.0.len() >= MAX_SESSIONS {
            return Err(OpenSessionError::TooMany);
        }
        let (shown, (end, ended)) = (Shown::new(), oneshot::channel());
        let entry = Entry {
            shown: shown.clone(),
            end: Some(end),
        };
        self.0.push(entry);
        Ok((shown, ended))
    }

    /// Ends all.
    pub fn end(&mut self, how: &SessionEnd) {
        for end in self.0.iter_mut().filter_map(|entry| entry.end.take()) {
            // One that has ended by itself does not hear it.
            let _ended = end.send(how.clone());
        }
    }
}

impl Handler<OpenSession> for Connection {
    type Result = Result<Opening, OpenSessionError>;

    fn handle(&mut self, open: OpenSession, ctx: &mut Context<Self>) -> Self::Result {
        self.0.take_turn(ctx);
        self.0
            .guarded(|act| act.open_session(open.0))
            .unwrap_or(Err(OpenSessionError::Gone))
    }
}

impl Name {
    fn open_session(&mut self, wished: SessionSettings) -> Result<Opening, OpenSessionError> {
        self.may_open()?;
        let (shown, ended) = self.sessions.get_or_insert_default().begin()?;
        let settings = open::settings(&self.settings, wished);
        let dial = open::Dial {
            urls: Arc::clone(&self.urls),
            first: self.url_number(),
            settings: Arc::new(settings),
            commons: Arc::clone(&self.commons),
            name: self.name.clone(),
            owner: self.gate.owner(),
        };
        let (opened, opening) = oneshot::channel();
        actix::spawn(open::serve(dial, shown, ended, opened));
        Ok(opening)
    }

    fn may_open(&self) -> Result<(), OpenSessionError> {
        match self.ending {
            Ending::Stays => {}
            Ending::Drains(_) => return Err(OpenSessionError::ShutDown),
            Ending::Leaves(_) | Ending::Gone => return Err(OpenSessionError::Gone),
        }
        if self.record.shown == State::Failed {
            let cause = self.record.cause.clone();
            return Err(OpenSessionError::Failed(cause));
        }
        // The door shuts with the close by hand, and before its socket does.
        if !self.gate.with(|inside| inside.outbox.is_open()) {
            return Err(OpenSessionError::Closed);
        }
        match self.record.shown {
            State::Idle => Err(OpenSessionError::Idle),
            _ => Ok(()),
        }
    }

    /// Where the sessions are.
    pub(in crate::connection) fn session_statuses(&self) -> Vec<SessionStatus> {
        let sessions = self.sessions.as_ref();
        sessions.map_or_else(Vec::new, |sessions| sessions.statuses())
    }

    /// Ends all sessions.
    pub(in crate::connection) fn end_sessions(&mut self, how: SessionEnd) {
        if let Some(sessions) = &mut self.sessions {
            sessions.end(&how);
        }
    }

    /// Ends all sessions as the name ends.
    pub(in crate::connection) fn close_sessions(&mut self) {
        self.end_sessions(match self.ending {
            Ending::Stays => SessionEnd::ClosedByHand,
            Ending::Drains(_) => SessionEnd::ShutDown,
            Ending::Leaves(_) | Ending::Gone => SessionEnd::Removed,
        });
    }
}
