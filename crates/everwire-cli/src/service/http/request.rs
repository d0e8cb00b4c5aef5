//! Requests: messages with an answer.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, ContentType, HeaderValue},
    },
    web::Payload,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use everwire::{
    Message, Rejected, Request, RequestError, core::JsonPointer, language::json::RawJson,
};

use super::{
    body,
    lookup::Found,
    permit::{ToRead, ToSend},
    problem::Problem,
    send,
};

/// Send a message, and get its answer
///
/// If the settings of the connection have `request`, they define the answer: a number of ours
/// replaces the caller's, so that any number of clients may choose the same one. Without it, `json`
/// and `equals` do: the answer is the first later message with that value, and one message answers
/// one request. The body is the payload, verbatim, as in `send`, and so is the answer. The message
/// is sent once, before other waiting messages. Subscribers also receive the answer.
#[utoipa::path(
    post,
    path = "/v1/connections/{name}/request",
    tag = "messages",
    params(
        ("name" = inline(super::schema::Name), Path),
        ("json" = inline(Option<super::schema::Text>), Query, description = "Where the answer has a value, as a JSON pointer (RFC 6901): /id. Only where the settings have no `request`; then with equals"),
        ("equals" = inline(Option<super::schema::Text>), Query, description = "That value: a text, a number, true, false or null"),
        ("timeout" = inline(Option<super::schema::Duration>), Query, description = "How long to wait for the answer, at most 5m; by default as long as `request.within` says, or 10s"),
    ),
    request_body(description = "The payload", content(
        (inline(super::schema::Text) = "text/plain"),
        (inline(super::schema::Binary) = "application/octet-stream"),
    )),
    responses(
        (status = 200, description = "The answer, verbatim, with the number that the client gave", content(
            (inline(super::schema::AnyJson) = "application/json"),
            (inline(super::schema::Text) = "text/plain"),
            (inline(super::schema::Binary) = "application/octet-stream"),
        )),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "The connection is closed; it was closed before the message was written (fate cancelled); the socket was lost before the answer came (fate in_doubt: the peer may have it)"),
        (status = 413, body = super::schema::Problem, content_type = "application/problem+json", description = "Longer than max_message"),
        (status = 422, body = super::schema::Problem, content_type = "application/problem+json", description = "Not UTF-8; no JSON with a number or a text in its place; nothing says what answers it, or both do"),
        (status = 429, body = super::schema::Problem, content_type = "application/problem+json", description = "Too many requests of the connection wait to be written"),
        (status = 502, body = super::schema::Problem, content_type = "application/problem+json", description = "The peer has refused it (fate failed): its answer is in text or base64"),
        (status = 503, body = super::schema::Problem, content_type = "application/problem+json", description = "It was not written in time (fate not_sent): the peer does not have it; or service.memory is used up (cause memory)"),
        (status = 504, body = super::schema::Problem, content_type = "application/problem+json", description = "It was written, and not answered in time (fate unanswered)"),
    ),
)]
pub async fn request(
    connection: Found<(ToSend, ToRead)>,
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
    let wanted = Wanted::parse(request.query_string())?;
    if request.headers().contains_key("idempotency-key") {
        let detail = "invalid Idempotency-Key: a request is sent each time that it is made; leave the header out";
        return Err(Problem::bad_request(detail));
    }
    let message = body::message(&request, payload, settings.max_message).await?;
    let _place = state.waits.take(&caller, state.access.tenants())?;
    body::accepted(&request);
    let answer = handle.request(wanted.request(message)).await?;
    Ok(verbatim(answer))
}

/// What a client says about the answer.
#[derive(Debug, Default, PartialEq)]
pub struct Wanted {
    expected: Option<(JsonPointer, String)>,
    within: Option<Duration>,
}

impl Wanted {
    /// From the parameters of a client.
    ///
    /// # Errors
    ///
    /// 400.
    pub fn new(
        json: Option<&str>,
        equals: Option<&str>,
        timeout: Option<&str>,
    ) -> Result<Self, Problem> {
        let expected = match (json, equals) {
            (None, None) => None,
            (Some(json), Some(equals)) => {
                let json = JsonPointer::new(json);
                let json =
                    json.map_err(|error| Problem::bad_request(format!("invalid json: {error}")))?;
                Some((json, equals.to_owned()))
            }
            (Some(_), None) => {
                return Err(Problem::bad_request(
                    "missing parameter equals: it says which value stands there; write equals=7",
                ));
            }
            (None, Some(_)) => {
                let detail =
                    "missing parameter json: it says where the value stands; write json=/id";
                return Err(Problem::bad_request(detail));
            }
        };
        let within = timeout.map(send::timeout).transpose();
        let within =
            within.map_err(|reason| Problem::bad_request(format!("invalid timeout: {reason}")))?;
        Ok(Self { expected, within })
    }

