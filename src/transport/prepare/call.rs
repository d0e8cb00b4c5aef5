//! An HTTP call. Its stream is opened like that of a dial, and the codec is that of `awc`.
//!
//! `awc` reads answers only from streams of its own connector, which supports neither our proxies
//! nor our certificate names.

use std::{rc::Rc, time::Duration};

use actix_http::{ResponseHead, ServiceConfig, h1::ClientCodec};
use awc::http::{
    StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use everwire_proto::dialogue::{Response, Unanswered};
use rustls::pki_types::ServerName;
use tokio::{io::AsyncWriteExt, time::timeout_at};

use super::{
    body::{self, MAX_BODY},
    http_url::HttpUrl,
};
use crate::{
    core::{Cause, Phase},
    settings::{DialPolicy, Reach, UrlPattern},
    transport::{
        address::Host,
        answer::Answer,
        borrowed_stream::{BorrowedStream, MAX_ANSWER},
        dial_budget::DialBudget,
        exchange::dates,
        headers::USER_AGENT,
        hop::{self, Hop, Way},
        progress::Progress,
        redirect::{Redirect, Trail},
        refusal::{retry_after, said_at},
        secrets::Secrets,
        upgrade_error::send,
    },
};

/// The longest answer, with its head and with the overhead of chunks.
const MAX_READ: usize = MAX_ANSWER + 4 * MAX_BODY;

/// A request.
#[derive(Clone, Copy)]
pub(super) struct HttpCall<'a> {
    pub method: &'static str,
    pub url: &'a str,
    pub headers: &'a [(String, String)],
    pub body: Option<&'a [u8]>,
    /// Which addresses may be called.
    pub policy: &'a DialPolicy,
    /// Hosts outside the Internet that a redirect may lead to.
    pub peer_urls: &'a [UrlPattern],
    /// The time limit, from when its turn has come.
    pub within: Duration,
}

/// Makes a call and follows its redirects. If there is a budget, it first waits for the turn of the
/// host.
///
/// # Errors
///
/// Why there is no answer. The text may contain parts of the server's answer.
pub(super) async fn call(
    call: HttpCall<'_>,
    way: Way<'_>,
    budget: Option<&DialBudget>,
    secrets: &Secrets,
) -> Result<Response, Unanswered> {
    let url = HttpUrl::parse(call.url).map_err(refused)?;
    let permit = match budget {
        Some(budget) => Some(budget.acquire(&url.to.host_and_port(), way.owner).await),
        None => None,
    };
    let progress = Progress::new(call.within);
    let called = timeout_at(
        progress.deadline,
        follow(call, url, way, secrets, &progress),
    );
    let called = called.await.unwrap_or_else(|_| Err(late(&progress)));
    if let Some(permit) = permit {
        permit.finish(called.is_ok());
    }
    called
}

/// A call that can never be made.
fn refused(text: String) -> Unanswered {
    let is_refusal = true;
    Unanswered { text, is_refusal }
}

fn late(progress: &Progress) -> Unanswered {
    let text = match progress.phase() {
        Phase::Upgrade => "no whole answer came in its time".into(),
        phase => format!("its time was over in phase {phase}"),
    };
    let is_refusal = false;
    Unanswered { text, is_refusal }
}

impl From<Cause> for Failed {
    fn from(cause: Cause) -> Self {
        let text = match &cause {
            // The text before it already says what it answers.
            Cause::HandshakeInvalid(text) => text.clone(),
            cause => cause.text().into_owned(),
        };
        Self(Unanswered {
            text,
            is_refusal: matches!(cause, Cause::TlsCertificate(_) | Cause::Forbidden(_)),
        })
    }
}

/// Why a hop failed.
struct Failed(Unanswered);

