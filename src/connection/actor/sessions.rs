//! The actor's part in the sessions of a name.

use std::sync::Arc;

use actix::{AsyncContext, Context, Handler, WeakRecipient};
use tokio::sync::oneshot;

use super::messages::{OpenSession, Opening};
use crate::{
    clock,
    connection::{
        Connection, OpenSessionError, SessionSettings, State,
        session::{SessionEnd, SessionStatus, open},
        state::{ActorState, ending::Ending, policy, sessions::SessionNews},
    },
    core::{Rejected, State as LifeState},
    events::EventKind,
    wire::CloseFrame,
};

impl Handler<OpenSession> for Connection {
    type Result = Result<Opening, OpenSessionError>;

    fn handle(&mut self, open: OpenSession, ctx: &mut Context<Self>) -> Self::Result {
        let news = ctx.address().downgrade().recipient();
        self.begin_turn(ctx)
            .guarded(|act| act.open_session(open.0, news))
            .unwrap_or(Err(OpenSessionError::Gone))
    }
}

impl Handler<SessionNews> for Connection {
    type Result = ();

    fn handle(&mut self, news: SessionNews, ctx: &mut Context<Self>) {
        self.begin_turn(ctx).guarded(|act| match news {
            SessionNews::Opened(opened) => {
                act.publish(EventKind::SessionOpened(opened));
            }
            SessionNews::Closed(closed) => {
                act.publish(EventKind::SessionClosed(closed));
                if let Some(sessions) = &mut act.sessions {
                    sessions.forget_ended();
                }
                // The end of the name may have waited for this session.
                act.wake();
            }
        });
    }
}

impl ActorState {
    fn open_session(
        &mut self,
        mut wished: SessionSettings,
        news: WeakRecipient<SessionNews>,
    ) -> Result<Opening, OpenSessionError> {
        self.may_open()?;
        let sessions = self.sessions.get_or_insert_default();
        let begun = sessions.begin(wished.client.take());
        let (shown, ended) = begun.ok_or(OpenSessionError::TooMany)?;
        let settings = open::settings(&self.settings, wished);
        let dial = open::Dial {
            urls: Arc::clone(&self.urls),
            first: self.url_number(),
            settings: Arc::new(settings),
            process: Arc::clone(&self.process),
            name: self.name.clone(),
            owner: self.outbox.owner(),
        };
        let (opened, opening) = oneshot::channel();
        let task = actix::spawn(open::serve(dial, shown, news, ended, opened));
        if let Some(sessions) = &mut self.sessions {
            sessions.begun(task.abort_handle());
        }
        Ok(opening)
    }

    fn may_open(&self) -> Result<(), OpenSessionError> {
        match self.ending {
            Ending::Stays => {}
            Ending::Drains(_) => return Err(OpenSessionError::ShutDown),
            Ending::Leaves(_) | Ending::Abandoned(_) | Ending::Gone => {
                return Err(OpenSessionError::Gone);
            }
        }
        if self.reported.state() == State::Failed {
            let cause = self.reported.cause().cloned();
            return Err(OpenSessionError::Failed(cause.map(Box::new)));
        }
        // A close by hand closes the outbox before its socket ends.
        if !self.outbox.with(|locked| locked.outbox.is_open()) {
            return Err(OpenSessionError::Closed);
        }
        match self.reported.state() {
            // A name is also idle before its first turn, and while it has `sessions_only`.
            State::Idle if !self.is_wanted() => Err(OpenSessionError::Idle),
            _ => Ok(()),
        }
    }

    /// Whether a session can be opened now.
    pub(super) fn takes_sessions(&self) -> bool {
        self.may_open().is_ok()
    }

    /// Whether the name should be up: by its settings, or by hand.
    fn is_wanted(&self) -> bool {
        self.settings.enabled || self.outbox.with(|locked| locked.wanted)
    }

    /// A name with `sessions_only` was connected by hand: its sessions may be opened.
    pub(super) fn serve_sessions(&mut self, has_data: bool) -> Result<(), Rejected> {
        if has_data {
            return Err(Rejected::SessionsOnly);
        }
        self.outbox.with(|locked| locked.wanted = true);
        self.life.reopen(&mut self.effects);
        self.show_state();
        self.wake();
        Ok(())
    }

    /// Sets whether the name has a socket of its own.
    pub(super) fn keep_a_socket(&mut self, keeps: bool) {
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

    /// The status of each session.
    pub(super) fn session_statuses(&self) -> Vec<SessionStatus> {
        let sessions = self.sessions.as_ref();
        sessions.map_or_else(Vec::new, |sessions| sessions.statuses())
    }

    /// Ends all sessions.
    pub(super) fn end_sessions(&mut self, how: SessionEnd) {
        if let Some(sessions) = &mut self.sessions {
            sessions.end(&how);
        }
    }

    /// Ends all sessions because the name ends.
    pub(super) fn close_sessions(&mut self) {
        self.end_sessions(match self.ending {
            Ending::Stays => SessionEnd::ClosedByHand,
            Ending::Drains(_) => SessionEnd::ShutDown,
            Ending::Leaves(_) | Ending::Gone => SessionEnd::Removed,
            Ending::Abandoned(_) => SessionEnd::Moved,
        });
    }
}
