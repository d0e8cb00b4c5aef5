//! Opens the connection of a hop: of a dial, or of an HTTP call before it.

use std::{borrow::Cow, rc::Rc, sync::Arc};

use rustls::{ClientConfig, pki_types::ServerName};

use super::{
    address::Address,
    progress::Progress,
    resolve::Resolver,
    route::Route,
    secrets::Secrets,
    target::Target,
    tcp::Local,
    tls::{Client, TlsCache},
    tunnel::Tunnel,
};
use crate::{
    core::{Cause, Owner},
    settings::{ConnectionSettings, Proxy, Reach},
};

/// What all hops of a dial have in common.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    /// Proxy, TLS and our own address.
    pub settings: &'a ConnectionSettings,
    /// The owner of the lookups.
    pub owner: Option<&'a Owner>,
    /// The TLS configurations.
    pub tls: &'a TlsCache,
    /// The lookups of host names.
    pub resolver: &'a Resolver,
}

/// The target of a hop.
pub(super) struct Hop<'a> {
    /// The address to connect to.
    pub to: &'a Address,
    /// The name that the certificate must be valid for; `None` without TLS.
    pub server_name: Option<ServerName<'static>>,
    /// Whether the settings name this host. Only such a host is shown the client certificate.
    pub with_credentials: bool,
    /// The addresses that may be connected to.
    pub reach: Reach,
}

/// Opens the connection of a hop and stores it in `Progress::stream`.
///
/// # Errors
///
/// The [`Cause`] of the step that failed.
pub(super) async fn open(
    way: Way<'_>,
    hop: Hop<'_>,
    secrets: &Secrets,
    progress: &Rc<Progress>,
) -> Result<(), Cause> {
    progress.answered.set(false);
    progress.client.set(match way.settings.tls.cert_file {
        Some(_) if hop.with_credentials => Client::Configured,
        _ => Client::Unknown,
    });
    let is_tls = hop.server_name.is_some();
    let is_detour = way.resolver.detour().is_some();
    let tls = match hop.server_name.filter(|_| !is_detour) {
        Some(name) => Some((client_config(way, hop.with_credentials).await?, name)),
        None => None,
    };
    Route {
        tls,
        proxy: match way.settings.proxy.as_ref().filter(|_| !is_detour) {
            // Boxed: it is rarely used, and larger than the rest of a hop.
            Some(proxy) => Box::pin(tunnel(proxy, way, hop.to, is_tls, secrets)).await?,
            None => None,
        },
        target: Target {
            reach: hop.reach,
            host: hop.to.host.clone(),
            port: hop.to.port,
            local: Local {
                address: way.settings.source_address.filter(|_| !is_detour),
                keepalive: way.settings.heartbeat.needs_keepalive(),
            },
            resolver: way.resolver.of(way.owner),
            progress: Rc::clone(progress),
        },
    }
    .open()
    .await
}

/// The TLS configuration of this hop. A host that the settings do not name is not shown the client
/// certificate.
async fn client_config(way: Way<'_>, with_credentials: bool) -> Result<Arc<ClientConfig>, Cause> {
    let mut settings = Cow::Borrowed(&way.settings.tls);
    if !with_credentials {
        let settings = settings.to_mut();
        settings.cert_file = None;
        settings.key_file = None;
    }
    way.tls.config(&settings).await
}

/// The tunnel of this hop, if `proxy` applies to its host.
async fn tunnel(
    proxy: &Proxy,
    way: Way<'_>,
    to: &Address,
    is_tls: bool,
    secrets: &Secrets,
) -> Result<Option<Tunnel>, Cause> {
    let settings = way.settings;
    let host = to.host.to_string();
    let named = proxy.for_target(&host, to.port, is_tls);
    let named = named.map_err(|error| Cause::InvalidRequest(error.to_string()))?;
    let Some(url) = named else {
        return Ok(None);
    };
    let tunnel = Tunnel::new(url, secrets, &settings.proxy_policy)?;
    Ok(Some(match tunnel.is_over_tls() {
        true => tunnel.with_tls(way.tls, &settings.tls).await?,
        false => tunnel,
    }))
}
