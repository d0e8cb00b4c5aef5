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
        // Invalid servers were reported, and are not also reported as missing.
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

/// The URL of a server. Reports errors.
fn server(node: &Node, context: &mut Context<'_>) -> Option<String> {
    let Value::String(written) = &node.value else {
        return context.wrong_secret(node, "the URL of a server, as a string");
    };
    hide_user_part(written, node.place, context);
    let text = literal(node, context, "the URL of a server")?;
    let Err(Wrong { reason, help }) = check_server(&text) else {
        return Some(text);
    };
    let shown = backticked(&without_user_part(&text, "***@"));
    context.wrong(
        node.place,
        format!("invalid server {shown}: {reason}"),
        help,
    );
    None
}

/// A text without variables; one with variables is reported, and not checked further.
fn literal(node: &Node, context: &mut Context<'_>, expected: &str) -> Option<String> {
    let text = plain(node, context, expected)?;
    let has_holes = matches!(&node.value, Value::String(written) if has_holes(written));
    (!has_holes).then_some(text)
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

/// The same URL with something else in the place of its user part, if it has one.
fn without_user_part(text: &str, instead: &str) -> String {
    let Some((before, host)) = text.rsplit_once('@') else {
        return text.to_owned();
    };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://{instead}{host}"),
        None => format!("{instead}{host}"),
    }
}

/// Why a text cannot stand somewhere, and what would be right.
struct Wrong {
    reason: String,
    help: String,
}

fn wrong<T>(reason: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong {
        reason: reason.into(),
        help: help.into(),
    })
}

/// Whether a text is the URL of a server.
fn check_server(text: &str) -> Result<(), Wrong> {
    let example = "write \"nats://host:4222\", or \"tls://host:4222\" for TLS";
    if text.contains('@') {
        let right = without_user_part(text, "");
        let right = match check_server(&right) {
            Ok(()) => right,
            Err(_) => "nats://host:4222".into(),
        };
        let help = format!("write {right:?}, and the keys user and password");
        return wrong("it has a user part", help);
    }
    if text.contains(',') {
        return wrong("it has a comma", "write each server as an item of its own");
    }
    if !text.contains("://") {
        let right = format!("nats://{text}");
        return match check_server(&right) {
            Ok(()) => wrong("it has no scheme", format!("write {right:?}")),
            Err(_) => wrong("it has no scheme", example),
        };
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return wrong(error.to_string(), example),
    };
    if !matches!(url.scheme(), "nats" | "tls") {
        return wrong(format!("its scheme is {:?}", url.scheme()), example);
    }
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return wrong("it has no host", example);
    };
    if let Err(error) = Host::parse(host) {
        return wrong(error.to_string(), example);
    }
    if url.port() == Some(0) {
        return wrong(
            "its port is 0",
            "write a port from 1 to 65535; without one it is 4222",
        );
    }
    if !url.path().is_empty() || url.query().is_some() || url.fragment().is_some() {
        let port = url.port().map(|port| format!(":{port}"));
        let right = format!("{}://{host}{}", url.scheme(), port.unwrap_or_default());
        return wrong(
            "it has more than a host and a port",
            format!("write {right:?}"),
        );
    }
    Ok(())
}

impl Read for SubjectPrefix {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = literal(node, context, "the beginning of a subject")?;
        let Err(Wrong { reason, help }) = check_subject(&text) else {
            return Some(Self(text));
        };
        let message = format!("invalid subject {}: {reason}", backticked(&text));
        context.wrong(node.place, message, help);
        None
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": MAX_SUBJECT })
    }
}

/// Whether subjects may begin with this.
fn check_subject(text: &str) -> Result<(), Wrong> {
    let example = "write \"everwire.in\", for example";
    if text.len() > MAX_SUBJECT {
        let help = format!("write {MAX_SUBJECT} bytes or less: names stand behind it");
        return wrong(format!("it has {} bytes", text.len()), help);
    }
    if text.starts_with('$') {
        return wrong("subjects that begin with $ are the server's own", example);
    }
    if text.split('.').next() == Some("_INBOX") {
        return wrong("_INBOX is where clients await their answers", example);
    }
    if text.split('.').any(str::is_empty) {
        let help = "write at least one character between dots: \"everwire.in\", for example";
        return wrong("a token is empty", help);
    }
    match text.chars().find(|c| *c != '.' && !is_of_token(*c)) {
        None => Ok(()),
        Some(character) => {
            let help = "write printable ASCII without space, * and >, in tokens with dots between them: \"everwire.in\", for example";
            wrong(format!("{character:?} cannot stand in it"), help)
        }
    }
}

fn is_of_token(character: char) -> bool {
    character.is_ascii_graphic() && !matches!(character, '.' | '*' | '>')
}

impl Read for StreamName {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = literal(node, context, "the name of a stream")?;
        let is_outside = |c: &char| !is_of_token(*c) || matches!(c, '/' | '\\');
        let reason = match text.chars().find(is_outside) {
            Some(character) => format!("{character:?} cannot stand in it"),
            None if (1..=MAX_STREAM).contains(&text.len()) => return Some(Self(text)),
            None => format!("it has {} characters", text.len()),
        };
        let message = format!("invalid stream {}: {reason}", backticked(&text));
        let help = format!(
            "write 1 to {MAX_STREAM} characters of printable ASCII without space . * > / \\, such as \"EVERWIRE_IN\""
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
                let message = format!("invalid replicas {number}: a stream has 1, 3 or 5");
                let help = "write 1; or 3 or 5, where the cluster has as many servers";
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

/// A part of the credentials. An invalid one was reported, and is not also reported as missing.
fn credential(text: &str, node: &Node, context: &mut Context<'_>) -> Template {
    warn_of_unbraced(text, node, |_| false, context);
    let template = expand_template(text, node.place, context).unwrap_or_default();
    let is_stored = |part: &Part| matches!(part, Part::Stored(_));
    if template.parts().iter().any(is_stored) {
        let message = "a bridge does not read the secrets that the API keeps";
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
