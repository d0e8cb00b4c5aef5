//! Errors as RFC 9457 problems.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, Responder, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use everwire::{
    Fate, Receipt, Rejected, SendError, config::InvalidJson, core::displayable_json,
    manager::FeatureMissing, memory::OutOfMemory,
};
use serde_json::{Map, Value as Json, json};

use crate::service::{changes::Busy, cluster::Elsewhere, persisted::NotOnDisk};

/// The problem with a request or with its answer.
#[derive(Debug)]
pub struct Problem(Box<Inside>);

#[derive(Debug)]
struct Inside {
    status: StatusCode,
    detail: String,
    /// Members beyond those of the RFC.
    members: Map<String, Json>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: the caller is unknown. `challenge` says how to authenticate (RFC 6750 §3).
    pub fn unauthorized(detail: impl Into<String>, challenge: &'static str) -> Self {
        let challenge = HeaderValue::from_static(challenge);
        Self::new(StatusCode::UNAUTHORIZED, detail).header(header::WWW_AUTHENTICATE, challenge)
    }

    /// 403: the caller must not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: it does not exist.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 404: there is no such connection.
    pub fn unknown(name: &str) -> Self {
        Self::not_found(format!("there is no connection named {name:?}"))
    }

    /// 503: another node of the cluster holds the connection, or none does now.
    pub fn moved(name: &str, elsewhere: &Elsewhere) -> Self {
        let soon = HeaderValue::from_static("1");
        let Elsewhere { node, text } = elsewhere;
        let problem = Self::unavailable(format!("{name:?} is not open here: {text}"));
        problem
            .member("reason", "moved")
            .member("node", node.as_deref())
            .header(header::RETRY_AFTER, soon)
    }

    /// 405, for a resource with these methods (RFC 9110 §15.5.6).
    pub fn method_not_allowed(request: &HttpRequest, allow: &'static str) -> Self {
        let detail = format!("{} is not allowed here", request.method());
        let allow = HeaderValue::from_static(allow);
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail).header(header::ALLOW, allow)
    }

    /// 408: the body does not arrive.
    pub fn too_slow(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    /// 409: the current state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 413: the body has more than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("the body is too long: at most {limit} bytes are allowed here");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 415: the body has a type that cannot be read here.
    pub fn unsupported_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 422: the request is well-formed, but makes no sense.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// 426: only a WebSocket of the supported version can get this (RFC 6455 §4.4).
    pub fn upgrade_required(detail: impl Into<String>) -> Self {
        let websocket = HeaderValue::from_static("websocket");
        let version = HeaderValue::from_static("13");
        Self::new(StatusCode::UPGRADE_REQUIRED, detail)
            .header(header::UPGRADE, websocket)
            .header(header::SEC_WEBSOCKET_VERSION, version)
    }

    /// 429: there are too many of them.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
    }

    /// 503: it cannot be answered now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// 503: the store cannot be opened; the service keeps trying.
    pub fn store_outage(detail: impl Into<String>) -> Self {
        let soon = HeaderValue::from_static("1");
        let problem = Self::unavailable(detail).header(header::RETRY_AFTER, soon);
        problem.member("reason", "store_outage")
    }

    /// 409: the message can no longer reach the requested fate.
    pub fn fate(receipt: &Receipt, fate: Fate) -> Self {
        let detail = format!(
            "the message can no longer reach the fate that was asked for: it is {}",
            fate.as_str()
        );
        Self::conflict(detail)
            .member("id", receipt.id())
            .member("epoch", receipt.epoch())
            .member("fate", fate.as_str())
    }

    /// 410: the message with this id in this epoch is no longer known.
    pub fn forgotten(id: u64) -> Self {
        let detail = "the fate of the message is forgotten: its id is of another epoch, or too old";
        Self::new(StatusCode::GONE, detail)
            .member("id", id)
            .member("fate", Fate::Forgotten.as_str())
    }

    /// Adds a member.
    pub fn member(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The body.
    pub fn json(&self) -> Json {
        let inside = &self.0;
        let mut body = json!({
            "type": "about:blank",
            "title": inside.status.canonical_reason().unwrap_or_default(),
            "status": inside.status.as_u16(),
            "detail": inside.detail,
        });
        for (name, value) in &inside.members {
            body[name] = value.clone();
        }
        body
    }

    /// Any other status.
    pub fn with_status(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::new(status, detail)
    }

    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Inside {
            status,
            detail: detail.into(),
            members: Map::new(),
            headers: Vec::new(),
        }))
    }
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Self {
        let detail = rejected.to_string();
        let (problem, reason) = match rejected {
            Rejected::Full => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
                let soon = HeaderValue::from_static("1");
                (problem.header(header::RETRY_AFTER, soon), "full")
            }
            Rejected::NoMemory => {
                let problem = Self::unavailable(detail).member("cause", "memory");
                let soon = HeaderValue::from_static("1");
                (problem.header(header::RETRY_AFTER, soon), "full")
            }
            Rejected::Closed => (Self::conflict(detail), "closed"),
            Rejected::TooLarge(too_large) => (Self::too_large(too_large.limit), "too_large"),
            Rejected::SessionsOnly => (Self::conflict(detail), "sessions_only"),
            Rejected::NotText => (Self::unprocessable(detail), "not_text"),
            Rejected::NotStored => {
                let soon = HeaderValue::from_static("1");
                let problem = Self::unavailable(detail).header(header::RETRY_AFTER, soon);
                (problem, "not_stored")
            }
            _ => (Self::unavailable(detail), "unavailable"),
        };
        problem.member("fate", "rejected").member("reason", reason)
    }
}

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Rejected(rejected) => rejected.into(),
            // The connection is closed for good.
            SendError::Gone(_) => Rejected::Closed.into(),
            error => Self::unavailable(error.to_string()),
        }
    }
}

impl From<OutOfMemory> for Problem {
    fn from(error: OutOfMemory) -> Self {
        Self::unavailable(error.to_string())
            .member("cause", "memory")
            .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl From<NotOnDisk> for Problem {
    fn from(error: NotOnDisk) -> Self {
        Self::unavailable(error.to_string())
            .member("reason", "not_stored")
            .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl From<FeatureMissing> for Problem {
    fn from(missing: FeatureMissing) -> Self {
        Self::unprocessable(missing.to_string())
            .member("reason", "feature_missing")
            .member("feature", missing.feature)
            .member("key", missing.key)
    }
}

impl From<Busy> for Problem {
    fn from(busy: Busy) -> Self {
        Self::conflict(busy.to_string()).header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl From<InvalidJson> for Problem {
    fn from(invalid: InvalidJson) -> Self {
        let detail = invalid.to_string();
        match invalid {
            InvalidJson::Keys { errors, omitted } => Self::unprocessable(detail)
                .member("errors", json!(errors))
                .member("omitted", omitted),
            InvalidJson::Syntax { line, column, .. } => Self::bad_request(detail)
                .member("line", line)
                .member("column", column),
            _ => Self::bad_request(detail),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let inside = &self.0;
        let mut response = HttpResponse::build(inside.status);
        response.content_type("application/problem+json");
        for (name, value) in &inside.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.body(displayable_json(&self.json().to_string()).into_owned())
    }
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse<BoxBody> {
        self.error_response()
    }
}
