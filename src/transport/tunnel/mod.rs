//! A tunnel to the peer through a proxy.

mod destination;
mod http;
#[cfg(feature = "socks")]
mod socks;

use std::{net::SocketAddr, sync::Arc};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio_rustls::TlsConnector;
use url::Url;

use self::destination::Destination;
use super::{
    address::Host,
    secrets::Secrets,
    stream::Stream,
    target::{Target, resolve},
    tcp::{self, keep_worst},
    tls::{self, Client, TlsCache},
};
use crate::{
    core::{Cause, Phase},
    settings::{DialPolicy, ProxyKind, ProxyParts, ProxyUrl, Reach, TlsSettings, parse_proxy},
};

/// A proxy, and how to reach it.
pub(super) struct Tunnel {
    proxy: ProxyParts,
    tls: Option<Arc<ClientConfig>>,
    /// The addresses that the proxy may have.
    reach: Reach,
}

impl Tunnel {
    /// The proxy of a rendered URL.
    ///
    /// # Errors
    ///
    /// [`Cause::Proxy`] for a URL that is not a proxy URL, without secrets in the text;
    /// [`Cause::SecretMissing`]; [`Cause::Forbidden`].
    pub fn new(url: &ProxyUrl, secrets: &Secrets, policy: &DialPolicy) -> Result<Self, Cause> {
        let rendered = secrets.render(url.template())?;
        let proxy = parse_proxy(rendered.expose())
            .map_err(|error| Cause::proxy(format!("invalid proxy URL {url}: {}", error.0)))?;
        #[cfg(not(feature = "socks"))]
        if matches!(proxy.kind, ProxyKind::Socks5 | ProxyKind::Socks5h) {
            return Err(without_socks(&proxy));
        }
        let place = Url::parse(rendered.expose()).ok();
        let reach = place
            .and_then(|place| policy.reach(&place))
            .ok_or_else(|| Cause::Forbidden(format!("the proxy {proxy} must not be dialled")))?;
        Ok(Self {
            proxy,
            tls: None,
            reach,
        })
    }

    /// Whether the connection to the proxy itself uses TLS.
    pub fn is_over_tls(&self) -> bool {
        self.proxy.kind == ProxyKind::Https
    }

    /// The same, with TLS to the proxy. Of the connection's TLS settings, only the authorities
    /// apply: the proxy never sees the client certificate, and its own certificate is always
    /// checked.
    pub async fn with_tls(self, cache: &TlsCache, settings: &TlsSettings) -> Result<Self, Cause> {
        let mut own = TlsSettings::default();
        own.ca_file.clone_from(&settings.ca_file);
        let config = cache
            .config(&own)
            .await
            .map_err(|cause| self.failed(&cause))?;
        Ok(Self {
            tls: Some(config),
            ..self
        })
    }

    /// Opens the tunnel. The returned address is that of the proxy.
    ///
    /// # Errors
    ///
    /// [`Cause::Proxy`] for failures of the proxy or of the connection to it; [`Cause::Refused`]
    /// and [`Cause::Unreachable`] if the proxy reports these for the peer.
    pub async fn open(&self, target: &Target) -> Result<(Stream, SocketAddr), Cause> {
        let destinations = self.destinations(target).await?;
        target.progress.enter(Phase::Proxy);
        let mut worst = None;
        for destination in destinations {
            let (mut stream, peer) = self.reach(target).await?;
            let asked = match self.proxy.kind {
                ProxyKind::Http | ProxyKind::Https => {
                    http::connect(&mut stream, &self.proxy, &destination).await
                }
                #[cfg(feature = "socks")]
                ProxyKind::Socks5 | ProxyKind::Socks5h => {
                    socks::connect(&mut stream, &self.proxy, &destination).await
                }
                #[cfg(not(feature = "socks"))]
                ProxyKind::Socks5 | ProxyKind::Socks5h => Err(without_socks(&self.proxy)),
            };
            match asked {
                Ok(()) => return Ok((stream, peer)),
                // Another address of the peer may work.
                Err(cause @ (Cause::Refused(_) | Cause::Unreachable(_))) => {
                    keep_worst(&mut worst, cause);
                }
                Err(cause) => return Err(cause),
            }
        }
        Err(worst.unwrap_or_else(|| Cause::proxy("the peer has no address")))
    }

    async fn destinations(&self, target: &Target) -> Result<Vec<Destination>, Cause> {
        Ok(match (&target.host, self.proxy.kind) {
            (Host::Name(name), ProxyKind::Http | ProxyKind::Https | ProxyKind::Socks5h)
                if target.reach == Reach::Any =>
            {
                vec![Destination::Name(name.clone(), target.port)]
            }
            // If only some addresses are allowed, the proxy must not choose the address.
            (Host::Name(_) | Host::Ip(_), _) => {
                let addresses = target.addresses().await?;
                addresses.into_iter().map(Destination::Address).collect()
            }
        })
    }

    /// Connects to the proxy itself.
    async fn reach(&self, target: &Target) -> Result<(Stream, SocketAddr), Cause> {
        let proxy = &self.proxy;
        let host = match proxy.ip() {
            Some(ip) => Host::Ip(ip),
            None => Host::Name(proxy.host.clone()),
        };
        let addresses = resolve(&target.resolver, &host, proxy.port, self.reach).await;
        let addresses = addresses.map_err(|cause| self.failed(&cause))?;
        let connected = tcp::connect(&addresses, target.local, target.progress.deadline).await;
        let (tcp, peer) = connected.map_err(|cause| self.failed(&cause))?;
        let stream = Stream::new(tcp, target.resolver.lease());
        let Some(config) = &self.tls else {
            return Ok((stream, peer));
        };
        let name = ServerName::try_from(proxy.host.clone()).map_err(|_| {
            Cause::proxy(format!("the proxy {proxy} has no name for a certificate"))
        })?;
        let connecting = TlsConnector::from(Arc::clone(config)).connect(name, stream);
        let connected = connecting.await;
        let connected = connected
            .map_err(|error| self.failed(&tls::handshake_failure(&error, Client::Unknown)))?;
        Ok((Stream::Tls(Box::new(connected)), peer))
    }

    fn failed(&self, cause: &Cause) -> Cause {
        match cause {
            Cause::ConnectTimeout(_) => Cause::ConnectTimeout(Phase::Proxy),
            Cause::Forbidden(text) => Cause::Forbidden(format!("the proxy {}: {text}", self.proxy)),
            cause => Cause::proxy(format!("the proxy {}: {}", self.proxy, cause.text())),
        }
    }
}

/// A proxy URL with a template may turn out to be SOCKS5 only when it is rendered at the dial.
#[cfg(not(feature = "socks"))]
fn without_socks(proxy: &ProxyParts) -> Cause {
    Cause::proxy(format!(
        "the proxy {proxy}: everwire was built without the feature \"socks\""
    ))
}
