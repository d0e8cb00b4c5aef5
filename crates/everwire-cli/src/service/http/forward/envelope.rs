//! Requests and answers as bytes.

use std::sync::Arc;

use actix_web::http::{
    Method, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use bytes::{BufMut as _, Bytes, BytesMut};
use everwire::config::Scope;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::service::http::access::{Caller, Forwarded};

/// A request of one node to another.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// What is asked.
    pub head: RequestHead,
    /// Its body.
    pub body: Bytes,
}

/// A request without its body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestHead {
    /// The method.
    pub method: String,
    /// The path and the query.
    pub target: String,
    /// Headers that handlers read.
    pub headers: Vec<(String, String)>,
    /// The caller's token. Its secret stays with the node that was asked.
    pub token: String,
    /// The caller's scopes.
    pub scopes: Vec<String>,
    /// The names that the caller reaches.
    pub names: String,
}

/// The answer of a node.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// The status and the headers.
    pub head: AnswerHead,
    /// Its body.
    pub body: Bytes,
}

/// An answer without its body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerHead {
    /// The status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

/// What handlers read. Nothing that is a secret: it would be in NATS.
const PASSED_ON: [HeaderName; 6] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::RANGE,
    HeaderName::from_static("idempotency-key"),
];

impl Request {
    /// A request of this caller.
    pub fn new(
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        caller: &Caller,
        body: Bytes,
    ) -> Self {
        let scopes = caller.scopes().map(|scope| scope.as_str().to_owned());
        Self {
            head: RequestHead {
                method: method.to_string(),
                target: target.to_owned(),
                headers: told(headers, |name| PASSED_ON.contains(name)),
                token: caller.token.clone(),
                scopes: scopes.collect(),
                names: caller.names().to_string(),
            },
            body,
        }
    }

    /// As bytes.
    pub fn encode(&self) -> Bytes {
        encode(&self.head, &self.body)
    }

    /// What another node has written; `None` if it is none.
    pub fn decode(bytes: &Bytes) -> Option<Self> {
        let (head, body) = decode(bytes)?;
        Some(Self { head, body })
    }

    /// Its caller.
    pub fn caller(&self) -> Option<Forwarded> {
        let scope = |known: &String| Scope::ALL.into_iter().find(|scope| scope.as_str() == known);
        let scopes = self.head.scopes.iter().map(scope);
        let scopes = scopes.collect::<Option<_>>()?;
        let names = everwire::Pattern::new(&self.head.names).ok()?;
        let caller = Caller::new(self.head.token.clone(), scopes, names);
        Some(Forwarded(Arc::new(caller)))
    }
}

impl Answer {
    /// An answer with this status.
    pub fn new(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Self {
        // The node that was asked says these itself.
        let is_own = |name: &HeaderName| {
            [
                header::CONTENT_LENGTH,
                header::TRANSFER_ENCODING,
                header::CONNECTION,
            ]
            .contains(name)
        };
        Self {
            head: AnswerHead {
                status: status.as_u16(),
                headers: told(headers, |name| !is_own(name)),
            },
            body,
        }
    }

    /// As bytes.
    pub fn encode(&self) -> Bytes {
        encode(&self.head, &self.body)
    }

    /// What another node has written; `None` if it is none.
    pub fn decode(bytes: &Bytes) -> Option<Self> {
        let (head, body) = decode(bytes)?;
        Some(Self { head, body })
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.head.status).unwrap_or(StatusCode::BAD_GATEWAY)
    }

    /// Its headers.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + '_ {
        self.head.headers.iter().filter_map(|(name, value)| {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            Some((name, HeaderValue::try_from(value.as_str()).ok()?))
        })
    }

    /// Whether the node no longer holds the name.
    pub fn is_moved(&self) -> bool {
        #[derive(Deserialize)]
        struct Reason {
            reason: Option<String>,
        }
        self.head.status == StatusCode::SERVICE_UNAVAILABLE.as_u16()
            && serde_json::from_slice(&self.body)
                .is_ok_and(|Reason { reason }| reason.as_deref() == Some("moved"))
    }
}

fn told(headers: &HeaderMap, is_told: impl Fn(&HeaderName) -> bool) -> Vec<(String, String)> {
    let told = headers.iter().filter(|(name, _)| is_told(name));
    told.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// The head as JSON, behind its length, and the body.
fn encode(head: &impl Serialize, body: &Bytes) -> Bytes {
    let head = serde_json::to_vec(head).unwrap_or_default();
    let mut bytes = BytesMut::with_capacity(4 + head.len() + body.len());
    bytes.put_u32(u32::try_from(head.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(body);
    bytes.freeze()
}

fn decode<T: DeserializeOwned>(bytes: &Bytes) -> Option<(T, Bytes)> {
    let length = bytes.first_chunk::<4>()?;
    let end = usize::try_from(u32::from_be_bytes(*length))
        .ok()?
        .checked_add(4)?;
    let head = serde_json::from_slice(bytes.get(4..end)?).ok()?;
    Some((head, bytes.slice(end..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_written_and_has_no_secret() {
        let mut headers = HeaderMap::new();
        let insert = |headers: &mut HeaderMap, name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        insert(&mut headers, header::AUTHORIZATION, "Bearer pl4nted");
        insert(&mut headers, header::COOKIE, "pl4nted");
        insert(&mut headers, header::CONTENT_TYPE, "text/plain");
        let names = everwire::Pattern::new("acme-*").unwrap();
        let caller = Caller::new("acme".into(), [Scope::Send].into(), names);
        let body = Bytes::from_static(b"\x00body");
        let request = Request::new(&Method::POST, "/v1/x?y=z", &headers, &caller, body);
        let bytes = request.encode();
        assert!(!String::from_utf8_lossy(&bytes).contains("pl4nted"));
        let read = Request::decode(&bytes).unwrap();
        assert_eq!(read, request);
        assert_eq!(
            read.head.headers,
            [("content-type".into(), "text/plain".into())]
        );
        let Forwarded(read) = read.caller().unwrap();
        assert_eq!(format!("{read:?}"), format!("{caller:?}"));
    }

    #[test]
    fn an_answer_is_read_as_it_was_written_and_what_is_none_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("3"));
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        let moved = Bytes::from_static(br#"{"reason":"moved"}"#);
        let answer = Answer::new(StatusCode::SERVICE_UNAVAILABLE, &headers, moved);
        let read = Answer::decode(&answer.encode()).unwrap();
        assert_eq!(read, answer);
        assert!(read.is_moved());
        assert_eq!(read.headers().count(), 1);
        let other = Answer::new(StatusCode::OK, &headers, Bytes::new());
        assert!(!other.is_moved());
        for wrong in [
            &b""[..],
            b"\0\0\0\x09{}",
            b"\xff\xff\xff\xff",
            b"\0\0\0\x02[]",
        ] {
            assert_eq!(Answer::decode(&Bytes::from_static(wrong)), None);
        }
    }
}
