//! URLs to dial.

use serde_json::{Value as Json, json};

use super::{
    Dialled,
    template::{escaped_template, known, string, warn_of_unbraced},
};
use crate::config::read::{Context, Node, Problem, Read, Value, backticked, field};
use everwire_proto::{language::Template, settings::url};

/// A URL to dial.
#[derive(Clone, Debug)]
pub(in crate::config) struct Url(pub Dialled);

/// URLs to dial, at least one.
#[derive(Clone, Debug)]
pub(in crate::config) struct Urls(pub Vec<Dialled>);

/// The most URLs of one connection.
const MAX_URLS: usize = 64;

field! { Url <=> Template: |url| url.0.template, escaped_template }

// The first of them is the connection's `url`.
field! {
    Urls <=> Vec<Template>: |urls| urls.0.into_iter().skip(1).map(|url| url.template).collect(),
    |urls| (!urls.is_empty()).then(|| urls.iter().map(escaped_template).collect::<Vec<_>>())
}

impl Read for Url {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = string(node, context, "a URL such as \"wss://host/path\"");
        let url = text.and_then(|text| Dialled::read(text, node, context));
        if let Some(url) = &url {
            check_url(&url.template, node, context);
        }
        let is_edge = |c: char| "/?&=:@.".contains(c);
        text.inspect(|text| warn_of_unbraced(text, node, is_edge, context));
        // A wrong URL is not a missing one.
        Some(Self(url.unwrap_or_default()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["wss://example.com/feed"] })
    }
}

impl Read for Urls {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_list(node, "an array of URLs");
        };
        if items.is_empty() || items.len() > MAX_URLS {
            let message = format!("there are {} URLs", items.len());
            context.wrong(node.place, message, format!("write 1 to {MAX_URLS}"));
        }
        let urls = items.iter().filter_map(|item| Url::read(item, context));
        Some(Self(urls.map(|Url(url)| url).collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": Url::schema(), "minItems": 1, "maxItems": MAX_URLS })
    }
}

/// Checks a URL as far as it is known; one with files or expressions is checked at each dial.
fn check_url(template: &Template, node: &Node, context: &mut Context<'_>) {
    let Ok(rendered) = template.render(|_| Err(std::io::ErrorKind::NotFound.into())) else {
        return;
    };
    let Err(error) = url::parse(rendered.expose()) else {
        return;
    };
    let has_variables = known(template).any(|(variable, _)| variable.is_some());
    let problem = if has_variables {
        // The reason may quote the value.
        let written = backticked(&template.to_string());
        let message = format!("invalid WebSocket URL {written} when its variables are expanded");
        Problem::new(node.place, message)
            .help("it must read ws://host/path or wss://host/path, without credentials and without a fragment")
    } else {
        if let Some((credentials, _)) = rendered.expose().rsplit_once('@') {
            let credentials = credentials.rsplit('/').next().unwrap_or(credentials);
            let place = context.within(node.place, credentials);
            context.problems.hide(place);
        }
        Problem::new(
            node.place,
            format!("invalid WebSocket URL {}", backticked(&error.url)),
        )
        .help(error.reason)
    };
    context.problems.push(problem);
}
