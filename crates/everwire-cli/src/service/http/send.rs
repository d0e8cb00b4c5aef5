//! Sending messages, and asking for their fates.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Path, Payload},
};
use everwire::{ConnectionSettings, Fate, Receipt, config::parse_duration};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    body,
    idempotency::Key,
    lookup::Found,
    permit::{ToAsk, ToSend},
    problem::Problem,
};

/// The default time that a request waits for a fate.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time that it may wait.
const MAX_TIMEOUT: Duration = Duration::from_secs(300);

/// A message and its fate.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sent {
    /// The number of the message among the accepted messages of the connection, from 1.
    #[schema(minimum = 1)]
    id: u64,
    /// The epoch in which it was accepted. In a later epoch, ids begin again, unless the outbox is
    /// durable. Epoch and id together identify a message.
    #[schema(minimum = 1)]
    epoch: u32,
    /// Its fate so far.
    #[schema(value_type = super::schema::Fate)]
    fate: &'static str,
}

/// `?wait=&timeout=`.
#[derive(Debug, PartialEq)]
struct SendQuery {
    wait: Fate,
    timeout: Duration,
}

/// Send a message
///
/// The body is the payload, verbatim: `application/octet-stream` is a binary message, anything else is text and must be UTF-8.
#[utoipa::path(
    post,
    path = "/v1/connections/{name}/send",
    tag = "messages",
    params(
        ("name" = inline(super::schema::Name), Path),
        ("wait" = inline(Option<super::schema::Wait>), Query, description = "The fate to wait for; queued by default"),
        ("timeout" = inline(Option<super::schema::Duration>), Query, description = "How long to wait, at most 5m; 5s by default"),
        ("Idempotency-Key" = inline(Option<super::schema::IdempotencyKey>), Header, description = "The same key with the same body is the same message: for an hour, and for as long as the message is in the outbox. The key of a message of a durable outbox survives a restart of the service with it; that of another does not: a request that is repeated after a restart sends its message again"),
    ),
    request_body(description = "The payload", content(
        (inline(super::schema::Text) = "text/plain"),
        (inline(super::schema::Binary) = "application/octet-stream"),
    )),
    responses(
        (status = 200, body = Sent, description = "The fate that was asked for, or a better one"),
        (status = 202, body = Sent, description = "The wait ran out first"),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "The fate can no longer come"),
        (status = 413, body = super::schema::Problem, content_type = "application/problem+json", description = "Longer than max_message"),
        (status = 422, body = super::schema::Problem, content_type = "application/problem+json", description = "Not UTF-8; a key that was used for another body; confirmed where nothing can confirm"),
        (status = 429, body = super::schema::Problem, content_type = "application/problem+json", description = "The outbox is full"),
        (status = 503, body = super::schema::Problem, content_type = "application/problem+json", description = "The outbox is durable, and nothing can be stored; or service.memory is used up (cause memory)"),
    ),
)]
pub async fn send(
    connection: Found<ToSend>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let Found {
        state,
        caller,
        handle,
        settings,
        ..
    } = connection;
    let query = SendQuery::parse(request.query_string())?;
    check_wait(query.wait, &settings)?;
    let key = Key::of(&request, &caller)?;
    let message = body::message(&request, payload, settings.max_message).await?;
    let waits = query.wait != Fate::Queued || query.timeout > DEFAULT_TIMEOUT;
    let _place = waits
        .then(|| state.waits.take(&caller, state.access.tenants()))
        .transpose()?;
    let receipt = match key {
        None => handle.send(message)?,
        Some(key) => handle.send_once(key, message)?,
    };
    body::accepted(&request);
    wait(receipt, &query).await
}

/// The fate of an earlier message
///
/// An id identifies a message in the epoch in which it was accepted. It stays valid in later epochs
/// while ids continue: over a restart of the service if the outbox is durable.
#[utoipa::path(
    get,
    path = "/v1/connections/{name}/sends/{id}",
    tag = "messages",
    params(
        ("name" = inline(super::schema::Name), Path),
        ("id" = u64, Path, description = "The id that send answered"),
        ("epoch" = Option<u32>, Query, minimum = 1, description = "The epoch that send answered with it. Without it the message is meant that has the id now"),
    ),
    responses(
        (status = 200, body = Sent),
        (status = 410, body = super::schema::Problem, content_type = "application/problem+json", description = "The id is of another epoch, or no longer known: the fate is forgotten"),
    ),
)]
pub async fn fate(
    connection: Found<ToAsk>,
    path: Path<AskedFor>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (name, handle, id) = (&*connection.name, &connection.handle, &path.id);
    let epoch = Epoch::parse(request.query_string())?;
    let unknown = || {
        Problem::not_found(format!(
            "{name:?} never accepted a message with the id {id:?}"
        ))
    };
    let id: u64 = id.parse().map_err(|_| unknown())?;
    let found = match epoch {
        Epoch::Now => handle.receipt(id),
        Epoch::Of(epoch) => handle.receipt_in(epoch, id),
        Epoch::Never => None,
    };
    if found.is_none() && handle.waits_for_store() {
        return Err(connection.state.unknown_yet(
            "the store is not open, so the fates of earlier messages are not known yet",
        ));
    }
    match found.map(|receipt| (receipt.now(), receipt)) {
        Some((fate, receipt)) if fate != Fate::Forgotten => {
            Ok(answer(StatusCode::OK, &receipt, fate))
        }
        Some(_) => Err(Problem::forgotten(id)),
        None if epoch == Epoch::Now || epoch == Epoch::Of(handle.epoch()) => Err(unknown()),
        None => Err(Problem::forgotten(id)),
    }
}