async fn follow(
    call: HttpCall<'_>,
    mut url: HttpUrl,
    way: Way<'_>,
    secrets: &Secrets,
    progress: &Rc<Progress>,
) -> Result<Response, Unanswered> {
    let mut reach = url.reach(call.policy).ok_or_else(|| forbidden(&url))?;
    let mut trail: Option<Trail> = None;
    let mut with_credentials = true;
    loop {
        let hop = (&url, reach, with_credentials);
        let (head, response) = Box::pin(one(call, hop, way, secrets, progress))
            .await
            .map_err(|Failed(why)| why)?;
        progress.stream.take();
        let Some(redirect) = Redirect::of(&head) else {
            return Ok(response);
        };
        let trail = match &mut trail {
            Some(trail) => trail,
            none => match url.as_websocket() {
                Some(first) => none.insert(Trail::new(first)),
                None => return Ok(response),
            },
        };
        let followed = trail.follow(&redirect);
        let (to, _) = followed.map_err(|cause| refused(cause.text().into_owned()))?;
        let is_same_host = to.host == url.to.host;
        let keeps_method = matches!(
            head.status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        // With another method it would be another request. A body is only for the host that the
        // settings name.
        if call.method != "GET" && !(keeps_method && is_same_host) {
            return Ok(response);
        }
        let Some(next) = HttpUrl::of_address(&to) else {
            return Ok(response);
        };
        with_credentials &= is_same_host;
        reach = reach_of_redirect(&next, call, with_credentials)?;
        url = next;
    }
}

/// The addresses that a redirect may lead to: the Internet, and what the service allows in
/// addition.
fn reach_of_redirect(
    url: &HttpUrl,
    call: HttpCall<'_>,
    is_same_host: bool,
) -> Result<Reach, Unanswered> {
    let allowed = url.reach(call.policy).ok_or_else(|| forbidden(url))?;
    let is_named = *call.policy == DialPolicy::Any && !is_same_host;
    let is_allowed = || {
        call.peer_urls
            .iter()
            .any(|pattern| pattern.matches(&url.url))
    };
    Ok(match is_named && !is_allowed() {
        true => Reach::PublicOnly,
        false => allowed,
    })
}

fn forbidden(url: &HttpUrl) -> Unanswered {
    let (scheme, authority) = (url.url.scheme(), url.authority());
    refused(format!(
        "no URL that may be called is like this one at {scheme}://{authority}"
    ))
}

/// One request and its answer.
async fn one(
    call: HttpCall<'_>,
    (url, reach, with_credentials): (&HttpUrl, Reach, bool),
    way: Way<'_>,
    secrets: &Secrets,
    progress: &Rc<Progress>,
) -> Result<(ResponseHead, Response), Failed> {
    let request = encode(call, url, with_credentials).map_err(|text| Failed(refused(text)))?;
    let server_name = match (&url.to.is_tls, &url.to.host) {
        (false, _) => None,
        (true, Host::Ip(ip)) => Some(ServerName::from(*ip)),
        (true, Host::Name(name)) => {
            let name = ServerName::try_from(name.trim_end_matches('.').to_owned());
            let wrong = |_| refused("the URL's host cannot stand in a certificate".into());
            Some(name.map_err(|error| Failed(wrong(error)))?)
        }
    };
    let hop = Hop {
        to: &url.to,
        server_name,
        with_credentials,
        reach,
    };
    hop::open(way, hop, secrets, progress).await?;
    let mut stream = BorrowedStream::reading(Rc::clone(progress), MAX_READ);
    let written = stream.write_all(&request).await;
    let sent = match written {
        Ok(()) => stream.flush().await,
        failed => failed,
    };
    let dates = dates();
    let codec = ClientCodec::new(ServiceConfig::clone(&dates));
    let mut answer = Answer::new(stream, codec);
    // A server may refuse and close before it has read everything.
    let head = match (answer.head().await, sent) {
        (Ok(head), _) => head,
        (Err(_), Err(error)) => return Err(send(awc::error::SendRequestError::Send(error)).into()),
        (Err(error), Ok(())) => return Err(send(error).into()),
    };
    let mut head = head;
    while head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
        head = answer.head().await.map_err(send)?;
    }
    let body = body::read(&head, answer).await;
    let body = body.map_err(|text| {
        let is_refusal = false;
        Failed(Unanswered { text, is_refusal })
    })?;
    let response = respond(&head, body);
    Ok((head, response))
}

fn respond(head: &ResponseHead, body: Vec<u8>) -> Response {
    let value = |name| {
        head.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let retry_after = value(header::RETRY_AFTER);
    let headers = head.headers().iter();
    Response {
        status: Some(head.status.as_u16()),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
        body,
        retry_after: retry_after.and_then(|wait| retry_after_of(wait, value(header::DATE))),
    }
}

fn retry_after_of(wait: &str, date: Option<&str>) -> Option<Duration> {
    retry_after(wait, said_at(date))
}

/// Headers that may go to a host that the settings do not name.
const HARMLESS: [HeaderName; 3] = [header::USER_AGENT, header::ACCEPT, header::ACCEPT_LANGUAGE];

/// The request (RFC 9112 §3) with its body.
fn encode(call: HttpCall<'_>, url: &HttpUrl, with_credentials: bool) -> Result<Vec<u8>, String> {
    let mut given = Vec::with_capacity(call.headers.len());
    for (name, value) in call.headers {
        let known = HeaderName::from_bytes(name.as_bytes());
        let known = known.map_err(|_| format!("invalid header name {name:?}"))?;
        let value = HeaderValue::from_bytes(value.as_bytes());
        let value = value.map_err(|_| format!("the header {name} holds a control character"))?;
        if with_credentials || HARMLESS.contains(&known) {
            given.push((name.as_str(), known, value));
        }
    }
    let has = |name: HeaderName| given.iter().any(|(_, known, _)| *known == name);
    let mut request = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
        call.method,
        url.target(),
        url.authority()
    )
    .into_bytes();
    let mut put = |name: &str, value: &[u8]| {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            request.extend_from_slice(part);
        }
    };
    for (name, default) in [("User-Agent", USER_AGENT), ("Accept", "*/*")] {
        let known = HeaderName::from_bytes(name.as_bytes());
        if known.is_ok_and(|known| !has(known)) {
            put(name, default.as_bytes());
        }
    }
    for (name, _, value) in &given {
        put(name, value.as_bytes());
    }
    let body = call.body.unwrap_or_default();
    if call.method != "GET" && call.method != "DELETE" || !body.is_empty() {
        put("Content-Length", body.len().to_string().as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    Ok(request)
}
