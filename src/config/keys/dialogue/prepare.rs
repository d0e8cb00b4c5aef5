//! `prepare` and `[prepare.KEY]`.

use serde_json::{Value as Json, json};

use super::{CaptureLayer, CaptureNames};
use crate::{
    config::{
        read::{
            Context, Entries, Keys, Located, Node, Place, Problem, Read, Section, Value,
            backticked, table,
        },
        values::{ExpressionText, Period, TemplateText, Text, Timeout, Written, choice, is_token},
    },
    core::ConnectionName,
};
use everwire_proto::settings::dialogue::MAX_STEPS;

table! {
    /// What connections with prepare = "KEY" share: one call at a time for all of them.
    pub(in crate::config) struct PrepareTable {
        /// What is done, step by step. What is captured is secret.
        steps: PrepareSteps = [],
        /// How long what was captured is used again; "0s": each dial asks anew.
        keep: Period = "0s",
    }
}

table! {
    /// A step before a dial: a call, and what its answer decides. Either http or exec.
    #[derive(PartialEq)]
    pub(in crate::config) struct PrepareStepTable {
        /// An HTTP request, through the connection's proxy and with its authorities.
        http: HttpTable,
        /// A program and its arguments: what it writes is the answer. There is no shell, and no environment but a PATH.
        exec: Exec,
        /// What the answer must be. Without it a status of 2xx, or of a program 0.
        expect: ExpressionText,
        /// What is a refusal that may pass: dialled again from reconnect.max.
        fail: ExpressionText,
        /// What is a refusal that stays: the name fails.
        give_up: ExpressionText,
        /// How long it may take, from when its turn has come. A program gets 10s at most.
        within: Timeout = "10s",
        /// What is kept of the answer. All of it is secret, and all of it must be there.
        capture: Entries<CaptureLayer>,
        /// The captures that are forgotten when the step has passed.
        clear: CaptureNames,
        /// Whether the step is taken at all.
        condition as "if": ExpressionText,
    }
    later { rate }
}

table! {
    /// An HTTP request. Expressions in url, headers and body are filled.
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

/// What is done before each dial: steps, or the KEY of a `[prepare.KEY]`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum PrepareLayer {
    Steps(PrepareSteps),
    Key(Text),
}

/// Steps before a dial.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct PrepareSteps(pub Vec<Located<PrepareStepTable>>);

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Exec {
    pub program: Written,
    pub arguments: Vec<Written>,
}

/// Headers of a request, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct HttpHeaders(pub Vec<(String, Written)>);

/// Headers that are everwire's own, in lower case.
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

impl PrepareLayer {
    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Steps(steps) if steps.0.is_empty())
    }

    /// The URLs of its own steps, as they are written.
    pub fn urls(&self) -> impl Iterator<Item = &Written> {
        let steps = match self {
            Self::Steps(PrepareSteps(steps)) => &steps[..],
            Self::Key(_) => &[],
        };
        let https = steps.iter().filter_map(|step| step.value.http.as_ref());
        let urls = https.filter_map(|http| http.value.url.as_ref());
        urls.map(|url| &url.value.0)
    }
}

impl Read for PrepareLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Array(_) => PrepareSteps::read(node, context).map(Self::Steps),
            Value::String(_) => {
                let help =
                    "write the steps themselves: prepare = [{ http = { url = \"https://…\" } }]";
                if context.refuse_over_api(node.place, "the `prepare` of the file", help) {
                    return None;
                }
                Text::read(node, context).map(Self::Key)
            }
            _ => context.wrong_type(node, "an array of steps, or the key of a [prepare.KEY]"),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [PrepareSteps::schema(), Text::schema()] })
    }
}

impl Read for PrepareSteps {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of steps");
        };
        let steps = items.iter().filter_map(|item| {
            refuse_wrong_call(item, context);
            Located::read(item, context)
        });
        Some(Self(steps.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": PrepareStepTable::schema(), "maxItems": MAX_STEPS })
    }
}

/// A step makes one call.
fn refuse_wrong_call(step: &Node, context: &mut Context<'_>) {
    let Value::Table(entries) = &step.value else {
        return;
    };
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    if let (Some(http), Some(exec)) = (find("http"), find("exec")) {
        let problem = Problem::new(exec.place, "`http` and `exec` exclude each other")
            .related(http.place, "http is here")
            .help("write two steps");
        context.problems.push(problem);
    }
    // What is misspelt has been told.
    let known = [PrepareStepTable::NAMES, PrepareStepTable::LATER].concat();
    let all_known = entries.iter().all(|entry| known.contains(&&*entry.key));
    if all_known && find("http").is_none() && find("exec").is_none() {
        let problem = Problem::absence(step.place, "the step has neither `http` nor `exec`")
            .help("write what is called: http = { url = \"https://…\" }, or exec = [\"program\"]");
        context.problems.push(problem);
    }
}

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

/// Why a header cannot have this name.
fn refusal(name: &str, comes_twice: bool) -> Option<(String, &'static str)> {
    let quoted = backticked(name);
    if !is_token(name) {
        let help = "it is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.6.2)";
        return Some((format!("{quoted} is no name of a header"), help));
    }
    if OWNED.contains(&&*name.to_ascii_lowercase()) {
        let help = "it follows from the URL and the body";
        return Some((format!("the header {quoted} is everwire's own"), help));
    }
    let message = format!("the header {quoted} comes twice");
    comes_twice.then_some((message, "the case of a header's name does not matter"))
}

impl PrepareTable {
    /// Where its steps stand, if there are any.
    pub fn steps(&self) -> &[Located<PrepareStepTable>] {
        self.steps.as_ref().map_or(&[], |steps| &steps.value.0)
    }
}

impl PrepareStepTable {
    /// Where it stands that an HTTP request has a body and a method without one.
    pub fn body_of_get(&self) -> Option<Place> {
        self.http.as_ref()?.value.body_of_get()
    }
}

impl HttpTable {
    /// Where its body stands, if its method has none.
    pub fn body_of_get(&self) -> Option<Place> {
        let method = self.method.as_ref().map(|method| method.value);
        let body = self.body.as_ref()?;
        (method.unwrap_or_default() == HttpMethod::Get).then_some(body.place)
    }
}

impl Section for PrepareTable {
    const SECTION: &'static str = "prepare";
    const WHAT: &'static str = "prepare";
    const KEYS: &'static [&'static [&'static str]] = &[Self::NAMES, Self::LATER];

    fn name(name: &str) -> Result<String, String> {
        let name = ConnectionName::new(name).map_err(|error| error.to_string())?;
        Ok(name.as_str().to_owned())
    }
}