/// The message in a path, of any connection.
#[derive(Debug, Deserialize)]
pub struct AskedFor {
    id: String,
}

/// `?epoch=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Epoch {
    /// No epoch was given.
    Now,
    Of(u32),
    /// An epoch that no connection has had.
    Never,
}

impl Epoch {
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut read = Self::Now;
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let wrong = |reason: String| Problem::bad_request(format!("invalid {key}: {reason}"));
            read = match &*key {
                "epoch" if read != Self::Now => {
                    return Err(wrong("it comes twice; write it once".into()));
                }
                "epoch" => Self::of(&value).map_err(wrong)?,
                _ => {
                    return Err(Problem::bad_request(format!(
                        "unknown parameter {key}; the only one is epoch"
                    )));
                }
            };
        }
        Ok(read)
    }

    fn of(value: &str) -> Result<Self, String> {
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse() {
            Ok(epoch @ 1..) => Ok(Self::Of(epoch)),
            Err(_) if is_number => Ok(Self::Never),
            Ok(0) | Err(_) => Err(format!(
                "{value:?} is not a number; write a number from 1 up"
            )),
        }
    }
}

/// Refuses to wait for a fate that can never come.
///
/// # Errors
///
/// 422.
pub fn check_wait(wait: Fate, settings: &ConnectionSettings) -> Result<(), Problem> {
    match wait == Fate::Confirmed && !settings.heartbeat.can_fence() {
        true => Err(Problem::unprocessable(
            "invalid wait: nothing confirms messages here; set a heartbeat of pings, or one of texts with fence = true, or wait for written",
        )
        .member("reason", "no_fence")),
        false => Ok(()),
    }
}

/// The fate to wait for and the time limit, from the parameters of a client.
///
/// # Errors
///
/// 400.
pub fn wait_for(wait: Option<&str>, timeout: Option<&str>) -> Result<(Fate, Duration), Problem> {
    let wrong =
        |key: &str, reason: String| Problem::bad_request(format!("invalid {key}: {reason}"));
    let wait = wait.map(fate_to_wait_for).transpose();
    let timeout = timeout.map(self::timeout).transpose();
    Ok((
        wait.map_err(|reason| wrong("wait", reason))?
            .unwrap_or(Fate::Queued),
        timeout
            .map_err(|reason| wrong("timeout", reason))?
            .unwrap_or(DEFAULT_TIMEOUT),
    ))
}

async fn wait(receipt: Receipt, query: &SendQuery) -> Result<HttpResponse, Problem> {
    let waited = tokio::time::timeout(query.timeout, receipt.fate(query.wait)).await;
    let fate = waited.unwrap_or_else(|_| receipt.now());
    if fate.reaches(query.wait) {
        Ok(answer(StatusCode::OK, &receipt, fate))
    } else if fate.is_final() {
        Err(Problem::fate(&receipt, fate))
    } else {
        Ok(answer(StatusCode::ACCEPTED, &receipt, fate))
    }
}

fn answer(status: StatusCode, receipt: &Receipt, fate: Fate) -> HttpResponse {
    HttpResponse::build(status).json(Sent {
        id: receipt.id(),
        epoch: receipt.epoch(),
        fate: fate.as_str(),
    })
}

impl SendQuery {
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut read = Self {
            wait: Fate::Queued,
            timeout: DEFAULT_TIMEOUT,
        };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let wrong = |reason: String| Problem::bad_request(format!("invalid {key}: {reason}"));
            match &*key {
                "wait" => read.wait = fate_to_wait_for(&value).map_err(wrong)?,
                "timeout" => read.timeout = timeout(&value).map_err(wrong)?,
                _ => {
                    return Err(Problem::bad_request(format!(
                        "unknown parameter {key}; the parameters are wait and timeout"
                    )));
                }
            }
        }
        Ok(read)
    }
}

fn fate_to_wait_for(value: &str) -> Result<Fate, String> {
    match value {
        "queued" => Ok(Fate::Queued),
        "written" => Ok(Fate::Written),
        "confirmed" => Ok(Fate::Confirmed),
        _ => Err(format!(
            "{value:?} is not one of queued, written and confirmed"
        )),
    }
}

/// The time limit, from the parameter of a client.
///
/// # Errors
///
/// What is wrong with it.
pub fn timeout(value: &str) -> Result<Duration, String> {
    let timeout =
        parse_duration(value).map_err(|help| format!("{value:?} is not a duration; {help}"))?;
    match timeout <= MAX_TIMEOUT {
        true => Ok(timeout),
        false => Err(format!("{value:?} is longer than 5m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_send_are_read() {
        let read = |query| SendQuery::parse(query).map(|query| (query.wait, query.timeout));
        let s = Duration::from_secs;
        assert_eq!(read("").unwrap(), (Fate::Queued, s(5)));
        assert_eq!(
            read("wait=confirmed&timeout=1m").unwrap(),
            (Fate::Confirmed, s(60))
        );
        assert_eq!(
            read("wait=written&timeout=0s").unwrap(),
            (Fate::Written, s(0))
        );
        for (query, part) in [
            ("wait=sent", "not one of queued"),
            ("wait=", "not one of queued"),
            ("timeout=5", "not a duration"),
            ("timeout=", "not a duration"),
            ("timeout=6m", "longer than 5m"),
            ("waits=written", "unknown parameter"),
        ] {
            let told = read(query).unwrap_err().to_string();
            assert!(told.contains(part), "{query}: {told}");
        }
    }
}