    fn parse(query: &str) -> Result<Self, Problem> {
        let (mut json, mut equals, mut timeout) = (None, None, None);
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let wrong = |reason: &str| Problem::bad_request(format!("invalid {key}: {reason}"));
            let known = match &*key {
                "json" => &mut json,
                "equals" => &mut equals,
                "timeout" => &mut timeout,
                _ => {
                    return Err(Problem::bad_request(format!(
                        "unknown parameter {key}; the parameters are json, equals and timeout"
                    )));
                }
            };
            if known.replace(value).is_some() {
                return Err(wrong("it comes twice; write it once"));
            }
        }
        Self::new(json.as_deref(), equals.as_deref(), timeout.as_deref())
    }

    /// The request with this message.
    pub fn request(self, message: Message) -> Request {
        let mut request = Request::new(message);
        if let Some((json, equals)) = self.expected {
            request = request.expecting(json, equals);
        }
        request.within = self.within;
        request
    }
}

/// A message as the body of an HTTP answer.
fn verbatim(message: Message) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    match message {
        Message::Text(text) => {
            response.content_type(match RawJson::parse(&text) {
                Some(_) => ContentType::json(),
                None => ContentType::plaintext(),
            });
            response.body(text.into_bytes())
        }
        Message::Binary(bytes) => {
            response.content_type(ContentType::octet_stream());
            response.body(bytes)
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let detail = error.to_string();
        let (problem, fate) = match error {
            RequestError::Rejected(Rejected::Full) => {
                let soon = HeaderValue::from_static("1");
                let problem = Self::too_many("too many requests wait to be sent; try again later");
                let problem = problem.member("reason", "full");
                (problem.header(header::RETRY_AFTER, soon), "rejected")
            }
            RequestError::Rejected(rejected) => return rejected.into(),
            // The connection is closed for good.
            RequestError::Gone(_) => return Rejected::Closed.into(),
            RequestError::Failed(answer) => {
                let problem = Self::with_status(StatusCode::BAD_GATEWAY, detail);
                let problem = match answer {
                    Message::Text(text) => problem.member("text", &*text),
                    Message::Binary(bytes) => {
                        problem.member("base64", BASE64_STANDARD.encode(bytes))
                    }
                };
                (problem, "failed")
            }
            RequestError::NotSent => (Self::unavailable(detail), "not_sent"),
            RequestError::Unanswered => {
                let problem = Self::with_status(StatusCode::GATEWAY_TIMEOUT, detail);
                (problem, "unanswered")
            }
            RequestError::InDoubt => (Self::conflict(detail), "in_doubt"),
            RequestError::Cancelled => (Self::conflict(detail), "cancelled"),
            RequestError::NothingExpected => {
                let detail = "missing json and equals: nothing says which message is the answer; send them, or write `request` into the settings of the connection";
                (Self::unprocessable(detail), "rejected")
            }
            RequestError::ExpectedBySettings => {
                let detail = "invalid request: `request` in the connection's settings says which message is the answer; leave out json and equals";
                (Self::unprocessable(detail), "rejected")
            }
            RequestError::Invalid(_) => (Self::unprocessable(detail), "rejected"),
            _ => (Self::unavailable(detail), "in_doubt"),
        };
        problem.member("fate", fate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_request_are_read() {
        let id = JsonPointer::new("/id").unwrap();
        let read = |query| Wanted::parse(query);
        assert_eq!(read("").unwrap(), Wanted::default());
        assert_eq!(
            read("json=%2Fid&equals=7&timeout=5s").unwrap(),
            Wanted {
                expected: Some((id, "7".into())),
                within: Some(Duration::from_secs(5)),
            }
        );
        for (query, part) in [
            ("json=/id", "missing parameter equals"),
            ("equals=7", "missing parameter json"),
            ("json=id&equals=7", "invalid json: "),
            (
                "json=/id&equals=7&equals=8",
                "invalid equals: it comes twice",
            ),
            ("timeout=5", "not a duration"),
            ("timeout=6m", "longer than 5m"),
            (
                "wait=written",
                "the parameters are json, equals and timeout",
            ),
        ] {
            let told = read(query).unwrap_err().to_string();
            assert!(told.contains(part), "{query}: {told}");
        }
    }

    #[test]
    fn each_end_is_told_by_its_status_and_its_fate() {
        for (error, status, fate) in [
            (RequestError::Failed(Message::text("no")), 502, "failed"),
            (RequestError::NotSent, 503, "not_sent"),
            (RequestError::Unanswered, 504, "unanswered"),
            (RequestError::InDoubt, 409, "in_doubt"),
            (RequestError::Cancelled, 409, "cancelled"),
            (RequestError::NothingExpected, 422, "rejected"),
            (RequestError::ExpectedBySettings, 422, "rejected"),
            (Rejected::Full.into(), 429, "rejected"),
            (Rejected::Closed.into(), 409, "rejected"),
        ] {
            let told = Problem::from(error).json();
            assert_eq!(
                (&told["status"], &told["fate"]),
                (&status.into(), &fate.into()),
                "{told}"
            );
        }
        let refused = Problem::from(RequestError::Failed(Message::text(r#"{"error":1}"#)));
        assert_eq!(refused.json()["text"], r#"{"error":1}"#);
        let refused = Problem::from(RequestError::Failed(Message::binary(vec![0, 255])));
        assert_eq!(refused.json()["base64"], "AP8=");
    }
}
