//! From a connection's merged keys to its settings, with the checks across keys.

use super::{
    dialogue::Dialogues,
    keys::{ConnectionTable, OpenMessage, SCRIPT, URLS, check_tls_files},
    order::check_order,
    read::{Context, IntoSettings, Located, Place, Problem},
    units::format_size,
    values::FilePath,
};
use everwire_proto::{
    language::{MessageTemplate, Part, Template},
    settings::{ConnectionSettings, Opening, Proxy, dialogue::DialTemplates},
};

/// The settings of a connection whose name is at `place`. Errors are reported.
pub(super) fn finish(
    mut table: ConnectionTable,
    place: Place,
    dialogues: &mut Dialogues,
    context: &mut Context<'_>,
) -> ConnectionSettings {
    check_order(&table, true, context);
    check_authorization(&table, context);
    check_fence(&table, context);
    check_sessions_only(&table, context);
    let urls = urls(&table, place, context);
    check_proxy(&table, &urls, context);
    let first = urls.into_iter().next().unwrap_or_default();
    let defaults = ConnectionSettings::with_url(first);
    check_openings(&table, &defaults, context);
    if let Some(Located { value: tls, .. }) = &table.tls {
        check_client_certificate(&tls.cert_file, &tls.key_file, context);
        check_tls_files(&tls.files(), context);
    }
    check_script(&table, context);
    let dialogue = dialogues.of(&table, context);
    if is_script(&table) {
        table.on_open = None;
    }
    let mut settings = table.over(defaults, context);
    if let Some(dialogue) = &dialogue {
        put_holes(&dialogue.dial, &mut settings);
    }
    settings.dialogue = dialogue;
    settings
}

/// Puts holes for expressions into the texts of a dial.
fn put_holes(templates: &DialTemplates, settings: &mut ConnectionSettings) {
    fn put<T: From<Template>>(templates: &[Option<MessageTemplate>], texts: &mut [T]) {
        for (template, text) in templates.iter().zip(texts) {
            if let Some(template) = template {
                *text = template.unfilled().into();
            }
        }
    }
    let (first, others) = templates.urls.split_at(templates.urls.len().min(1));
    put(first, std::slice::from_mut(&mut settings.url));
    put(others, &mut settings.failover_urls);
    for (template, (_, value)) in templates.headers.iter().zip(&mut settings.headers) {
        put(std::slice::from_ref(template), std::slice::from_mut(value));
    }
    put(&templates.subprotocols, &mut settings.subprotocols);
    if let Some(auth) = &mut settings.basic_auth {
        let user = std::slice::from_ref(&templates.user);
        put(user, std::slice::from_mut(&mut auth.user));
        let password = std::slice::from_ref(&templates.password);
        put(password, std::slice::from_mut(&mut auth.password));
    }
}

/// Whether `on_open` is the short form of a script.
fn is_script(table: &ConnectionTable) -> bool {
    let on_open = table.on_open.as_ref();
    on_open.is_some_and(|list| list.value.is_script())
}

/// `on_open` is the short form of `open_script`, so both together are an error.
fn check_script(table: &ConnectionTable, context: &mut Context<'_>) {
    let on_open = table.on_open.as_ref();
    let script = table.open_script.as_ref();
    let on_open = on_open.filter(|list| !list.value.0.is_empty());
    let script = script.filter(|script| !script.value.0.is_empty());
    if let (Some(on_open), Some(script)) = (on_open, script) {
        let message = "`on_open` and `open_script` exclude each other";
        let problem = Problem::new(script.place, message)
            .related(on_open.place, "on_open is here")
            .help(SCRIPT);
        context.problems.push(problem);
    }
}

/// The URLs of `url` or `urls`; there must be one.
fn urls(table: &ConnectionTable, place: Place, context: &mut Context<'_>) -> Vec<Template> {
    match (&table.url, &table.urls) {
        (None, None) => {
            let problem = Problem::absence(place, "the connection has no url")
                .help("write url = \"wss://host/path\", here or in what it inherits");
            context.problems.push(problem);
            Vec::new()
        }
        (Some(url), None) => vec![url.value.0.template.clone()],
        (None, Some(urls)) => {
            let urls = urls.value.0.iter();
            urls.map(|url| url.template.clone()).collect()
        }
        (Some(url), Some(urls)) => {
            let problem = Problem::new(urls.place, "`url` and `urls` exclude each other")
                .related(url.place, "url is here")
                .help(URLS);
            context.problems.push(problem);
            Vec::new()
        }
    }
}

