//! `http` and `exec`: the call of a step.

use serde_json::{Value as Json, json};

use crate::config::{
    read::{Context, Entry, Node, Place, Problem, Read, Value, backticked, table},
    values::{TemplateText, Written, choice, is_token},
};

table! {
    /// An HTTP request. Expressions in url, headers and body are expanded.
    #[derive(PartialEq)]
    pub(in crate::config) struct HttpTable {
        /// The method: "GET", "POST", "PUT", "PATCH", "DELETE".
        method: HttpMethod = "GET",
        /// `http://host/path` or `https://host/path`.
        url: TemplateText,
        /// Its headers.
        headers: HttpHeaders = {},
        /// Its body.
        body: TemplateText,
    }
}

/// A method of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::config) enum HttpMethod {
    #[default]
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

choice! {
    HttpMethod { "GET" => Get, "POST" => Post, "PUT" => Put, "PATCH" => Patch, "DELETE" => Delete }
}

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Exec {
    pub program: Written,
    pub arguments: Vec<Written>,
}

/// Headers of a request, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct HttpHeaders(pub Vec<(String, Written)>);

/// Headers that everwire sets itself, in lower case.
const OWNED: [&str; 8] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Read for Exec {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(
                node,
                "a program and its arguments: [\"program\", \"argument\"]",
            );
        };
        let help = "the configuration's file may say it, or write http = { url = \"https://…\" }";
        if context.refuse_over_api(node.place, "`exec`", help) {
            return None;
        }
        let mut texts = Vec::new();
        for item in items {
            texts.push(TemplateText::read(item, context)?.0);
        }
        let mut texts = texts.into_iter();
        let Some(program) = texts.next().filter(|program| !program.text.is_empty()) else {
            let help = "write exec = [\"program\", \"argument\"]";
            context.wrong(node.place, "`exec` names no program", help);
            return None;
        };
        Some(Self {
            program,
            arguments: texts.collect(),
        })
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 })
    }
}

impl Read for HttpHeaders {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_secret(node, "a table of headers");
        };
        let mut headers: Vec<(String, Written)> = Vec::new();
        for entry in entries {
            context.problems.hide(entry.node.place);
            let Value::String(text) = &entry.node.value else {
                let _none: Option<()> =
                    context.wrong_secret(&entry.node, "a header's value, as a string");
                continue;
            };
            let same = |(known, _): &(String, Written)| known.eq_ignore_ascii_case(&entry.key);
            match refusal(&entry.key, headers.iter().any(same)) {
                Some((message, help)) => context.wrong(entry.place, message, help),
                None => headers.push((
                    entry.key.clone(),
                    Written {
                        text: text.clone(),
                        place: entry.node.place,
                    },
                )),
            }
        }
        Some(Self(headers))
    }

    fn schema() -> Json {
        json!({
            "type": "object",
            "propertyNames": { "pattern": r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" },
            "additionalProperties": { "type": "string" },
        })
    }
}

/// The reason why a header cannot have this name.
fn refusal(name: &str, comes_twice: bool) -> Option<(String, &'static str)> {
    let quoted = backticked(name);
    if !is_token(name) {
        let help = "it is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.6.2)";
        return Some((format!("invalid header name {quoted}"), help));
    }
    if OWNED.contains(&&*name.to_ascii_lowercase()) {
        let help = "it follows from the URL and the body";
        return Some((format!("everwire itself sets the header {quoted}"), help));
    }
    let message = format!("the header {quoted} comes twice");
    comes_twice.then_some((message, "the case of a header's name does not matter"))
}

impl HttpTable {
    /// The place of a body that its method does not allow.
    pub fn body_of_get(&self) -> Option<Place> {
        let method = self.method.as_ref().map(|method| method.value);
        let body = self.body.as_ref()?;
        (method.unwrap_or_default() == HttpMethod::Get).then_some(body.place)
    }

    /// Its URL, as it is written.
    pub fn written_url(&self) -> Option<&Written> {
        self.url.as_ref().map(|url| &url.value.0)
    }
}

/// Reports a step that has both of these keys.
pub(super) fn refuse_both(entries: &[Entry], keys: [&str; 2], context: &mut Context<'_>) {
    let [first, second] = keys.map(|key| entries.iter().find(|entry| entry.key == key));
    if let (Some(first), Some(second)) = (first, second) {
        let message = format!("`{}` and `{}` exclude each other", first.key, second.key);
        let problem = Problem::new(second.place, message)
            .related(first.place, format!("{} is here", first.key))
            .help("write two steps");
        context.problems.push(problem);
    }
}
