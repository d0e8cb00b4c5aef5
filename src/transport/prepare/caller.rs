//! Makes HTTP calls: for the steps before a dial, or for a socket that is up.

use std::{path::Path, sync::Arc, time::Duration};

use everwire_proto::{
    dialogue::{Call, CallTarget, Response, Unanswered},
    language::{Data, Value},
    settings::dialogue::Dialogue,
};

use super::{
    call::{self, HttpCall},
    exec,
};
use crate::{
    core::Owner,
    settings::{ConnectionSettings, DialPolicy},
    transport::{
        dial_budget::DialBudget, hop::Way, resolve::Resolver, secrets::Secrets, tls::TlsCache,
    },
};

/// The resources of a call.
pub(super) struct Tools {
    pub budget: DialBudget,
    pub tls: TlsCache,
    pub resolver: Resolver,
}

/// The socket that a call is for.
pub(crate) struct CallFor {
    /// The settings of the socket's dial: proxy, authorities, and which addresses may be called.
    pub settings: Arc<ConnectionSettings>,
    pub owner: Option<Owner>,
    /// The files and stored secrets that were read for its dial.
    pub secrets: Secrets,
}

/// Makes calls for a name.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub tools: &'a Tools,
    pub settings: &'a ConnectionSettings,
    pub owner: Option<&'a Owner>,
    pub secrets: &'a Secrets,
    /// Which addresses may be called.
    pub policy: &'a DialPolicy,
    pub dialogue: Option<&'a Dialogue>,
    /// Whether the call waits for the turn of its host, as a dial does. A call of a socket that is
    /// up does not: there is only one at a time.
    pub waits_for_turn: bool,
}

impl Caller<'_> {
    /// Makes a call within its time limit, which starts when its turn has come.
    ///
    /// # Errors
    ///
    /// Why there is no answer. The text may contain parts of the server's answer.
    pub async fn make(self, call: Call) -> Result<Response, Unanswered> {
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
                let peer_urls = self.dialogue.map(|dialogue| &*dialogue.peer_urls);
                let call = HttpCall {
                    method,
                    url: &url,
                    headers: &headers,
                    body: body.as_deref(),
                    policy: self.policy,
                    peer_urls: peer_urls.unwrap_or_default(),
                    within: call.within,
                };
                self.http(call).await
            }
        }
    }

    async fn http(&self, call: HttpCall<'_>) -> Result<Response, Unanswered> {
        let way = Way {
            settings: self.settings,
            owner: self.owner,
            tls: &self.tools.tls,
            resolver: &self.tools.resolver,
        };
        let budget = self.waits_for_turn.then_some(&self.tools.budget);
        Box::pin(call::call(call, way, budget, self.secrets)).await
    }

    /// If all connections lead to one peer, that peer also answers in place of programs.
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
        // Writing to a text cannot fail.
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
