//! Runs the steps before dials.

use std::sync::Arc;

use everwire_proto::{
    dialogue::{Call, Response, Unanswered},
    settings::dialogue::Prepare,
};

use super::{
    before::{Before, ForDial},
    caller::{CallFor, Caller, Tools},
    fill,
    here::Place,
    run::{Run, without_secrets},
    shared::SharedResults,
};
use crate::{
    core::Cause,
    secret_store::SecretStore,
    settings::{ConnectionSettings, Secret, Template},
    transport::{
        dial::Opened, dial_budget::DialBudget, prepared::PreparedDial, progress::DialError,
        resolve::Resolver, secrets::Secrets, tls::TlsCache,
    },
};

/// Runs the steps before dials. Clones share its resources, on all arbiters of the process.
#[derive(Clone)]
pub(crate) struct Preparer(Arc<Inner>);

struct Inner {
    tools: Tools,
    secret_store: SecretStore,
    shared: SharedResults,
}

/// A dial that is filled with captured values.
pub(crate) struct Filled {
    pub settings: Arc<ConnectionSettings>,
    pub url: Template,
    pub done: Box<PreparedDial>,
    /// The secret values in it.
    pub secrets: Vec<Secret>,
}

impl Preparer {
    pub fn new(
        budget: &DialBudget,
        tls: &TlsCache,
        resolver: &Resolver,
        secret_store: &SecretStore,
    ) -> Self {
        Self(Arc::new(Inner {
            tools: Tools {
                budget: budget.clone(),
                tls: tls.clone(),
                resolver: resolver.clone(),
            },
            secret_store: secret_store.clone(),
            shared: SharedResults::default(),
        }))
    }

    /// Runs the steps, unless they were already done, and fills the dial. Call it on an arbiter,
    /// since it uses `spawn_local`. Dropping the future ends the running step.
    ///
    /// # Errors
    ///
    /// Why there is no dial. The text holds no secret.
    pub async fn prepare(
        &self,
        before: &mut Before,
        dial: ForDial<'_>,
    ) -> Result<Filled, DialError> {
        let url = &dial.urls[dial.number];
        let read = Secrets::of(dial.settings, url, &self.0.secret_store);
        let secrets = Box::pin(read).await?;
        let told = before.preparing.begin();
        let prepared = self.run(before, dial, &secrets).await;
        drop(told);
        let filled = prepared.and_then(|done| {
            before.known.prepared(&done.prepared);
            let here = Place::new(before, dial.settings, &secrets);
            fill::fill(&before.known, dial, &here.here()).map(|(settings, url, mut filled)| {
                filled.extend(done.prepared.secrets().map(Secret::new));
                Filled {
                    settings,
                    url,
                    done,
                    secrets: filled,
                }
            })
        });
        filled.map_err(|cause| without_secrets(cause, dial, &secrets).into())
    }

    /// Makes a call of a socket that is up. Call it on an arbiter, since it uses `spawn_local`.
    /// Dropping the future ends the call.
    ///
    /// # Errors
    ///
    /// Why there is no answer. The text may contain parts of the server's answer.
    pub async fn call(&self, call: Call, of: CallFor) -> Result<Response, Unanswered> {
        let caller = Caller {
            tools: &self.0.tools,
            settings: &of.settings,
            owner: of.owner.as_ref(),
            secrets: &of.secrets,
            policy: &of.settings.dial_policy,
            dialogue: of.settings.dialogue.as_deref(),
            waits_for_turn: false,
        };
        caller.make(call).await
    }

    async fn run(
        &self,
        before: &mut Before,
        dial: ForDial<'_>,
        secrets: &Secrets,
    ) -> Result<Box<PreparedDial>, Cause> {
        if let Some(done) = before.done.take().filter(|done| done.is_good()) {
            return Ok(done);
        }
        let Some(preparing) = before.known.preparing() else {
            return Ok(Box::default());
        };
        let before = &*before;
        let run = Run {
            tools: &self.0.tools,
            before,
            dial,
            secrets,
        };
        let run = Box::pin(run.through(preparing));
        match &before.known.dialogue().prepare {
            Some(Prepare::Shared(shared)) => {
                let called = format!("[prepare.{}]", shared.key);
                before.preparing.tell(&called);
                let (prepared, generation) = self.0.shared.get(shared, run).await?;
                Ok(Box::new(PreparedDial {
                    prepared,
                    shared: Some(generation),
                }))
            }
            Some(Prepare::Own(_)) | None => Ok(Box::new(PreparedDial {
                prepared: run.await?,
                shared: None,
            })),
        }
    }
}

impl Filled {
    /// Adds the captured values to a dial that succeeded.
    pub fn opened(self, mut opened: Opened) -> Opened {
        opened.secrets = opened.secrets.with_captured(&self.secrets);
        opened.prepared = Some(self.done);
        opened
    }

    /// Reports a failed dial. If the peer refused it, the shared result that it used is no longer
    /// valid.
    pub fn failed(&self, cause: &Cause) {
        if let Some(shared) = &self.done.shared {
            shared.discard_if_refused(cause);
        }
    }
}
