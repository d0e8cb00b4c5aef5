//! Headers of the upgrade request.

use serde_json::{Map, Value as Json, json};

use crate::config::{
    read::{Context, Entry, Node, Place, Problem, Read, Value, backticked, field},
    values::{Dialled, HeaderValue, is_token},
};
use everwire_proto::language::SecretTemplate;

/// Headers in the order of the file, inherited ones first.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Headers(pub Vec<Header>);

/// A header of one layer.
#[derive(Clone, Debug)]
pub(in crate::config) struct Header {
    /// In the case in which it was written.
    pub name: String,
    pub place: Place,
    /// `None` removes an inherited header.
    pub value: Option<Dialled>,
}

/// Headers that everwire sets itself, and what to write instead.
const OWNED: [(&str, &str); 11] = [
    ("connection", "everwire asks for the upgrade itself"),
    ("upgrade", "everwire asks for the upgrade itself"),
    (
        "sec-websocket-key",
        "everwire draws a new one for each dial",
    ),
    (
        "sec-websocket-version",
        "everwire speaks version 13 (RFC 6455)",
    ),
    ("sec-websocket-accept", "only a server sends it"),
    ("sec-websocket-protocol", "use subprotocols = [\"…\"]"),
    (
        "sec-websocket-extensions",
        "extensions are not supported yet",
    ),
    ("content-length", "an upgrade request has no body"),
    ("transfer-encoding", "an upgrade request has no body"),
    ("te", "an upgrade request has no body"),
    ("trailer", "an upgrade request has no body"),
];

field! { Headers <=> Vec<(String, SecretTemplate)>: Headers::into_sent, |headers| show(headers) }

fn show(headers: &[(String, SecretTemplate)]) -> Map<String, Json> {
    headers
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string().into()))
        .collect()
}

impl Read for Headers {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_secret(node, "a table of headers");
        };
        let mut headers = Self::default();
        for entry in entries {
            if let Some(header) = read_header(entry, context) {
                headers.add(header, context);
            }
        }
        Some(headers)
    }

    fn schema() -> Json {
        json!({
            "type": "object",
            "propertyNames": { "pattern": r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" },
            "additionalProperties": HeaderValue::schema(),
        })
    }

    fn overlay(&mut self, nearer: Self) {
        for header in nearer.0 {
            match self.find(&header.name) {
                Some(inherited) => *inherited = header,
                None => self.0.push(header),
            }
        }
    }
}

impl Headers {
    fn find(&mut self, name: &str) -> Option<&mut Header> {
        let same = |header: &&mut Header| header.name.eq_ignore_ascii_case(name);
        self.0.iter_mut().find(same)
    }

    /// The headers that are sent, without removed ones.
    fn into_sent(self) -> Vec<(String, SecretTemplate)> {
        let headers = self.0.into_iter();
        headers
            .filter_map(|header| Some((header.name, header.value?.template.into())))
            .collect()
    }

    fn add(&mut self, header: Header, context: &mut Context<'_>) {
        let Some(first) = self.find(&header.name) else {
            self.0.push(header);
            return;
        };
        let message = format!("the header {} comes twice", backticked(&header.name));
        let problem = Problem::new(header.place, message)
            .related(first.place, "it comes first here")
            .help("the case of a header's name does not matter");
        context.problems.push(problem);
    }
}

fn read_header(entry: &Entry, context: &mut Context<'_>) -> Option<Header> {
    let name = backticked(&entry.key);
    let value = HeaderValue::read(&entry.node, context);
    if !is_token(&entry.key) {
        let help = "it is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.6.2)";
        context.wrong(entry.place, format!("invalid header name {name}"), help);
        return None;
    }
    let owned = OWNED
        .iter()
        .find(|(name, _)| entry.key.eq_ignore_ascii_case(name));
    if let Some((_, instead)) = owned {
        let message = format!("everwire itself sets the header {name}");
        context.wrong(entry.place, message, *instead);
        return None;
    }
    let HeaderValue(value) = value?;
    let removed = value.template.parts().is_empty();
    Some(Header {
        name: entry.key.clone(),
        place: entry.place,
        value: (!removed).then_some(value),
    })
}
