//! What only the bridge to NATS has: addresses of servers, subjects, names of streams.

use serde_json::{Value as Json, json};
use url::{Host, Url};

use super::{
    has_holes,
    template::{expand_template, secret_string, string, warn_of_unbraced},
    text::plain,
};
use crate::config::read::{Context, Node, Place, Problem, Read, Value, backticked, field};
use everwire_proto::language::{Part, SecretTemplate, Template};

/// URLs of the servers of one cluster.
#[derive(Clone, Debug)]
pub(in crate::config) struct NatsServers(Vec<String>);

/// What subjects begin with: tokens with dots between them.
#[derive(Clone, Debug)]
pub(in crate::config) struct SubjectPrefix(String);

/// The name of a stream.
#[derive(Clone, Debug)]
pub(in crate::config) struct StreamName(String);

/// On how many servers a stream is kept.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Replicas(u8);

/// The user name of a bridge.
#[derive(Clone, Debug)]
pub(in crate::config) struct NatsUser(Template);

/// The password of a bridge.
#[derive(Clone, Debug)]
pub(in crate::config) struct NatsPassword(Template);

/// More servers of one cluster are refused.
const MAX_SERVERS: usize = 16;

/// The longest beginning of a subject, in bytes: the rest is left to names.
const MAX_SUBJECT: usize = 64;

/// The longest name of a stream, in bytes: the server makes a folder of it.
const MAX_STREAM: usize = 32;

field! { NatsServers => Vec<String>: |servers| servers.0 }
field! { SubjectPrefix => String: |subject| subject.0 }
field! { StreamName => String: |name| name.0 }
field! { Replicas => u8: |replicas| replicas.0 }
field! { NatsUser => Option<Template>: |user| Some(user.0) }
field! { NatsPassword => Option<SecretTemplate>: |password| Some(password.0.into()) }

impl Read for NatsServers {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        // Servers that are wrong, which is told, are not missing too.
        let Value::Array(items) = &node.value else {
            context.problems.hide(node.place);
            let expected = "expected an array of URLs such as [\"nats://127.0.0.1:4222\"]";
            context.problems.push(Problem::new(node.place, expected));
            return Some(Self(Vec::new()));
        };
        if items.is_empty() || items.len() > MAX_SERVERS {
            let message = format!("there are {} servers", items.len());
            let help = format!(
                "write 1 to {MAX_SERVERS} URLs of one cluster, such as \"nats://127.0.0.1:4222\""
            );
            context.wrong(node.place, message, help);
        }
        let servers = items.iter().filter_map(|item| server(item, context));
        Some(Self(servers.collect()))
    }

    fn schema() -> Json {
        let server =
            json!({ "type": "string", "minLength": 1, "examples": ["nats://127.0.0.1:4222"] });
        json!({ "type": "array", "items": server, "minItems": 1, "maxItems": MAX_SERVERS })
    }
}

/// The URL of a server. What is wrong is told.
fn server(node: &Node, context: &mut Context<'_>) -> Option<String> {
    let Value::String(written) = &node.value else {
        return context.wrong_secret(node, "the URL of a server, as a string");
    };
    hide_user_part(written, node.place, context);
    let text = plain(node, context, "the URL of a server")?;
    if has_holes(written) {
        return None;
    }
    let Err(help) = check_server(&text) else {
        return Some(text);
    };
    let shown = match text.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map(|(scheme, _)| scheme);
            let scheme = scheme.map(|scheme| format!("{scheme}://"));
            format!("{}***@{host}", scheme.unwrap_or_default())
        }
        None => text,
    };
    let message = format!("{} is no URL of a NATS server", backticked(&shown));
    context.wrong(node.place, message, help);
    None
}

/// Blots out a user and a password, wherever the source is quoted.
fn hide_user_part(text: &str, place: Place, context: &mut Context<'_>) {
    let Some((before, _)) = text.rsplit_once('@') else {
        return;
    };
    let user_part = before.split_once("://").map_or(before, |(_, part)| part);
    if !user_part.is_empty() {
        let place = context.within(place, user_part);
        context.problems.hide(place);
    }
}