/// The environment must name a valid proxy for these URLs. Variables for other URLs do not matter.
fn check_proxy(table: &ConnectionTable, urls: &[Template], context: &mut Context<'_>) {
    let Some(setting) = &table.proxy else {
        return;
    };
    let Some(Proxy::Environment(proxies)) = &setting.value.0 else {
        return;
    };
    for url in urls {
        let Ok(url) = url.render(|_| Err(std::io::ErrorKind::NotFound.into())) else {
            // A scheme that comes from a file is known only at the dial.
            continue;
        };
        let is_tls = url
            .expose()
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("wss");
        if let Err(error) = proxies.check(is_tls) {
            let problem = Problem::new(setting.place, error.to_string())
                .help("set it to http://host:port or socks5://host:port, or unset it");
            context.problems.push(problem);
        }
    }
}

/// `basic_auth` sets the header `Authorization`.
fn check_authorization(table: &ConnectionTable, context: &mut Context<'_>) {
    let (Some(auth), Some(headers)) = (&table.basic_auth, &table.headers) else {
        return;
    };
    let written =
        headers.value.0.iter().find(|header| {
            header.value.is_some() && header.name.eq_ignore_ascii_case("authorization")
        });
    if let Some(header) = written {
        let problem = Problem::new(
            header.place,
            "the header `Authorization` and `basic_auth` exclude each other",
        )
        .related(auth.place, "basic_auth is here")
        .help("remove one of them");
        context.problems.push(problem);
    }
}

/// Durable messages need a socket of the connection's own.
fn check_sessions_only(table: &ConnectionTable, context: &mut Context<'_>) {
    let only = table.sessions_only.as_ref().filter(|only| only.value);
    let Some(only) = only else {
        return;
    };
    let outbox = table.outbox.as_ref();
    let outbox = outbox.and_then(|outbox| outbox.value.durable.as_ref());
    let history = table.history.as_ref();
    let history = history.and_then(|history| history.value.durable.as_ref());
    for durable in outbox.into_iter().chain(history) {
        if durable.value {
            let reason = "`durable = true` needs a connection with a socket of its own, but `sessions_only` is set";
            let problem = Problem::new(durable.place, reason)
                .related(only.place, "sessions_only is here")
                .help("write durable = false here, or leave sessions_only out");
            context.problems.push(problem);
        }
    }
}

/// Messages that are kept until they are confirmed need a heartbeat that confirms.
fn check_fence(table: &ConnectionTable, context: &mut Context<'_>) {
    let Some(outbox) = &table.outbox else {
        return;
    };
    // The default kind is `protocol`.
    let heartbeat = table.heartbeat.as_ref().map(|heartbeat| &heartbeat.value);
    let Some(kind) = heartbeat.and_then(|heartbeat| heartbeat.0.kind.as_ref()) else {
        return;
    };
    if heartbeat.is_some_and(|heartbeat| !heartbeat.can_fence()) {
        outbox.value.refuse_unconfirmed(kind.place, context);
    }
}

/// Opening messages are limited like others.
fn check_openings(
    table: &ConnectionTable,
    defaults: &ConnectionSettings,
    context: &mut Context<'_>,
) {
    let max_message = table.max_message.as_ref();
    let max_message = max_message.map_or(defaults.max_message, |size| size.value.0);
    for message in table.on_open.iter().flat_map(|list| &list.value.0) {
        let size: usize = match &message.value {
            OpenMessage::Plain(Opening::Binary(bytes), _) => bytes.len(),
            OpenMessage::Plain(Opening::Text(template), _) => {
                template.parts().iter().map(known_size).sum()
            }
            // It is checked as a step.
            OpenMessage::Template(_) => continue,
        };
        if size > max_message {
            let limit = format_size(max_message as u64);
            let problem = Problem::new(
                message.place,
                format!("the message is longer than max_message ({limit})"),
            )
            .help("shorten it, or write a larger max_message");
            context.problems.push(problem);
        }
    }
}

fn known_size(part: &Part) -> usize {
    match part {
        Part::Literal(text) => text.len(),
        Part::Env { value, .. } => value.expose().len(),
        Part::File(_) | Part::Stored(_) | Part::Hole(_) => 0,
    }
}

/// A client certificate needs a key.
pub(super) fn check_client_certificate(
    cert_file: &Option<Located<FilePath>>,
    key_file: &Option<Located<FilePath>>,
    context: &mut Context<'_>,
) {
    for (key, written, other, missing) in [
        ("cert_file", cert_file, "key_file", key_file.is_none()),
        ("key_file", key_file, "cert_file", cert_file.is_none()),
    ] {
        if let Some(written) = written
            && missing
        {
            let problem = Problem::new(written.place, format!("`{key}` has no `{other}`")).help(
                format!("write {other} too: a client certificate and its key belong together"),
            );
            context.problems.push(problem);
        }
    }
}
