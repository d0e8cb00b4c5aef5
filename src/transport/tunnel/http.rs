//! CONNECT (RFC 9110 §9.3.6).

use std::{io, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::destination::Destination;
use crate::{
    core::{Cause, is_displayable},
    settings::ProxyParts,
    transport::{
        error_text::plain,
        refusal::{retry_after, said_at},
        stream::Stream,
        unfold::unfold,
    },
};

/// The longest answer of a proxy in bytes, with interim answers.
const MAX_ANSWER: usize = 16 * 1024;
/// The most header fields in one answer. An answer with more is refused.
const MAX_FIELDS: usize = 64;

/// Asks the proxy to open a tunnel over `stream`.
pub(super) async fn connect(
    stream: &mut Stream,
    proxy: &ProxyParts,
    to: &Destination,
) -> Result<(), Cause> {
    let failed = |why: &str| Cause::proxy(format!("the proxy {proxy}: {why}"));
    let broken = |error: io::Error| failed(&format!("{}, while it was asked", plain(&error)));
    say(stream, request(proxy, to).as_bytes())
        .await
        .map_err(broken)?;
    let mut answer = BytesMut::with_capacity(1024);
    let mut read = 0;
    loop {
        unfold(&mut answer);
        if let Some((length, head)) = Head::parse(&answer).map_err(|why| failed(&why))? {
            match head.status {
                // Interim answers (RFC 9110 §15.2).
                100..=199 => {
                    let _interim = answer.split_to(length);
                    continue;
                }
                // We speak first, in TLS and in HTTP. So bytes that come now are not from the peer.
                200..=299 if answer.len() > length => {
                    return Err(failed("it sent bytes of its own into the tunnel"));
                }
                200..=299 => return Ok(()),
                _ => return Err(refusal(proxy, head)),
            }
        }
        if read >= MAX_ANSWER {
            return Err(failed("its answer is longer than 16 KiB"));
        }
        match stream.read_buf(&mut answer).await.map_err(broken)? {
            0 => return Err(failed("it closed the connection before it had answered")),
            n => read += n,
        }
    }
}

/// Writes and flushes: over TLS, these are separate steps.
async fn say(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

fn request(proxy: &ProxyParts, to: &Destination) -> String {
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
    if let Some((user, password)) = &proxy.login {
        let pair = BASE64_STANDARD.encode(format!("{}:{}", user.expose(), password.expose()));
        request.push_str(&format!("Proxy-Authorization: Basic {pair}\r\n"));
    }
    request.push_str("\r\n");
    request
}

fn refusal(proxy: &ProxyParts, head: Head) -> Cause {
    let Head { status, reason, .. } = head;
    let text = format!("the proxy {proxy}: it answered {status} {reason} to CONNECT");
    Cause::Proxy {
        status: Some(status),
        retry_after: head.retry_after,
        denied: false,
        text: match head.challenge.filter(|_| status == 407) {
            Some(challenge) => format!("{text}; it asks for {challenge}"),
            None => text,
        },
    }
}

/// The relevant parts of an answer.
struct Head {
    status: u16,
    reason: String,
    /// `Proxy-Authenticate`.
    challenge: Option<String>,
    retry_after: Option<Duration>,
}

impl Head {
    /// The head and its length, once it is complete.
    fn parse(bytes: &[u8]) -> Result<Option<(usize, Self)>, String> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut answer = httparse::Response::new(&mut fields);
        let parsed = answer.parse(bytes);
        let parsed = parsed.map_err(|error| format!("its answer is not valid HTTP: {error}"))?;
        let httparse::Status::Complete(length) = parsed else {
            return Ok(None);
        };
        let field = |name: &str| {
            let mut fields = answer.headers.iter();
            let found = fields.find(|field| field.name.eq_ignore_ascii_case(name));
            found.map(|field| field.value)
        };
        let text = |name| field(name).and_then(|value| std::str::from_utf8(value).ok());
        let head = Self {
            status: answer.code.unwrap_or_default(),
            reason: shown(answer.reason.unwrap_or_default().as_bytes()),
            challenge: field("proxy-authenticate").map(shown),
            retry_after: text("retry-after")
                .and_then(|wish| retry_after(wish, said_at(text("date")))),
        };
        Ok(Some((length, head)))
    }
}

/// Short printable text from the proxy.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let shown = text.chars().filter(|c| is_displayable(*c));
    shown.take(100).collect()
}
