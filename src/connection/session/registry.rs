//! The sessions of a name, as its actor knows them.

use std::sync::Arc;

use actix::{AsyncContext, Context, Handler, WeakAddr};
use tokio::sync::oneshot;

use super::{
    MAX_SESSIONS, OpenSessionError, Session, SessionEnd, SessionNews, SessionSettings,
    SessionStatus, open, shown::Shown,
};
use crate::{
    clock,
    connection::{
        Connection, State, policy,
        state::{Ending, Name},
    },
    core::{Rejected, State as LifeState},
    events::Event,
    wire::CloseFrame,
};

/// A session is to be opened.
#[derive(actix::Message)]
#[rtype(result = "Result<Opening, OpenSessionError>")]
pub(crate) struct OpenSession(pub SessionSettings);

/// A session that is being opened. Dropping it ends that.
pub(crate) type Opening = oneshot::Receiver<Result<Session, OpenSessionError>>;

/// What a session tells its name, and the other way round.
#[derive(Default)]
pub(in crate::connection) struct Sessions {
    entries: Vec<Entry>,
    last_id: u64,
}

struct Entry {
    shown: Shown,
    /// Ends it, once. Dropped, as by the death of the actor, it ends it as well.
    end: Option<oneshot::Sender<SessionEnd>>,
}

impl Sessions {
    /// All that have not ended.
    pub fn statuses(&self) -> Vec<SessionStatus> {
        let live = self.entries.iter().filter(|entry| entry.shown.is_live());
        live.map(|entry| entry.shown.status()).collect()
    }

    fn any(&self) -> bool {
        self.entries.iter().any(|entry| entry.shown.is_live())
    }

    fn forget_ended(&mut self) {
        self.entries.retain(|entry| entry.shown.is_live());
    }

    fn begin(
        &mut self,
        client: Option<String>,
    ) -> Result<(Shown, oneshot::Receiver<SessionEnd>), OpenSessionError> {
        self.forget_ended();
        if self.entries.len() >= MAX_SESSIONS {
            return Err(OpenSessionError::TooMany);
        }
        self.last_id += 1;
        let shown = Shown::new(self.last_id, client);
        let (end, ended) = oneshot::channel();
        let entry = Entry {
            shown: shown.clone(),
            end: Some(end),
        };
        self.entries.push(entry);
        Ok((shown, ended))
    }

    /// Ends all.
    pub fn end(&mut self, how: &SessionEnd) {
        for end in self.entries.iter_mut().filter_map(|entry| entry.end.take()) {
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
            .guarded(|act| act.open_session(open.0, ctx.address().downgrade()))
            .unwrap_or(Err(OpenSessionError::Gone))
    }
}

impl Handler<SessionNews> for Connection {
    type Result = ();

    fn handle(&mut self, news: SessionNews, ctx: &mut Context<Self>) {
        self.0.take_turn(ctx);
        self.0.guarded(|act| match news {
            SessionNews::Opened(opened) => {
                act.publish(|stamp| Event::SessionOpened(stamp, opened));
            }
            SessionNews::Closed(closed) => {
                act.publish(|stamp| Event::SessionClosed(stamp, closed));
                if let Some(sessions) = &mut act.sessions {
                    sessions.forget_ended();
                }
                // The end of the name may have waited for it.
                act.wake();
            }
        });
    }
}

impl Name {
    fn open_session(
        &mut self,
        mut wished: SessionSettings,
        address: WeakAddr<Connection>,
    ) -> Result<Opening, OpenSessionError> {
        self.may_open()?;
        let sessions = self.sessions.get_or_insert_default();
        let (shown, ended) = sessions.begin(wished.client.take())?;
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
        actix::spawn(open::serve(dial, shown, address, ended, opened));
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
            // One that is to be up is idle before its first turn, and where it is there for sessions alone.
            State::Idle if !self.is_wanted() => Err(OpenSessionError::Idle),
            _ => Ok(()),
        }
    }

    /// Whether a session can be opened now.
    pub(in crate::connection) fn takes_sessions(&self) -> bool {
        self.may_open().is_ok()
    }

    /// Whether the name is to be up: by its settings, or by hand.
    fn is_wanted(&self) -> bool {
        self.settings.enabled || self.gate.with(|inside| inside.wanted)
    }

    /// A name that is there for sessions alone is connected by hand: they may be opened.
    pub(in crate::connection) fn serve_sessions(&mut self, has_data: bool) -> Result<(), Rejected> {
        if has_data {
            return Err(Rejected::SessionsOnly);
        }
        self.gate.with(|inside| inside.wanted = true);
        self.life.reopen(&mut self.effects);
        self.show_state();
        self.wake();
        Ok(())
    }

    /// The name is to have a socket of its own from now on, or not any more.
    pub(in crate::connection) fn keep_a_socket(&mut self, keeps: bool) {
        let frame = CloseFrame::new(self.settings.close_code, "");
        let policy = policy(&self.settings);
        match keeps {
            false => {
                let now = clock::now();
                self.life.rest(frame, policy, now, &mut self.effects);
            }
            true if matches!(self.life.state(), LifeState::Idle) && self.is_wanted() => {
                self.life.connect(&mut self.effects);
            }
            true => {}
        }
        self.show_state();
    }

    /// Where the sessions are.
    pub(in crate::connection) fn session_statuses(&self) -> Vec<SessionStatus> {
        let sessions = self.sessions.as_ref();
        sessions.map_or_else(Vec::new, |sessions| sessions.statuses())
    }

    /// Whether one of them has not ended.
    pub(in crate::connection) fn has_sessions(&self) -> bool {
        self.sessions
            .as_ref()
            .is_some_and(|sessions| sessions.any())
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
