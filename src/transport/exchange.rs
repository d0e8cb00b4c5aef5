//! Replaces the connector of `awc`: sends the request over the stream of the dial and judges the
//! answer.
//!
//! The connector of `awc` pools connections, buffers 16 KiB for each, and starts a task per request
//! that keeps a date. A dial needs none of this, and it would be a fifth of the cost of a dial.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use actix_codec::{Framed, FramedParts};
use actix_http::{
    ResponseHead, ServiceConfig,
    h1::{ClientCodec, MessageType},
};
use actix_service::Service;
use awc::{
    BoxedSocket, Client, ClientBuilder, ConnectRequest, ConnectResponse,
    error::SendRequestError,
    http::{StatusCode, Uri, Version, header, uri::PathAndQuery},
    middleware::Transform,
    ws::WebsocketsRequest,
};
use futures::future::LocalBoxFuture;
use tokio::{io::AsyncWriteExt, task_local};

use super::{
    answer::Answer, borrowed_stream::BorrowedStream, headers::Field, progress::Progress,
    redirect::Redirect, refusal::refusal,
};
use crate::core::Cause;

/// Most requests fit in this.
const REQUEST: usize = 512;

task_local! {
    /// The dial whose request the client of this thread is sending. All dials share the client.
    static DIAL: Rc<Progress>;
}

thread_local! {
    static CLIENT: Client = client();
}

/// A client whose requests go over the stream of the dial that they are sent [`within`]. Creating
/// one costs more than a request.
fn client() -> Client {
    ClientBuilder::new()
        .disable_timeout()
        .disable_redirects()
        .no_default_headers()
        .wrap(Exchange)
        .finish()
}

/// A request for an upgrade, to be sent [`within`] a dial. It has no timeout of `awc`: the dial has
/// its own deadline.
pub(super) fn request(uri: Uri) -> WebsocketsRequest {
    CLIENT.with(|client| client.ws(uri))
}

/// Runs `work`, whose requests go over the stream of this dial.
pub(super) fn within<F: Future>(dial: Rc<Progress>, work: F) -> impl Future<Output = F::Output> {
    DIAL.scope(dial, work)
}

/// The innermost middleware.
struct Exchange;

impl<S> Transform<S, ConnectRequest> for Exchange {
    type Transform = Self;

    fn new_transform(self, _connector: S) -> Self {
        self
    }
}

impl Service<ConnectRequest> for Exchange {
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = LocalBoxFuture<'static, Result<ConnectResponse, SendRequestError>>;

    actix_service::always_ready!();

    fn call(&self, request: ConnectRequest) -> Self::Future {
        let progress = DIAL.with(Rc::clone);
        Box::pin(async move {
            let dates = dates();
            let codec = ClientCodec::new(ServiceConfig::clone(&dates));
            let mut answer = Answer::new(BorrowedStream::new(Rc::clone(&progress)), codec);
            let bytes = encode(request, &progress.headers.take())?;
            ask(&bytes, &mut answer.stream).await?;
            let (head, answer) = judge(answer, &progress).await?;
            let stream: BoxedSocket = Box::new(answer.stream);
            let parts = FramedParts::with_read_buf(stream, answer.codec, answer.unread);
            Ok(ConnectResponse::Tunnel(head, Framed::from_parts(parts)))
        })
    }
}

/// Sends the request.
async fn ask(request: &[u8], stream: &mut BorrowedStream) -> Result<(), SendRequestError> {
    let written = stream.write_all(request).await;
    written.map_err(SendRequestError::Send)?;
    stream.flush().await.map_err(SendRequestError::Send)
}

/// The headers that `awc` adds, in the spelling of RFC 6455, because some servers accept only that
/// spelling. `Connection` is missing: `awc` does not keep it as a header.
const BY_AWC: [(header::HeaderName, &str); 3] = [
    (header::UPGRADE, "Upgrade"),
    (header::SEC_WEBSOCKET_KEY, "Sec-WebSocket-Key"),
    (header::SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version"),
];

/// The head of the request (RFC 9112 §3). The first of `ours` goes before all other headers. `Uri`,
/// `HeaderValue` and parsed names cannot hold a line end.
fn encode(request: ConnectRequest, ours: &[Field]) -> Result<Vec<u8>, SendRequestError> {
    let ConnectRequest::Tunnel(head, _) = request else {
        let text = "the request is not an upgrade".into();
        return Err(into_error(Cause::InvalidRequest(text)));
    };
    let target = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut bytes = Vec::with_capacity(REQUEST);
    for part in [head.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    let mut put = |name: &str, value: &[u8]| {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    };
    let (host, others) = ours.split_at(ours.len().min(1));
    for field in host {
        put(&field.name, field.value.as_bytes());
    }
    put("Connection", b"Upgrade");
    for (name, spelled) in BY_AWC {
        if let Some(value) = head.headers.get(name) {
            put(spelled, value.as_bytes());
        }
    }
    for field in others {
        put(&field.name, field.value.as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    Ok(bytes)
}

/// A codec's configuration has a task behind it that keeps the date. All current dials of a thread
/// share one.
pub(super) fn dates() -> Rc<ServiceConfig> {
    thread_local! {
        static SHARED: RefCell<Weak<ServiceConfig>> = const { RefCell::new(Weak::new()) };
    }
    SHARED.with_borrow_mut(|shared| {
        shared.upgrade().unwrap_or_else(|| {
            let fresh = Rc::new(ServiceConfig::default());
            *shared = Rc::downgrade(&fresh);
            fresh
        })
    })
}

/// Returns the head of a 101. Skips other 1xx answers (RFC 9110 §15.2) and turns any other answer
/// into a cause.
///
/// The number of interim answers needs no limit of its own: they count towards the length of the
/// answer.
async fn judge(
    mut answer: Answer,
    progress: &Progress,
) -> Result<(ResponseHead, Answer), SendRequestError> {
    let mut head = answer.head().await?;
    while head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
        if !matches!(answer.codec.message_type(), MessageType::None) {
            let text = format!("the answer {} announces a body", head.status.as_u16());
            return Err(into_error(Cause::HandshakeInvalid(text)));
        }
        head = answer.head().await?;
    }
    if let Some(redirect) = Redirect::of(&head) {
        progress.redirect.replace(Some(redirect));
        let status = head.status.as_u16();
        return Err(into_error(Cause::HandshakeStatus {
            status,
            retry_after: None,
            text: "a redirect".into(),
        }));
    }
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        // Boxed: an answer that is not a refusal then pays nothing for it.
        let cause = Box::pin(refusal(&head, answer, progress.deadline)).await;
        return Err(into_error(cause));
    }
    if head.version != Version::HTTP_11 {
        let text = "the answer is not in HTTP/1.1".into();
        return Err(into_error(Cause::HandshakeInvalid(text)));
    }
    Ok((head, answer))
}

fn into_error(cause: Cause) -> SendRequestError {
    SendRequestError::Custom(Box::new(cause), Box::new("answer"))
}
