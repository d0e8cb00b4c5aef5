//! What stands where `awc`'s own connector would: sends the request over the dial's stream, judges the answer.
//!
//! That connector pools connections, buffers 16 KiB for each and starts a task per request that keeps a date: nothing that a
//! dial could use, and a fifth of what it costs.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use actix_codec::{Encoder, Framed, FramedParts};
use actix_http::{
    RequestHeadType, ResponseHead, ServiceConfig,
    body::BodySize,
    h1::{ClientCodec, Message, MessageType},
};
use actix_service::Service;
use awc::{
    BoxedSocket, ConnectRequest, ConnectResponse,
    error::SendRequestError,
    http::{StatusCode, Version},
    middleware::Transform,
};
use bytes::BytesMut;
use futures::future::LocalBoxFuture;
use tokio::io::AsyncWriteExt;

use super::{answer::Answer, dial::Progress, redirect::Redirect, refusal::refusal, stream::Lent};
use crate::core::Cause;

/// What most requests fit in.
const REQUEST: usize = 512;

/// A middleware for one request, with nothing below it.
pub(super) struct Exchange(pub Rc<Progress>);

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
        let progress = Rc::clone(&self.0);
        Box::pin(async move {
            let dates = dates();
            let codec = ClientCodec::new(ServiceConfig::clone(&dates));
            let mut answer = Answer::new(Lent::new(Rc::clone(&progress)), codec);
            ask(request, &mut answer).await?;
            let (head, answer) = judge(answer, &progress).await?;
            let stream: BoxedSocket = Box::new(answer.stream);
            let parts = FramedParts::with_read_buf(stream, answer.codec, answer.unread);
            Ok(ConnectResponse::Tunnel(head, Framed::from_parts(parts)))
        })
    }
}

/// Sends the request.
async fn ask(request: ConnectRequest, answer: &mut Answer) -> Result<(), SendRequestError> {
    let bytes = encode(request, &mut answer.codec)?;
    let stream = &mut answer.stream;
    stream
        .write_all(&bytes)
        .await
        .map_err(SendRequestError::Send)?;
    stream.flush().await.map_err(SendRequestError::Send)
}

fn encode(request: ConnectRequest, codec: &mut ClientCodec) -> Result<BytesMut, SendRequestError> {
    let ConnectRequest::Tunnel(head, _) = request else {
        let text = "the request is no upgrade".into();
        return Err(told(Cause::InvalidRequest(text)));
    };
    let head = RequestHeadType::from(head);
    let mut bytes = BytesMut::with_capacity(REQUEST);
    codec
        .encode(Message::Item((head, BodySize::None)), &mut bytes)
        .map_err(SendRequestError::Send)?;
    Ok(bytes)
}

/// The configuration of a codec has a task behind it that keeps the date; all dials under way on a thread share one.
fn dates() -> Rc<ServiceConfig> {
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

/// The head of a 101. Skips other 1xx (RFC 9110 §15.2), and turns all else into a cause.
///
/// The number of interim answers needs no bound of its own: they count towards the length of the answer.
async fn judge(
    mut answer: Answer,
    progress: &Progress,
) -> Result<(ResponseHead, Answer), SendRequestError> {
    let mut head = answer.head().await?;
    while head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
        if !matches!(answer.codec.message_type(), MessageType::None) {
            let text = format!("the answer {} announces a body", head.status.as_u16());
            return Err(told(Cause::HandshakeInvalid(text)));
        }
        head = answer.head().await?;
    }
    if let Some(redirect) = Redirect::of(&head) {
        progress.redirect.replace(Some(redirect));
        let status = head.status.as_u16();
        return Err(told(Cause::HandshakeStatus {
            status,
            retry_after: None,
            text: "a redirect".into(),
        }));
    }
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        // Boxed: an answer that is no refusal pays nothing for it.
        let cause = Box::pin(refusal(&head, answer, progress.deadline)).await;
        return Err(told(cause));
    }
    if head.version != Version::HTTP_11 {
        let text = "the answer is not in HTTP/1.1".into();
        return Err(told(Cause::HandshakeInvalid(text)));
    }
    Ok((head, answer))
}

fn told(cause: Cause) -> SendRequestError {
    SendRequestError::Custom(Box::new(cause), Box::new("answer"))
}
