//! From the keys of `[service]` to its settings.

use super::{
    keys::{LogTable, ServiceTable},
    read::{Context, Place, Problem},
};
use crate::settings::{LogSettings, ServiceSettings};
use everwire_proto::settings::HostSettings;

/// The settings of `[service]`: what is not written keeps its default.
pub(super) fn service_settings(table: ServiceTable, context: &mut Context<'_>) -> ServiceSettings {
    let mut service = ServiceSettings::default();
    // The default is a relative path too, and starts where one that is written would.
    let first_file = Place::new(0, 0..0);
    service.state_dir = context.resolve(first_file, &service.state_dir.to_string_lossy());
    let exposed = exposed_addresses(&table);
    if let Some(listen) = table.listen {
        service.listen = listen.value.0;
    }
    if let Some(workers) = table.workers {
        service.workers = workers.value.0;
    }
    if let Some(folder) = table.state_dir {
        service.state_dir = folder.value.0;
    }
    if let Some(watch) = table.watch {
        service.watch = watch.value;
    }
    if let Some(timeout) = table.drain_timeout {
        service.drain_timeout = timeout.value.0;
    }
    if let Some(count) = table.max_handshakes {
        service.max_handshakes = count.value.0;
    }
    if let Some(rate) = table.dial_rate {
        service.dial_rate = rate.value;
    }
    if let Some(memory) = table.memory {
        service.memory = memory.value.0;
    }
    for host in table.hosts.into_iter().flat_map(|hosts| hosts.value.0) {
        let mut settings = HostSettings::default();
        if let Some(rate) = host.value.dial_rate {
            settings.dial_rate = rate.value;
        }
        if let Some(count) = host.value.max_handshakes {
            settings.max_handshakes = count.value.0;
        }
        service.hosts.insert(host.name, settings);
    }
    if let Some(log) = table.log {
        service.log = log_settings(log.value);
    }
    let has_tokens = table.tokens.is_some();
    if let Some(tokens) = table.tokens {
        service.tokens = tokens.value.settings(context);
    }
    if let Some(tls) = table.tls {
        service.tls = tls.value.settings(tls.place, context);
    }
    if let Some(url) = table.public_url {
        service.public_url = url.value.0;
    }
    if let Some(patterns) = table.allow_urls {
        service.allow_urls = patterns.value.0;
    }
    if let Some(limits) = table.api_limits {
        service.api_limits = limits.value.settings();
    }
    let needs_token = table
        .metrics
        .as_ref()
        .and_then(|metrics| metrics.value.token.as_ref())
        .filter(|token| token.value)
        .map(|token| token.place);
    if let Some(metrics) = table.metrics {
        service.metrics = metrics.value.settings();
    }
    if let Some(place) = needs_token.filter(|_| !has_tokens) {
        let help = "write [[service.tokens]] with a name and a secret";
        context.wrong(place, "metrics need a token, and there is none", help);
    }
    let has_client_ca = service
        .tls
        .as_ref()
        .is_some_and(|tls| tls.client_ca_file.is_some());
    // A wrong token has been told, and is meant to be there.
    if !has_tokens && !has_client_ca {
        exposed
            .into_iter()
            .for_each(|(address, place)| refuse_exposed(address, place, context));
    }
    service
}

/// The addresses that other machines can reach, and where they are written.
fn exposed_addresses(table: &ServiceTable) -> Vec<(std::net::SocketAddr, Place)> {
    let listen = table.listen.as_ref();
    let listen = listen.map(|listen| (listen.value.0, listen.place));
    let metrics = table.metrics.as_ref();
    let metrics = metrics.and_then(|metrics| metrics.value.listen.as_ref());
    let metrics = metrics.and_then(|listen| Some((listen.value.0?.0, listen.place)));
    let exposed =
        |(address, _): &(std::net::SocketAddr, Place)| !address.ip().to_canonical().is_loopback();
    listen.into_iter().chain(metrics).filter(exposed).collect()
}

fn refuse_exposed(address: std::net::SocketAddr, place: Place, context: &mut Context<'_>) {
    let message = format!(
        "{address} can be reached from other machines, which needs tokens or client certificates"
    );
    let help = format!(
        "write [[service.tokens]], or service.tls.client_ca_file, or listen on this machine only: \"127.0.0.1:{}\"",
        address.port()
    );
    context
        .problems
        .push(Problem::absence(place, message).help(help));
}

fn log_settings(log: LogTable) -> LogSettings {
    let defaults = LogSettings::default();
    LogSettings {
        level: log.level.map_or(defaults.level, |level| level.value),
        format: log.format.map_or(defaults.format, |format| format.value),
        messages: log
            .messages
            .map_or(defaults.messages, |messages| messages.value),
    }
}
