//! Bodies of requests: bounded, and of a known type.

use std::time::Duration;

use actix_web::{
    HttpMessage, HttpRequest,
    error::PayloadError,
    http::header,
    web::{Data, Payload},
};
use bytes::Bytes;
use bytestring::ByteString;
use everwire::{
    Message,
    memory::{Charge, MemoryUse},
};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{admission, problem::Problem};
use crate::service::state::AppState;

/// The time for a body, in addition to the time that its bytes may need.
const PATIENCE: Duration = Duration::from_secs(30);
/// The minimum rate in bytes per second, once [`PATIENCE`] is used up.
const FLOOR: u32 = 16 << 10;

/// Reads a body of at most `limit` bytes.
///
/// # Errors
///
/// 413 if it is longer, 408 if it does not arrive, 400 if it violates HTTP, 503 if there is no
/// memory for it.
async fn bytes(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
    of: Content,
) -> Result<Bytes, Problem> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    let admitted = admission::admitted(request);
    if let Some(admitted) = &admitted {
        admitted.wait_for_body();
    }
    let mut held = Held::new(request, of);
    let mut body = Vec::new();
    let most = announced.unwrap_or(limit);
    let begun = Instant::now();
    loop {
        let deadline = begun + time_for(body.len());
        let piece = tokio::time::timeout_at(deadline, payload.next()).await;
        let piece = piece.map_err(|_| Problem::too_slow("the body comes too slowly"))?;
        match piece {
            None => {
                if let Some(admitted) = &admitted {
                    admitted.has_arrived()?;
                }
                // The owner of the body should not keep memory that was reserved by estimate.
                body.shrink_to_fit();
                held.keep(request);
                return Ok(body.into());
            }
            Some(Ok(piece)) if body.len() + piece.len() <= limit => {
                held.make_room(request, &mut body, piece.len(), most)?;
                body.extend_from_slice(&piece);
            }
            Some(Ok(_)) | Some(Err(PayloadError::Overflow)) => {
                return Err(Problem::too_large(limit));
            }
            Some(Err(error)) => {
                return Err(Problem::bad_request(format!(
                    "the body cannot be read: {error}"
                )));
            }
        }
    }
}

/// The purpose of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// A message to send.
    Message,
    /// A change. Operators must be able to make changes even if there is no memory for messages.
    Change,
}

/// The memory of a body, while its request runs or until it is [`accepted`].
struct Held {
    charge: Option<Charge>,
    of: Content,
}

impl Held {
    fn new(request: &HttpRequest, of: Content) -> Self {
        let state = request.app_data::<Data<AppState>>();
        Self {
            charge: state.map(|state| state.manager.charge(MemoryUse::Bodies)),
            of,
        }
    }

    /// Doubles the memory, so that each byte is moved only a few times. If there is not enough for
    /// that, takes only what is needed.
    fn make_room(
        &mut self,
        request: &HttpRequest,
        body: &mut Vec<u8>,
        more: usize,
        most: usize,
    ) -> Result<(), Problem> {
        let needed = body.len() + more;
        if needed <= body.capacity() {
            return Ok(());
        }
        let wished = needed.max((body.capacity() * 2).min(most));
        let capacity = match self.grow(request, wished) {
            Ok(()) => wished,
            Err(_) => self.grow(request, needed).map(|()| needed)?,
        };
        body.reserve_exact(capacity - body.len());
        Ok(())
    }

    fn grow(&mut self, request: &HttpRequest, bytes: usize) -> Result<(), Problem> {
        let Some(charge) = &mut self.charge else {
            return Ok(());
        };
        let Err(error) = charge.try_set(bytes) else {
            return Ok(());
        };
        let state = request.app_data::<Data<AppState>>();
        let Some(state) = state.filter(|_| self.of == Content::Change) else {
            return Err(error.into());
        };
        match state.access.caller(request)?.reaches_all() {
            true => {
                let mut other = state.manager.charge(MemoryUse::OperatorBodies);
                other.try_set(bytes)?;
                *charge = other;
                Ok(())
            }
            false => Err(error.into()),
        }
    }

    fn keep(self, request: &HttpRequest) {
        if let Some(charge) = self.charge {
            request.extensions_mut().insert(charge);
        }
    }
}

/// The body was accepted. From now on, its content is counted elsewhere.
pub fn accepted(request: &HttpRequest) {
    drop(request.extensions_mut().remove::<Charge>());
}

