//! From the keys of `[service]` to its settings.

use super::{
    keys::ServiceTable,
    read::{Context, IntoSettings, Place, Problem},
    units::format_size,
    values::MemoryLimit,
};
use crate::settings::ServiceSettings;

/// The settings of `[service]`: keys that are not written keep their defaults.
pub(super) fn service_settings(table: ServiceTable, context: &mut Context<'_>) -> ServiceSettings {
    let mut defaults = ServiceSettings::default();
    // The default is a relative path, too, and starts where a written one would.
    let first_file = Place::new(0, 0..0);
    defaults.state_dir = context.resolve(first_file, &defaults.state_dir.to_string_lossy());
    check_history_bytes(&table, context);
    let exposed = exposed_addresses(&table);
    let has_tokens = table.tokens.is_some();
    let metrics = table.metrics.as_ref();
    let needs_token = metrics
        .and_then(|metrics| metrics.value.token.as_ref())
        .filter(|token| token.value)
        .map(|token| token.place);
    let service = table.over(defaults, context);
    if let Some(place) = needs_token.filter(|_| !has_tokens) {
        let help = "write [[service.tokens]] with a name and a secret";
        context.wrong(place, "metrics need a token, but there is none", help);
    }
    let has_client_ca = service
        .tls
        .as_ref()
        .is_some_and(|tls| tls.client_ca_file.is_some());
    // A wrong token was reported, and counts as present.
    if !has_tokens && !has_client_ca {
        exposed
            .into_iter()
            .for_each(|(address, place)| refuse_exposed(address, place, context));
    }
    service
}

/// Histories get at most half of the memory. With `memory = "auto"` the limit is known only at run
/// time.
fn check_history_bytes(table: &ServiceTable, context: &mut Context<'_>) {
    let (Some(written), Some(memory)) = (&table.history_bytes, &table.memory) else {
        return;
    };
    let MemoryLimit(Some(limit)) = memory.value else {
        return;
    };
    if written.value.0 > limit / 2 {
        let most = format_size(limit as u64 / 2);
        let message =
            format!("invalid history_bytes: it is more than half of memory, which is {most}");
        let problem = Problem::new(written.place, message)
            .related(memory.place, "memory is here")
            .help(format!("write {most} or less, or a larger memory"));
        context.problems.push(problem);
    }
}

/// The addresses that other machines can reach, and their places.
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
    let message =
        format!("other machines can reach {address}, so it needs tokens or client certificates");
    let help = format!(
        "write [[service.tokens]], or service.tls.client_ca_file, or listen on this machine only: \"127.0.0.1:{}\"",
        address.port()
    );
    context
        .problems
        .push(Problem::absence(place, message).help(help));
}
