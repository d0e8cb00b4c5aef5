//! Settings as they can be shown to anyone who may read the status.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value as Json, json};

use super::{
    units::{format_duration, format_size},
    values::Choice,
};
use everwire_proto::{
    language::{Part, Template},
    settings::{
        Backoff, Compression, ConnectionSettings, Heartbeat, Opening, Proxy, RateSettings,
        Reconnect, SequenceSettings, TlsSettings,
    },
};

/// The settings under the keys and in the notation of the TOML file, those included that have their default.
///
/// Variables are shown by name, and header values and passwords as `***` around them. The URL and the messages of
/// `on_open` are shown as they were written.
///
/// ```
/// use everwire::{ConnectionSettings, config};
///
/// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
/// settings.headers.push(("Authorization".into(), "Bearer abc".into()));
/// let masked = config::masked(&settings);
/// assert_eq!(masked["headers"]["Authorization"], "***");
/// assert_eq!(masked["connect_timeout"], "10s");
/// # Ok::<(), everwire::config::InvalidUrl>(())
/// ```
pub fn masked(settings: &ConnectionSettings) -> Json {
    let mut keys = json!({
        "tags": settings.tags.iter().map(|tag| plain(tag)).collect::<Vec<_>>(),
        "enabled": settings.enabled,
        "required": settings.required,
        "sessions_only": settings.sessions_only,
        "headers": masked_headers(settings),
        "subprotocols": settings.subprotocols.iter().map(|one| escaped(one.template())).collect::<Vec<_>>(),
        "proxy": match &settings.proxy {
            None => json!("none"),
            Some(Proxy::Environment(_)) => json!("env"),
            Some(Proxy::Url(url)) => json!(url.to_string()),
        },
        "on_open": settings.on_open.iter().map(opening).collect::<Vec<_>>(),
        "connect_timeout": format_duration(settings.connect_timeout),
        "close_timeout": format_duration(settings.close_timeout),
        "idle_timeout": format_duration(settings.idle_timeout.unwrap_or_default()),
        "close_code": settings.close_code,
        "max_message": format_size(settings.max_message as u64),
        "max_frame": format_size(settings.max_frame as u64),
        "compression": compression(settings.compression),
        "heartbeat": heartbeat(&settings.heartbeat),
        "reconnect": reconnect(&settings.reconnect),
        "outbox": {
            "messages": settings.outbox.messages,
            "bytes": format_size(settings.outbox.bytes as u64),
            "when_full": settings.outbox.when_full.word(),
            "ttl": format_duration(settings.outbox.ttl.unwrap_or_default()),
            "durable": settings.outbox.durable,
            "fsync": settings.outbox.fsync.word(),
            "resend": settings.outbox.resend.word(),
            "in_flight": settings.outbox.in_flight.map_or(0, |limit| limit.get()),
        },
        "history": {
            "messages": settings.history.messages,
            "bytes": format_size(settings.history.bytes as u64),
            "durable": settings.history.durable,
        },
        "rate": rate(settings.rate.as_ref()),
        "rotate_after": format_duration(settings.rotate_after.unwrap_or_default()),
        "sequence": sequence(settings.sequence.as_ref()),
    });
    match settings.failover_urls.is_empty() {
        true => keys["url"] = json!(escaped(&settings.url)),
        false => keys["urls"] = settings.urls().map(escaped).collect(),
    }
    // What has no default is shown only when it is set.
    if let Some(group) = &settings.group {
        keys["group"] = json!(plain(group));
    }
    if let Some(auth) = &settings.basic_auth {
        keys["basic_auth"] = json!({
            "user": escaped(&auth.user),
            "password": auth.password.to_string(),
            "encoding": auth.encoding.word(),
        });
    }
    if let Some(address) = settings.source_address {
        keys["source_address"] = json!(address);
    }
    keys["tls"] = tls(&settings.tls);
    keys
}

