//! Runs the steps before a dial in order. The engine says which call is next, and receives its
//! answer.

use everwire_proto::dialogue::{Next, Prepared, Preparing as Engine};

use super::{
    before::{Before, ForDial},
    caller::{Caller, Tools},
    here::Place,
};
use crate::{
    clock,
    core::Cause,
    settings::Secret,
    signer::sign,
    transport::{redact::masked, secrets::Secrets},
};

/// The steps of one dial.
pub(super) struct Run<'a> {
    pub tools: &'a Tools,
    pub before: &'a Before,
    pub dial: ForDial<'a>,
    pub secrets: &'a Secrets,
}

impl Run<'_> {
    /// Runs all steps. The error holds no secret.
    pub async fn through(self, mut engine: Engine) -> Result<Prepared, Cause> {
        let place = Place::new(self.before, self.dial.settings, self.secrets);
        let mut sent: Vec<Secret> = Vec::new();
        if self.before.teller.is_some() {
            engine.watch();
        }
        let mut next = engine.next(&place.here());
        let cause = loop {
            self.tell(&mut engine, &sent);
            let call = match next {
                Next::Passed(prepared) => return Ok(prepared),
                Next::Failed(cause) => break cause,
                Next::Call(call) => call,
                Next::Sign(requests) => match sign(requests).await {
                    Ok(made) => {
                        next = engine.signed(made, &place.here());
                        continue;
                    }
                    Err(_) => break Cause::Panic("a signature could not be made".into()),
                },
            };
            sent.extend(
                call.secrets
                    .iter()
                    .map(|secret| Secret::new(secret.expose())),
            );
            self.before.preparing.tell(&call.shown);
            match self.caller().make(*call).await {
                Ok(response) => next = engine.answered(response, &place.here()),
                Err(why) => break engine.unanswered(&why, clock::now()),
            }
        };
        self.tell(&mut engine, &sent);
        let secrets = self.secrets.clone().with_captured(&sent);
        Err(without_secrets(cause, self.dial, &secrets))
    }

    /// Reports what has happened, without secrets, if somebody watches.
    fn tell(&self, engine: &mut Engine, sent: &[Secret]) {
        let Some(teller) = &self.before.teller else {
            return;
        };
        for mut happening in engine.take_happened() {
            if let Some(text) = happening.foreign_text() {
                let secrets = self.secrets.clone().with_captured(sent);
                let (settings, urls) = (self.dial.settings, self.dial.urls);
                if let Some(without) = masked(text, settings, urls, &secrets) {
                    *text = without;
                }
            }
            teller(happening);
        }
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            tools: self.tools,
            settings: self.dial.settings,
            owner: self.dial.owner,
            secrets: self.secrets,
            policy: &self.before.policy,
            dialogue: Some(self.before.known.dialogue()),
            waits_for_turn: true,
        }
    }
}

/// Masks the secrets in the cause: answers may repeat what was sent.
pub(super) fn without_secrets(mut cause: Cause, dial: ForDial<'_>, secrets: &Secrets) -> Cause {
    if let Some(text) = cause.foreign_text(true)
        && let Some(without) = masked(text, dial.settings, dial.urls, secrets)
    {
        *text = without;
    }
    cause
}