/// The time for a body of which this number of bytes has arrived.
fn time_for(bytes: usize) -> Duration {
    let seconds = bytes as u64 / u64::from(FLOOR);
    PATIENCE + Duration::from_secs(seconds)
}

/// Reads a message: `application/octet-stream` is a binary one, anything else is text.
///
/// # Errors
///
/// The errors of [`change`]; 422 for a text that is not UTF-8.
pub async fn message(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<Message, Problem> {
    let body = bytes(request, payload, limit, Content::Message).await?;
    if essence(request) == "application/octet-stream" {
        return Ok(Message::binary(body));
    }
    let text = ByteString::try_from(body).map_err(|_| everwire::Rejected::NotText)?;
    Ok(Message::text(text))
}

/// Reads the body of a change, of any type.
///
/// # Errors
///
/// 413 if it is longer, 408 if it does not arrive, 400 if it violates HTTP, 503 if there is no
/// memory for it.
pub async fn change(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<Bytes, Problem> {
    bytes(request, payload, limit, Content::Change).await
}

/// Reads a JSON text of at most `limit` bytes. An empty body gives `None`.
///
/// # Errors
///
/// The errors of [`change`]; 415 for another type.
pub async fn json_text(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<Bytes, Problem> {
    let body = change(request, payload, limit).await?;
    let essence = essence(request);
    // `curl -d` sends this type for everything. Permissions do not depend on this header.
    let is_curls =
        essence == "application/x-www-form-urlencoded" && body.trim_ascii_start().starts_with(b"{");
    let is_json = essence.is_empty()
        || essence == "application/json"
        || essence.ends_with("+json")
        || is_curls;
    if !body.is_empty() && !is_json {
        let detail = format!("the body is {essence:?}; write Content-Type: application/json");
        return Err(Problem::unsupported_type(detail));
    }
    Ok(body)
}

/// Reads a JSON object. An empty body or null gives all defaults.
///
/// # Errors
///
/// The errors of [`json_text`]; 400 if it is not JSON, 422 if it is not the expected JSON.
pub async fn json<T: DeserializeOwned + Default>(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<T, Problem> {
    let body = json_text(request, payload, limit).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    let read = serde_json::from_slice::<Option<T>>(&body);
    read.map(Option::unwrap_or_default).map_err(|error| {
        let problem = match error.classify() {
            serde_json::error::Category::Data => Problem::unprocessable,
            _ => Problem::bad_request,
        };
        problem(error.to_string())
            .member("line", error.line())
            .member("column", error.column())
    })
}

/// The type of the body, without its parameters.
fn essence(request: &HttpRequest) -> String {
    let value = request.headers().get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next();
    essence.unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use actix_http::BoxedPayloadStream;
    use actix_web::{FromRequest, ResponseError, dev, test::TestRequest};
    use futures::stream;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_not_waited_for_for_ever() {
        let byte = || async { tokio::time::sleep(Duration::from_secs(1)).await };
        let trickle = stream::repeat(()).then(move |()| byte());
        let trickle = trickle.map(|()| Ok(Bytes::from_static(b".")));
        let payload: BoxedPayloadStream = Box::pin(trickle);
        let request = TestRequest::default().to_http_request();
        let mut payload = dev::Payload::Stream { payload };
        let payload = Payload::from_request(&request, &mut payload).await.unwrap();
        let read = tokio::time::timeout(
            2 * PATIENCE,
            bytes(&request, payload, 1000, Content::Message),
        )
        .await;
        let problem = read.expect("it ends by itself").unwrap_err();
        assert_eq!(problem.status_code(), 408, "{problem}");
    }

    #[test]
    fn a_long_body_has_the_time_that_its_bytes_take() {
        assert_eq!(time_for(0), PATIENCE);
        assert_eq!(time_for(16 << 20), PATIENCE + Duration::from_secs(1024));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for_for_ever() {
        let begun = stream::iter([Ok(Bytes::from_static(b"half"))]);
        let payload: BoxedPayloadStream = Box::pin(begun.chain(stream::pending()));
        let request = TestRequest::default().to_http_request();
        let mut payload = dev::Payload::Stream { payload };
        let payload = Payload::from_request(&request, &mut payload).await.unwrap();
        let read = tokio::time::timeout(
            10 * PATIENCE,
            bytes(&request, payload, 100, Content::Message),
        )
        .await;
        let problem = read.expect("it ends by itself").unwrap_err();
        assert_eq!(problem.status_code(), 408, "{problem}");
    }
}
