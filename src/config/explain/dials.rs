//! Explains where a connection dials, and with what.

use super::{Line, words};
use crate::config::{units::format_duration, values::escaped_template};
use everwire_proto::settings::{AuthEncoding, ConnectionSettings, Proxy};

pub(super) fn lines(settings: &ConnectionSettings) -> Vec<Line> {
    words::lines(told(settings))
}

fn told(settings: &ConnectionSettings) -> Vec<String> {
    let mut told = vec![escaped_template(&settings.url)];
    let others = settings.failover_urls.iter().map(escaped_template);
    told.extend(others.map(|url| format!("if that fails: {url}")));
    match (settings.enabled, settings.sessions_only) {
        (_, true) => told.push("for sessions alone: it keeps no socket of its own".into()),
        (false, false) => told.push("only when it is asked to: enabled is false".into()),
        (true, false) => {}
    }
    match &settings.proxy {
        Some(Proxy::Url(url)) => told.push(format!("through the proxy {url}")),
        Some(Proxy::Environment(_)) => {
            told.push("through the proxy that the environment names for it".into());
        }
        None => {}
    }
    if let Some(address) = settings.source_address {
        told.push(format!("from the local address {address}"));
    }
    let headers = settings.headers.iter();
    let mut headers: Vec<&str> = headers.map(|(name, _)| &**name).collect();
    if let Some(auth) = &settings.basic_auth {
        headers.push(match auth.encoding {
            AuthEncoding::Utf8 => "Authorization (basic)",
            AuthEncoding::Latin1 => "Authorization (basic, latin1)",
        });
    }
    if !headers.is_empty() {
        told.push(format!("with the headers {}", headers.join(", ")));
    }
    if !settings.subprotocols.is_empty() {
        let offered = settings.subprotocols.iter().map(ToString::to_string);
        let offered: Vec<String> = offered.collect();
        told.push(format!(
            "offers the subprotocols {}, and needs one of them",
            offered.join(", ")
        ));
    }
    if settings.compression.is_some() {
        told.push("offers permessage-deflate".into());
    }
    told.extend(tls(settings));
    told.push(format!(
        "gives up a dial after {}",
        format_duration(settings.connect_timeout)
    ));
    told
}

fn tls(settings: &ConnectionSettings) -> Vec<String> {
    let tls = &settings.tls;
    let mut told = Vec::new();
    if let Some(ca) = &tls.ca_file {
        told.push(format!("trusts the authorities in {}", ca.display()));
    }
    if let Some(cert) = &tls.cert_file {
        told.push(format!("shows the certificate in {}", cert.display()));
    }
    if let Some(name) = &tls.server_name {
        told.push(format!("asks TLS for {name}"));
    }
    told
}
