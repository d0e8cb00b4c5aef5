//! From a connection's merged keys to its settings, with the checks that concern more than one key.

use super::{
    keys::{BasicAuthTable, Buckets, ConnectionTable, HeartbeatLayer, Kind, OnOpen, TlsTable},
    order::check_order,
    read::{Context, Located, Place, Problem},
    units::format_size,
};
use everwire_proto::{
    language::{Part, Template},
    settings::{
        AuthEncoding, BasicAuth, ConnectionSettings, Heartbeat, Opening, Proxy, Subprotocol,
        TlsSettings,
    },
};

/// The settings of a connection whose name stands at `place`; what is wrong has been told.
pub(super) fn finish(
    table: ConnectionTable,
    place: Place,
    buckets: &Buckets,
    context: &mut Context<'_>,
) -> ConnectionSettings {
    check_order(&table, true, context);
    check_authorization(&table, context);
    check_fence(&table, context);
    check_sessions_only(&table, context);
    let urls = urls(&table, place, context);
    check_proxy(&table, &urls, context);
    let mut urls = urls.into_iter();
    let defaults = ConnectionSettings::with_url(urls.next().unwrap_or_default());
    let max_message = table
        .max_message
        .map_or(defaults.max_message, |size| size.value.0);
    let headers = table
        .headers
        .map(|headers| headers.value.0)
        .unwrap_or_default();
    let headers = headers
        .into_iter()
        .filter_map(|header| Some((header.name, header.value?.into())));
    ConnectionSettings {
        failover_urls: urls.collect(),
        group: table.group.map(|group| group.value.0),
        tags: table.tags.map(|tags| tags.value.0).unwrap_or_default(),
        enabled: table
            .enabled
            .map_or(defaults.enabled, |enabled| enabled.value),
        required: table.required.is_some_and(|required| required.value),
        sessions_only: table.sessions_only.is_some_and(|only| only.value),
        headers: headers.collect(),
        basic_auth: table.basic_auth.map(|auth| basic_auth(auth, context)),
        subprotocols: table
            .subprotocols
            .map(|list| list.value.0.into_iter().map(Subprotocol::from).collect())
            .unwrap_or_default(),
        source_address: table.source_address.map(|address| address.value),
        proxy: table.proxy.and_then(|proxy| proxy.value.0),
        on_open: table
            .on_open
            .map(|list| on_open(list.value, max_message, context))
            .unwrap_or_default(),
        connect_timeout: table
            .connect_timeout
            .map_or(defaults.connect_timeout, |timeout| timeout.value.0),
        close_timeout: table
            .close_timeout
            .map_or(defaults.close_timeout, |timeout| timeout.value.0),
        idle_timeout: table
            .idle_timeout
            .and_then(|timeout| timeout.value.unless_off()),
        close_code: table
            .close_code
            .map_or(defaults.close_code, |code| code.value.0),
        max_message,
        max_frame: table
            .max_frame
            .map_or(defaults.max_frame, |size| size.value.0),
        compression: table.compression.and_then(|layer| layer.value.settings()),
        heartbeat: table
            .heartbeat
            .map(|layer| heartbeat(layer.value, context))
            .unwrap_or_default(),
        reconnect: table
            .reconnect
            .map(|layer| layer.value.settings())
            .unwrap_or_default(),
        outbox: table
            .outbox
            .map(|outbox| outbox.value.settings())
            .unwrap_or_default(),
        history: table
            .history
            .map(|history| history.value.settings())
            .unwrap_or_default(),
        rate: table
            .rate
            .and_then(|rate| rate.value.settings(rate.place, buckets, context)),
        rotate_after: table
            .rotate_after
            .and_then(|rotation| rotation.value.unless_off()),
        sequence: table
            .sequence
            .and_then(|sequence| sequence.value.settings(sequence.place, context)),
        tls: table
            .tls
            .map(|tls| tls_settings(tls.value, context))
            .unwrap_or_default(),
        ..defaults
    }
}

/// The URLs of `url` or `urls`, of which there must be one.
fn urls(table: &ConnectionTable, place: Place, context: &mut Context<'_>) -> Vec<Template> {
    match (&table.url, &table.urls) {
        (None, None) => {
            let problem = Problem::absence(place, "the connection has no url")
                .help("write url = \"wss://host/path\", here or in what it inherits");
            context.problems.push(problem);
            Vec::new()
        }
        (Some(url), None) => vec![url.value.0.clone()],
        (None, Some(urls)) => urls.value.0.clone(),
        (Some(url), Some(urls)) => {
            let problem = Problem::new(urls.place, "`url` and `urls` exclude each other")
                .related(url.place, "url is here")
                .help("write all of them into urls, in the order of preference");
            context.problems.push(problem);
            Vec::new()
        }
    }
}

