//! The requests of a client on the downstream WebSocket.

use std::time::Duration;

use base64::Engine;
use everwire::{Fate, Message};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::service::http::{problem::Problem, request::Wanted, send};

/// The longest id of a request.
const MAX_ID: usize = 128;

/// One request: a text message, in JSON.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Start a subscription to events.
    Subscribe(Subscribe),
    /// End it.
    Unsubscribe {
        /// The id of the subscription.
        id: String,
    },
    /// Send a message.
    Send(Send),
    /// Send a message, and return its answer.
    Request(Request),
    /// Subscribe to a key of a connection while this client is connected.
    Hold(Hold),
    /// End that.
    Release(Release),
}

/// A subscription to events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// The id of the subscription.
    pub id: String,
    /// The names; all by default.
    #[serde(default, rename = "match")]
    pub pattern: String,
    /// The types; all except `sent` by default.
    #[serde(default)]
    pub types: Vec<String>,
    /// The cursor of the last event that was read. By default, the subscription begins now.
    #[serde(default)]
    pub since: String,
    /// Only messages of these keys; all by default.
    pub subscriptions: Option<Vec<String>>,
}

/// A subscription on a connection.
#[derive(Debug, Deserialize)]
pub struct Hold {
    /// The id of the answer.
    pub id: String,
    /// The connection.
    pub name: String,
    /// The key.
    pub key: String,
    /// `item`, and the keys of the long form.
    #[serde(flatten)]
    pub long_form: Map<String, Json>,
}

/// A subscription on a connection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The id of the answer.
    pub id: String,
    /// The connection.
    pub name: String,
    /// The key.
    pub key: String,
}

/// A message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// The id of the answer.
    pub id: String,
    /// The connection.
    pub name: String,
    text: Option<String>,
    base64: Option<String>,
    wait: Option<String>,
    timeout: Option<String>,
}

/// A message with an answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The id of the answer.
    pub id: String,
    /// The connection.
    pub name: String,
    text: Option<String>,
    base64: Option<String>,
    json: Option<String>,
    equals: Option<String>,
    timeout: Option<String>,
}

impl Op {
    /// Parses a request.
    ///
    /// # Errors
    ///
    /// 400 if the text is not a request, with its id if it has one.
    pub fn parse(text: &str) -> Result<Self, (Option<String>, Problem)> {
        let refused = |error: serde_json::Error| {
            let id = serde_json::from_str::<WithId>(text)
                .ok()
                .map(|with| with.id);
            let id = id.filter(|id| id.len() <= MAX_ID);
            (id, Problem::bad_request(error.to_string()))
        };
        let op: Self = serde_json::from_str(text).map_err(refused)?;
        if !(1..=MAX_ID).contains(&op.id().len()) {
            let detail = format!("invalid id: write 1 to {MAX_ID} bytes");
            return Err((None, Problem::bad_request(detail)));
        }
        Ok(op)
    }

    /// The id of the answer.
    pub fn id(&self) -> &str {
        match self {
            Self::Subscribe(subscribe) => &subscribe.id,
            Self::Unsubscribe { id } => id,
            Self::Send(send) => &send.id,
            Self::Request(request) => &request.id,
            Self::Hold(hold) => &hold.id,
            Self::Release(release) => &release.id,
        }
    }
}

#[derive(Deserialize)]
struct WithId {
    id: String,
}

impl Send {
    /// The message.
    ///
    /// # Errors
    ///
    /// 400 if there is not exactly one, or if it is not base64.
    pub fn message(&mut self) -> Result<Message, Problem> {
        message(self.text.take(), self.base64.take())
    }

    /// The fate to wait for, and the time limit.
    ///
    /// # Errors
    ///
    /// 400.
    pub fn wait(&self) -> Result<(Fate, Duration), Problem> {
        send::wait_for(self.wait.as_deref(), self.timeout.as_deref())
    }
}

impl Request {
    /// The request.
    ///
    /// # Errors
    ///
    /// 400 if there is not exactly one message, or if the description of the answer is invalid.
    pub fn wanted(&mut self) -> Result<everwire::Request, Problem> {
        let message = message(self.text.take(), self.base64.take())?;
        let (json, equals) = (self.json.as_deref(), self.equals.as_deref());
        let wanted = Wanted::new(json, equals, self.timeout.as_deref())?;
        Ok(wanted.request(message))
    }
}

/// The only message.
fn message(text: Option<String>, base64: Option<String>) -> Result<Message, Problem> {
    match (text, base64) {
        (Some(text), None) => Ok(Message::text(text)),
        (None, Some(base64)) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(base64);
            let bytes = bytes.map_err(|error| Problem::bad_request(format!("base64: {error}")))?;
            Ok(Message::binary(bytes))
        }
        _ => Err(Problem::bad_request(
            "invalid message: it must have either text or base64",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_is_told_with_its_id() {
        for (text, id, part) in [
            ("", None, "EOF"),
            (r#"{"op":"fly","id":"a"}"#, Some("a"), "unknown variant"),
            (
                r#"{"op":"send","id":"a"}"#,
                Some("a"),
                "missing field `name`",
            ),
            (r#"{"op":"unsubscribe","id":7}"#, None, "invalid type"),
            (r#"{"op":"unsubscribe","id":""}"#, None, "1 to 128"),
            (
                r#"{"op":"subscribe","id":"a","macht":"x"}"#,
                Some("a"),
                "unknown field",
            ),
        ] {
            let (told, problem) = Op::parse(text).unwrap_err();
            assert_eq!(told.as_deref(), id, "{text}");
            assert!(problem.to_string().contains(part), "{text}: {problem}");
        }
    }

    #[test]
    fn a_message_is_text_or_bytes() {
        let read = |members: &str| {
            let text = format!(r#"{{"op":"send","id":"a","name":"feed"{members}}}"#);
            match Op::parse(&text).unwrap() {
                Op::Send(mut send) => send.message().map_err(|problem| problem.to_string()),
                op => panic!("{op:?}"),
            }
        };
        assert_eq!(read(r#","text":"hi""#), Ok(Message::text("hi")));
        assert_eq!(
            read(r#","base64":"AP8=""#),
            Ok(Message::binary(vec![0, 255]))
        );
        assert!(read("").is_err());
        assert!(read(r#","base64":"?""#).unwrap_err().contains("base64"));
        assert!(read(r#","text":"","base64":"""#).is_err());
    }
}
