//! The dial of a session.

use std::sync::Arc;

use actix::WeakRecipient;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{
    OpenSessionError, Session, SessionEnd, SessionSettings, notifier::SessionNotifier,
    upstream::Upstream,
};
use crate::{
    connection::{
        ProcessContext,
        arbiter::dial_scheduler::Scheduled,
        state::sessions::{SessionNews, Shown},
    },
    core::{Cause, ConnectionName, Owner, Phase},
    settings::{ConnectionSettings, Subprotocol, Template},
    transport::{self, Before, DialRequest, ForDial, Opened},
};

/// The parameters of a session's dial.
pub(in crate::connection) struct Dial {
    /// All URLs of the name.
    pub urls: Arc<[Template]>,
    /// The URL that is tried first: the one that the name itself uses.
    pub first: usize,
    pub settings: Arc<ConnectionSettings>,
    pub process: Arc<ProcessContext>,
    pub name: ConnectionName,
    pub owner: Option<Owner>,
}

/// The name's settings for a session: the client does all talking, and offers the subprotocols.
pub(in crate::connection) fn settings(
    own: &ConnectionSettings,
    wished: SessionSettings,
) -> ConnectionSettings {
    let mut settings = own.clone();
    settings.on_open = Vec::new();
    let offered = wished
        .subprotocols
        .iter()
        .map(|one| Subprotocol::from(&**one));
    settings.subprotocols = offered.collect();
    settings
}

/// Dials, and serves the session to its end.
pub(in crate::connection) async fn serve(
    dial: Dial,
    shown: Shown,
    news: WeakRecipient<SessionNews>,
    mut ended: oneshot::Receiver<SessionEnd>,
    mut opened: oneshot::Sender<Result<Session, OpenSessionError>>,
) {
    let notifier = SessionNotifier::new(shown.clone(), news);
    let dialled = tokio::select! {
        dialled = Box::pin(dial.dial()) => dialled.map_err(|error| (loss(&error), error)),
        end = &mut ended => {
            let end = end.unwrap_or(SessionEnd::ShutDown);
            Err((end.clone(), refusal(end)))
        }
        // The caller has stopped waiting.
        () = opened.closed() => return shown.end(SessionEnd::Closed),
    };
    let (session, upstream) = match dialled {
        Ok(socket) => {
            notifier.opened(&socket);
            Upstream::new(&dial.settings, socket, &dial.process.memory, shown)
        }
        Err((end, error)) => {
            shown.end(end);
            let _unheard = opened.send(Err(error));
            return;
        }
    };
    // If nobody receives it, the session is dropped, which closes it.
    let _unheard = opened.send(Ok(session));
    upstream.run(ended).await;
}

/// The reported end of a session whose dial has failed.
fn loss(error: &OpenSessionError) -> SessionEnd {
    SessionEnd::Lost(match error {
        OpenSessionError::Unreachable(cause) => (**cause).clone(),
        // The dial budget gave it no turn in time.
        _ => Cause::ConnectTimeout(Phase::Prepare),
    })
}

/// The error for a session that the end of the name prevents.
fn refusal(end: SessionEnd) -> OpenSessionError {
    match end {
        SessionEnd::Reconfigured => OpenSessionError::Reconfigured,
        SessionEnd::Removed | SessionEnd::Moved => OpenSessionError::Gone,
        SessionEnd::ShutDown => OpenSessionError::ShutDown,
        SessionEnd::ClosedByHand | SessionEnd::Lost(_) | SessionEnd::Closed => {
            OpenSessionError::Closed
        }
    }
}

impl Dial {
    /// Tries the URLs, within `connect_timeout` in total.
    async fn dial(&self) -> Result<Opened, OpenSessionError> {
        let deadline = Instant::now().checked_add(self.settings.connect_timeout);
        let mut last = None;
        for number in (self.first..self.urls.len()).chain(0..self.first) {
            match Box::pin(self.dial_number(number, deadline)).await {
                Ok(opened) => return Ok(opened),
                // A failure of a tried URL says more than an untried URL.
                Err(None) => break,
                Err(Some(cause)) => last = Some(cause),
            }
        }
        Err(match last {
            Some(cause) => OpenSessionError::Unreachable(Box::new(cause)),
            None => OpenSessionError::NoTurn,
        })
    }

    /// [`dial_url`](Self::dial_url) after the preparation.
    async fn dial_number(
        &self,
        number: usize,
        deadline: Option<Instant>,
    ) -> Result<Opened, Option<Cause>> {
        let Some(mut before) = Before::of(&self.settings, &self.name) else {
            return self
                .dial_url(&self.urls[number], &self.settings, deadline)
                .await;
        };
        let dial = ForDial {
            settings: &self.settings,
            urls: &self.urls,
            number,
            owner: self.owner.as_ref(),
        };
        let prepare = Box::pin(self.process.preparer.prepare(&mut before, dial));
        let filled = match deadline {
            Some(deadline) => timeout_at(deadline, prepare)
                .await
                .map_err(|_| Some(Cause::ConnectTimeout(Phase::Prepare)))?,
            None => prepare.await,
        };
        let filled = filled.map_err(|error| Some(error.cause))?;
        let dialled = self.dial_url(&filled.url, &filled.settings, deadline).await;
        if let Err(Some(cause)) = &dialled {
            filled.failed(cause);
        }
        dialled.map(|opened| filled.opened(opened))
    }

    /// The error is `None` if the dial budget gave no turn.
    async fn dial_url(
        &self,
        url: &Template,
        settings: &ConnectionSettings,
        deadline: Option<Instant>,
    ) -> Result<Opened, Option<Cause>> {
        let owner = self.owner.as_ref();
        let turn = async {
            let host = transport::host_key(url, &self.process.secret_store).await?;
            Ok(self.process.budget.acquire(&host, owner).await)
        };
        let permit = match deadline {
            Some(deadline) => timeout_at(deadline, turn).await.map_err(|_| None)?,
            None => turn.await,
        }
        .map_err(Some)?;
        let mut settings = settings.clone();
        if let Some(deadline) = deadline {
            settings.connect_timeout = deadline.saturating_duration_since(Instant::now());
            if settings.connect_timeout.is_zero() {
                return Err(Some(Cause::ConnectTimeout(Phase::Prepare)));
            }
        }
        let dial = transport::dial(DialRequest {
            settings: &settings,
            url,
            owner,
            may_choose_none: true,
            tls: &self.process.tls,
            resolver: &self.process.resolver,
            secret_store: &self.process.secret_store,
        });
        let dialled = Scheduled::new(transport::in_span(&self.name, 0, dial)).await;
        permit.finish(dialled.is_ok());
        dialled.map_err(|error| Some(error.cause))
    }
}
