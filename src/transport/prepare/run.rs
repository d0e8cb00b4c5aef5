//! The steps before a dial, one after the other: the engine says which call is next, and is told its answer.

use std::{path::Path, time::Duration};

use everwire_proto::{
    dialogue::{Call, CallTarget, Next, Prepared, Preparing as Engine, Response, Unanswered},
    language::{Data, Value},
};

use super::{
    before::{Before, ForDial},
    call::{self, HttpCall},
    exec,
    here::Place,
};
use crate::{
    clock,
    core::Cause,
    settings::{DialPolicy, Secret},
    signer::sign,
    transport::{
        dial_budget::DialBudget, hop::Way, redact::masked, resolve::Resolver, secrets::Secrets,
        tls::TlsCache,
    },
};

/// What calls are made with.
pub(super) struct Tools {
    pub budget: DialBudget,
    pub tls: TlsCache,
    pub resolver: Resolver,
}

/// The steps of one dial.
pub(super) struct Run<'a> {
    pub tools: &'a Tools,
    pub before: &'a Before,
    pub dial: ForDial<'a>,
    pub secrets: &'a Secrets,
}

impl Run<'_> {
    /// Does them all. What is told of a failure holds no secret.
    pub async fn through(self, mut engine: Engine) -> Result<Prepared, Cause> {
        let place = Place::new(self.before, self.dial.settings, self.secrets);
        let mut sent: Vec<Secret> = Vec::new();
        let mut next = engine.next(&place.here());
        let cause = loop {
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
            if let CallTarget::Http { headers, .. } = &call.target {
                sent.extend(secrets_of(headers));
            }
            self.before.preparing.tell(&call.shown);
            match self.call(*call).await {
                Ok(response) => next = engine.answered(response, &place.here()),
                Err(why) => break engine.unanswered(&why, clock::now()),
            }
        };
        let secrets = self.secrets.clone().with_captured(&sent);
        Err(without_secrets(cause, self.dial, &secrets))
    }

    async fn call(&self, call: Call) -> Result<Response, Unanswered> {
        match call.target {
            CallTarget::Exec { path, arguments } => {
                if self.tools.resolver.detour().is_some() {
                    return self
                        .instead_of_program(&path, &arguments, call.within)
                        .await;
                }
                Box::pin(exec::run(&path, &arguments, call.within)).await
            }
            CallTarget::Http {
                method,
                url,
                headers,
                body,
            } => {
                let call = HttpCall {
                    method,
                    url: &url,
                    headers: &headers,
                    body: body.as_deref(),
                    policy: &self.before.policy,
                    peer_urls: &self.before.known.dialogue().peer_urls,
                    within: call.within,
                };
                self.http(call).await
            }
        }
    }

    async fn http(&self, call: HttpCall<'_>) -> Result<Response, Unanswered> {
        let way = Way {
            settings: self.dial.settings,
            owner: self.dial.owner,
            tls: &self.tools.tls,
            resolver: &self.tools.resolver,
        };
        Box::pin(call::call(call, way, &self.tools.budget, self.secrets)).await
    }

    /// Where all connections lead to one peer, it answers for programs, too.
    async fn instead_of_program(
        &self,
        path: &Path,
        arguments: &[String],
        within: Duration,
    ) -> Result<Response, Unanswered> {
        let program = path.display().to_string();
        let url = format!("http://program.invalid/{}", program.trim_start_matches('/'));
        let mut body = String::new();
        let texts = arguments.iter().map(|argument| Value::text(&**argument));
        // Texts are written without fail.
        let _written = Value::from(Data::List(texts.collect())).write_json(&mut body);
        let call = HttpCall {
            method: "POST",
            url: &url,
            headers: &[],
            body: Some(body.as_bytes()),
            policy: &DialPolicy::Any,
            peer_urls: &[],
            within,
        };
        let response = self.http(call).await?;
        let status = response.status.filter(|status| *status != 200);
        let status = Some(status.unwrap_or_default());
        Ok(Response {
            status,
            headers: Vec::new(),
            ..response
        })
    }
}

/// Values of headers that say nothing.
const HARMLESS: [&str; 5] = [
    "accept",
    "accept-language",
    "content-type",
    "origin",
    "user-agent",
];

/// What a server may repeat of headers, and nobody must be shown: their values, and what stands behind a scheme such as `Bearer`.
fn secrets_of(headers: &[(String, String)]) -> impl Iterator<Item = Secret> {
    let secret = headers.iter().filter(|(name, _)| {
        let is_harmless = |harmless: &str| name.eq_ignore_ascii_case(harmless);
        !HARMLESS.iter().any(|harmless| is_harmless(harmless))
    });
    secret.flat_map(|(_, value)| {
        let behind = value.split_once(' ').map(|(_, rest)| rest);
        [Some(&**value), behind]
            .into_iter()
            .flatten()
            .map(Secret::new)
    })
}

/// The cause without what of it is secret: answers may repeat what was sent.
pub(super) fn without_secrets(mut cause: Cause, dial: ForDial<'_>, secrets: &Secrets) -> Cause {
    if let Some(text) = cause.foreign_text(true)
        && let Some(without) = masked(text, dial.settings, dial.urls, secrets)
    {
        *text = without;
    }
    cause
}