fn masked_headers(settings: &ConnectionSettings) -> Map<String, Json> {
    let headers = settings.headers.iter();
    headers
        .map(|(name, value)| (name.clone(), value.to_string().into()))
        .collect()
}

/// A template as it is written in a file.
fn escaped(template: &Template) -> String {
    let write = |part: &Part| match part {
        Part::Literal(text) => plain(text),
        part => Template::from_parts([part.clone()]).to_string(),
    };
    template.parts().iter().map(write).collect()
}

/// A text in which nothing is expanded, as it is written in a file.
fn plain(text: &str) -> String {
    text.replace("${", "$${")
}

fn opening(opening: &Opening) -> Json {
    match opening {
        Opening::Text(template) => json!({ "text": escaped(template) }),
        Opening::Binary(bytes) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
    }
}

fn tls(tls: &TlsSettings) -> Json {
    let mut keys = json!({ "insecure": tls.insecure });
    let files = [
        ("ca_file", &tls.ca_file),
        ("cert_file", &tls.cert_file),
        ("key_file", &tls.key_file),
    ];
    for (key, path) in files {
        if let Some(path) = path {
            keys[key] = json!(plain(&path.to_string_lossy()));
        }
    }
    if let Some(name) = &tls.server_name {
        keys["server_name"] = json!(plain(name));
    }
    keys
}

fn heartbeat(heartbeat: &Heartbeat) -> Json {
    match heartbeat {
        Heartbeat::Off => json!("none"),
        Heartbeat::Protocol { interval, timeout } => json!({
            "kind": "protocol",
            "interval": format_duration(*interval),
            "timeout": format_duration(*timeout),
        }),
        Heartbeat::Text {
            interval,
            timeout,
            ping,
            pong,
            fence,
            deliver,
        } => json!({
            "kind": "text",
            "interval": format_duration(*interval),
            "timeout": format_duration(*timeout),
            "ping": plain(ping),
            "pong": plain(pong),
            "fence": fence,
            "deliver": deliver,
        }),
    }
}

fn rate(rate: Option<&RateSettings>) -> Json {
    let Some(rate) = rate else {
        return json!("unlimited");
    };
    match &rate.bucket {
        Some(key) => json!(plain(key)),
        None => json!({
            "messages": rate.messages,
            "per": format_duration(rate.per),
            "burst": rate.burst,
            "control": rate.control,
        }),
    }
}

fn sequence(sequence: Option<&SequenceSettings>) -> Json {
    match sequence {
        None => json!("none"),
        Some(SequenceSettings { json, by }) => json!({
            "json": plain(&json.to_string()),
            "by": plain(&by.as_ref().map(ToString::to_string).unwrap_or_default()),
        }),
    }
}

fn compression(compression: Option<Compression>) -> Json {
    let Some(compression) = compression else {
        return json!(false);
    };
    let Compression {
        client_max_window_bits,
        server_max_window_bits,
        client_no_context_takeover,
        server_no_context_takeover,
        level,
        min_size,
    } = compression;
    json!({
        "client_max_window_bits": client_max_window_bits,
        "server_max_window_bits": server_max_window_bits,
        "client_no_context_takeover": client_no_context_takeover,
        "server_no_context_takeover": server_no_context_takeover,
        "level": level.get(),
        "min_size": format_size(min_size as u64),
    })
}

fn reconnect(reconnect: &Reconnect) -> Json {
    let Reconnect::Backoff(backoff) = reconnect else {
        return json!("never");
    };
    let Backoff {
        min,
        initial,
        max,
        factor,
        jitter,
        stable_after,
        max_attempts,
        give_up_on,
    } = backoff;
    json!({
        "min": format_duration(*min),
        "initial": format_duration(*initial),
        "max": format_duration(*max),
        "factor": factor,
        "jitter": jitter.word(),
        "stable_after": format_duration(*stable_after),
        "max_attempts": max_attempts.map_or(0, |limit| limit.get()),
        "give_up_on": give_up_on.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