/// What the environment names as a proxy for these URLs must be one. What it names for others is no matter.
fn check_proxy(table: &ConnectionTable, urls: &[Template], context: &mut Context<'_>) {
    let Some(setting) = &table.proxy else {
        return;
    };
    let Some(Proxy::Environment(proxies)) = &setting.value.0 else {
        return;
    };
    for url in urls {
        let Ok(url) = url.render(|_| Err(std::io::ErrorKind::NotFound.into())) else {
            // A scheme that comes from a file is known at each dial.
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

/// `basic_auth` writes the header `Authorization`.
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

/// What is durable belongs to a socket of the connection's own.
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
            let reason = "`durable = true` keeps messages of the connection's own socket, and `sessions_only` is for one that has none";
            let problem = Problem::new(durable.place, reason)
                .related(only.place, "sessions_only is here")
                .help("write durable = false here, or leave sessions_only out");
            context.problems.push(problem);
        }
    }
}

/// What keeps messages until they are confirmed needs a heartbeat that confirms.
fn check_fence(table: &ConnectionTable, context: &mut Context<'_>) {
    let Some(outbox) = &table.outbox else {
        return;
    };
    // Without a kind it is the protocol's.
    let heartbeat = table.heartbeat.as_ref().map(|heartbeat| &heartbeat.value);
    let Some(kind) = heartbeat.and_then(|heartbeat| heartbeat.0.kind.as_ref()) else {
        return;
    };
    if heartbeat.is_some_and(|heartbeat| !heartbeat.can_fence()) {
        outbox.value.refuse_unconfirmed(kind.place, context);
    }
}

fn basic_auth(auth: Located<BasicAuthTable>, context: &mut Context<'_>) -> BasicAuth {
    let Located {
        value: table,
        place,
    } = auth;
    for (key, missing) in [
        ("user", table.user.is_none()),
        ("password", table.password.is_none()),
    ] {
        if missing {
            let problem = Problem::absence(place, format!("`basic_auth` has no {key}"))
                .help("write basic_auth = { user = \"…\", password = \"…\" }");
            context.problems.push(problem);
        }
    }
    let encoding = table
        .encoding
        .map(|encoding| encoding.value)
        .unwrap_or_default();
    let user = table.user.map(|user| (user.value.0, user.place));
    let password = table
        .password
        .map(|password| (password.value.0, password.place));
    for (template, place) in user.iter().chain(&password) {
        if encoding == AuthEncoding::Latin1 && !is_latin1(template) {
            let problem = Problem::new(*place, "a character of it is not in ISO 8859-1")
                .help("write encoding = \"utf8\", if the server takes it");
            context.problems.push(problem);
        }
    }
    BasicAuth {
        user: user.map(|(template, _)| template).unwrap_or_default(),
        password: password
            .map(|(template, _)| template.into())
            .unwrap_or_default(),
        encoding,
    }
}

fn is_latin1(template: &Template) -> bool {
    template.parts().iter().all(|part| match part {
        Part::Literal(text) => text.chars().all(|c| u32::from(c) < 256),
        Part::Env { value, .. } => value.expose().chars().all(|c| u32::from(c) < 256),
        Part::File(_) | Part::Stored(_) => true,
    })
}

fn on_open(list: OnOpen, max_message: usize, context: &mut Context<'_>) -> Vec<Opening> {
    let mut messages = Vec::with_capacity(list.0.len());
    for message in list.0 {
        let opening = message.value.0;
        let size: usize = match &opening {
            Opening::Binary(bytes) => bytes.len(),
            Opening::Text(template) => template.parts().iter().map(known_size).sum(),
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
        messages.push(opening);
    }
    messages
}

fn known_size(part: &Part) -> usize {
    match part {
        Part::Literal(text) => text.len(),
        Part::Env { value, .. } => value.expose().len(),
        Part::File(_) | Part::Stored(_) => 0,
    }
}

fn heartbeat(layer: HeartbeatLayer, context: &mut Context<'_>) -> Heartbeat {
    layer.refuse_other_kinds(context);
    let table = layer.0;
    let kind = table.kind.map_or(Kind::Protocol, |kind| kind.value);
    let interval = table
        .interval
        .map_or(Heartbeat::DEFAULT_INTERVAL, |interval| interval.value.0);
    let timeout = table
        .timeout
        .map_or(Heartbeat::DEFAULT_TIMEOUT, |timeout| timeout.value.0);
    match kind {
        Kind::None => Heartbeat::Off,
        Kind::Protocol => Heartbeat::Protocol { interval, timeout },
        Kind::Text => Heartbeat::Text {
            interval,
            timeout,
            ping: table
                .ping
                .map_or_else(|| "ping".into(), |ping| ping.value.0),
            pong: table
                .pong
                .map_or_else(|| "pong".into(), |pong| pong.value.0),
            fence: table.fence.is_some_and(|fence| fence.value),
            deliver: table.deliver.is_some_and(|deliver| deliver.value),
        },
    }
}

fn tls_settings(table: TlsTable, context: &mut Context<'_>) -> TlsSettings {
    for (key, written, other, missing) in [
        (
            "cert_file",
            &table.cert_file,
            "key_file",
            table.key_file.is_none(),
        ),
        (
            "key_file",
            &table.key_file,
            "cert_file",
            table.cert_file.is_none(),
        ),
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
    TlsSettings {
        ca_file: table.ca_file.map(|path| path.value.0),
        cert_file: table.cert_file.map(|path| path.value.0),
        key_file: table.key_file.map(|path| path.value.0),
        server_name: table.server_name.map(|name| name.value.0),
        insecure: table.insecure.is_some_and(|insecure| insecure.value),
    }
}