/// Whether a text is the URL of a server.
///
/// # Errors
///
/// What would be right.
fn check_server(text: &str) -> Result<(), String> {
    let example = "write \"nats://host:4222\", or \"tls://host:4222\" for TLS";
    if text.contains('@') {
        return Err(format!(
            "the user and the password stand in the keys `user` and `password`; {example}"
        ));
    }
    if text.contains(',') {
        return Err("write each server as an item of its own".into());
    }
    if !text.contains("://") {
        let full = format!("nats://{text}");
        return Err(match check_server(&full) {
            Ok(()) => format!("write {full:?}"),
            Err(_) => example.into(),
        });
    }
    let url = Url::parse(text).map_err(|error| format!("{error}; {example}"))?;
    if !matches!(url.scheme(), "nats" | "tls") {
        return Err(format!("its scheme is {:?}; {example}", url.scheme()));
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| format!("it has no host; {example}"))?;
    Host::parse(host).map_err(|error| format!("{error}; {example}"))?;
    if url.port() == Some(0) {
        return Err("the port is a number from 1 to 65535; without one it is 4222".into());
    }
    if !url.path().is_empty() || url.query().is_some() || url.fragment().is_some() {
        let port = url.port().map(|port| format!(":{port}"));
        let port = port.unwrap_or_default();
        let right = format!("{}://{host}{port}", url.scheme());
        return Err(format!(
            "nothing stands behind the host and its port; write {right:?}"
        ));
    }
    Ok(())
}

impl Read for SubjectPrefix {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = plain(node, context, "the beginning of a subject")?;
        let Err(help) = check_subject(&text) else {
            return Some(Self(text));
        };
        let message = format!("{} is no beginning of a subject", backticked(&text));
        context.wrong(node.place, message, help);
        None
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": MAX_SUBJECT })
    }
}

/// Whether subjects may begin with this.
///
/// # Errors
///
/// What would be right.
fn check_subject(text: &str) -> Result<(), String> {
    if text.len() > MAX_SUBJECT {
        let long = text.len();
        return Err(format!(
            "it has {long} bytes; write at most {MAX_SUBJECT}, names stand behind it"
        ));
    }
    if text.starts_with('$') {
        return Err(
            "subjects that begin with $ are the server's own; write \"everwire.in\", for example"
                .into(),
        );
    }
    if text.split('.').next() == Some("_INBOX") {
        let why = "_INBOX is for replies; write \"everwire.in\", for example";
        return Err(why.into());
    }
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(is_of_token);
    match text.split('.').all(is_token) {
        true => Ok(()),
        false => Err(
            "write tokens with dots between them, such as \"everwire.in\"; a token has printable ASCII without space, * and >"
                .into(),
        ),
    }
}

fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'.' | b'*' | b'>')
}

impl Read for StreamName {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = plain(node, context, "the name of a stream")?;
        let is_of_name = |byte: u8| is_of_token(byte) && !matches!(byte, b'/' | b'\\');
        if (1..=MAX_STREAM).contains(&text.len()) && text.bytes().all(is_of_name) {
            return Some(Self(text));
        }
        let message = format!("{} is no name of a stream", backticked(&text));
        let help = format!(
            "write 1 to {MAX_STREAM} characters, such as \"EVERWIRE_IN\": printable ASCII without space . * > / \\"
        );
        context.wrong(node.place, message, help);
        None
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": MAX_STREAM })
    }
}

impl Read for Replicas {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Integer(number) = node.value else {
            return context.wrong_type(node, "1, 3 or 5");
        };
        match number {
            1 => Some(Self(1)),
            3 => Some(Self(3)),
            5 => Some(Self(5)),
            _ => {
                let message = format!("a stream has no {number} replicas");
                let help = "write 1, or 3 or 5 in a cluster of at least as many servers";
                context.wrong(node.place, message, help);
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "enum": [1, 3, 5] })
    }
}

impl Read for NatsUser {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = string(node, context, "a user name").unwrap_or_default();
        Some(Self(credential(text, node, context)))
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

impl Read for NatsPassword {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        context.problems.hide(node.place);
        let text = secret_string(node, context, "a password").unwrap_or_default();
        Some(Self(credential(text, node, context)))
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

/// A part of the credentials. One that is wrong, which is told, is not missing too.
fn credential(text: &str, node: &Node, context: &mut Context<'_>) -> Template {
    warn_of_unbraced(text, node, |_| false, context);
    let template = expand_template(text, node.place, context).unwrap_or_default();
    let is_stored = |part: &Part| matches!(part, Part::Stored(_));
    if template.parts().iter().any(is_stored) {
        let message = "the bridge does not read the secrets that the API is given";
        context.wrong(node.place, message, "write ${NAME} or ${file:PATH}");
    } else if template.parts().is_empty()
        && matches!(&node.value, Value::String(text) if text.is_empty())
    {
        context.wrong(
            node.place,
            "the text is empty",
            "write at least one character",
        );
    }
    template
}
