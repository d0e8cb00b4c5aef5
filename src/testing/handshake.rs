//! The opening handshake, seen from the server (RFC 6455 §4.2).

use std::fmt::Write as _;

use super::{
    parts::{Subprotocol, Upgrade},
    script::Script,
};

/// The largest head of a request that the peer reads.
pub(super) const MAX_HEAD: usize = 16 << 10;

/// The request of a client's handshake, unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    head: Box<str>,
}

impl Request {
    /// Takes the head of a request from the front of `buffer`, and returns its length. `None` while
    /// it is incomplete.
    pub(super) fn parse(buffer: &[u8]) -> Option<(Self, usize)> {
        let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&buffer[..end]).into();
        Some((Self { head }, end + 4))
    }

    /// The request's target: path and query.
    pub fn target(&self) -> &str {
        self.head
            .lines()
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .unwrap_or("")
    }

    /// The path, without its query.
    pub fn path(&self) -> &str {
        let target = self.target();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// All headers in order, unchanged.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.head.lines().skip(1);
        lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name, value.trim()))
    }

    /// The first header with this name. Case is ignored.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The subprotocols that the client offers, in order.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.headers()
            .filter(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Protocol"))
            .flat_map(|(_, value)| value.split(',').map(str::trim))
    }

    /// What is wrong with the request as a WebSocket handshake (RFC 6455 §4.2.1).
    pub(super) fn fault(&self) -> Option<&'static str> {
        let has = |name: &str, token: &str| {
            self.header(name).is_some_and(|value| {
                value
                    .split(',')
                    .any(|part| part.trim().eq_ignore_ascii_case(token))
            })
        };
        let key = self.header("Sec-WebSocket-Key").unwrap_or("");
        let checks = [
            (self.head.starts_with("GET "), "the method is not GET"),
            (self.header("Host").is_some(), "Host is missing"),
            (has("Upgrade", "websocket"), "Upgrade is not websocket"),
            (
                has("Connection", "upgrade"),
                "Connection does not name upgrade",
            ),
            (
                has("Sec-WebSocket-Version", "13"),
                "Sec-WebSocket-Version is not 13",
            ),
            (
                decoded_length(key) == Some(16),
                "Sec-WebSocket-Key is not 16 bytes in base64",
            ),
        ];
        checks
            .into_iter()
            .find(|(fine, _)| !fine)
            .map(|(_, fault)| fault)
    }
}

fn decoded_length(key: &str) -> Option<usize> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(key)
        .ok()
        .map(|bytes| bytes.len())
}

/// The 101 (RFC 6455 §4.2.2), with the faults that the script wants.
pub(super) fn accept(request: &Request, upgrade: &Upgrade, script: &Script) -> String {
    let key = match upgrade.wrong_accept {
        true => "AAAAAAAAAAAAAAAAAAAAAA==",
        false => request.header("Sec-WebSocket-Key").unwrap_or(""),
    };
    let accept = actix_http::ws::hash_key(key.as_bytes());
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        String::from_utf8_lossy(&accept),
    );
    let chosen = match &upgrade.subprotocol {
        Subprotocol::First => request.subprotocols().next(),
        Subprotocol::Second => request.subprotocols().nth(1),
        Subprotocol::None => None,
        Subprotocol::Named(name) => Some(name.as_str()),
    };
    if let Some(name) = chosen {
        let _ = write!(answer, "Sec-WebSocket-Protocol: {name}\r\n");
    }
    finish(answer, &script.headers, "")
}

/// A refusal. The connection closes behind it.
pub(super) fn refuse(status: u16, headers: &[(String, String)], body: &str) -> String {
    let reason = match status {
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    };
    let answer = format!(
        "HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    finish(answer, headers, body)
}

fn finish(mut answer: String, headers: &[(String, String)], body: &str) -> String {
    for (name, value) in headers {
        let _ = write!(answer, "{name}: {value}\r\n");
    }
    let _ = write!(answer, "\r\n{body}");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parts::Answer;

    const REQUEST: &str = "GET /chat?a=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, superchat\r\n\r\n";

    #[test]
    fn the_standards_example_is_answered_as_the_standard_says() {
        let (request, length) = Request::parse(REQUEST.as_bytes()).unwrap();
        assert_eq!(
            (length, request.path(), request.fault()),
            (REQUEST.len(), "/chat", None)
        );
        let answer = accept(&request, &Upgrade::default(), &Script::sink());
        assert!(
            answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "{answer}"
        );
        assert!(
            answer.contains("Sec-WebSocket-Protocol: chat\r\n"),
            "{answer}"
        );
    }

    #[test]
    fn a_script_can_spoil_the_answer() {
        let (request, _) = Request::parse(REQUEST.as_bytes()).unwrap();
        let script = Script::sink()
            .wrong_accept()
            .subprotocol(Subprotocol::Named("other".into()))
            .extension("x-odd");
        let Answer::Upgrade(upgrade) = &script.answer else {
            panic!("an upgrade")
        };
        let answer = accept(&request, upgrade, &script);
        assert!(!answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        assert!(
            answer.contains("Protocol: other\r\nSec-WebSocket-Extensions: x-odd\r\n\r\n"),
            "{answer}"
        );
    }

    #[test]
    fn a_request_that_is_no_handshake_is_found_out() {
        let cases = [
            ("GET ", "POST "),
            ("Upgrade: websocket", "Upgrade: h2c"),
            ("Version: 13", "Version: 8"),
            ("keep-alive, Upgrade", "keep-alive"),
            ("dGhl", ""),
            ("Host", "Hos"),
        ];
        for (from, to) in cases {
            let text = REQUEST.replacen(from, to, 1);
            assert_ne!(text, REQUEST, "{from}");
            assert!(
                Request::parse(text.as_bytes()).unwrap().0.fault().is_some(),
                "{from}"
            );
        }
        assert!(Request::parse(&REQUEST.as_bytes()[..REQUEST.len() - 1]).is_none());
    }
}
