//! The connector that `awc` calls: everything from the host name to a stream that can be written to.

use std::{io, net::IpAddr, net::SocketAddr, rc::Rc, sync::Arc};

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use futures::future::LocalBoxFuture;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    dial::Progress,
    request::Host,
    resolve::Resolver,
    stream::{Lent, Stream},
    tcp,
    tls::{self, Client},
    tunnel::Tunnel,
};
use crate::{
    config::Reach,
    core::{Cause, Phase},
};

/// Opens one connection, puts it into [`Progress::stream`] and lends it to `awc`.
#[derive(Clone)]
pub(super) struct Connector(Rc<Target>);

/// Where to, and how.
pub(super) struct Target {
    /// The host of the URL.
    pub host: Host,
    /// The port of the URL.
    pub port: u16,
    /// The configuration, and the name that the certificate must be valid for; `None` for `ws`.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// The local address to dial from.
    pub source: Option<IpAddr>,
    /// What to go through.
    pub proxy: Option<Tunnel>,
    /// Which addresses the host may have.
    pub reach: Reach,
    /// Resolves the host if it is a name.
    pub resolver: Resolver,
    /// Told about each step.
    pub progress: Rc<Progress>,
}

impl Connector {
    /// A connector for one dial.
    pub fn new(target: Target) -> Self {
        Self(Rc::new(target))
    }
}

impl Service<ConnectInfo<Uri>> for Connector {
    type Response = Connection<Uri, Lent>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    actix_service::always_ready!();

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let target = Rc::clone(&self.0);
        Box::pin(async move {
            // `awc` passes an I/O error through as it is, so the cause travels inside one.
            let opened = target.open().await;
            opened.map_err(|cause| ConnectError::Io(io::Error::other(cause)))?;
            let lent = Lent::new(Rc::clone(&target.progress));
            Ok(Connection::new(info.request().clone(), lent))
        })
    }
}

impl Target {
    async fn open(&self) -> Result<(), Cause> {
        let progress = &self.progress;
        let (stream, peer) = match &self.proxy {
            None => {
                let (tcp, peer) = self.connect().await?;
                (Stream::Tcp(tcp), peer)
            }
            Some(tunnel) => tunnel.open(self).await?,
        };
        progress.peer.set(Some(peer));
        let stream = match &self.tls {
            None => stream,
            Some((config, name)) => {
                progress.enter(Phase::Tls);
                let connecting =
                    TlsConnector::from(Arc::clone(config)).connect(name.clone(), stream);
                let (connected, asked) = tls::noticing(connecting).await;
                if asked {
                    progress.client.set(Client::Missing);
                }
                Stream::Tls(Box::new(connected.map_err(|error| {
                    tls::handshake_failure(&error, progress.client.get())
                })?))
            }
        };
        progress.enter(Phase::Upgrade);
        progress.stream.replace(Some(stream));
        Ok(())
    }

    async fn connect(&self) -> Result<(TcpStream, SocketAddr), Cause> {
        let addresses = self.addresses().await?;
        self.progress.enter(Phase::Tcp);
        tcp::connect(&addresses, self.source, self.progress.deadline).await
    }

    /// The addresses of the URL's host.
    pub async fn addresses(&self) -> Result<Vec<SocketAddr>, Cause> {
        if matches!(self.host, Host::Name(_)) {
            self.progress.enter(Phase::Dns);
        }
        resolve(&self.resolver, &self.host, self.port, self.reach).await
    }
}

/// The addresses of a host that may be connected to, at least one: the one place where addresses come from.
///
/// # Errors
///
/// [`Cause::Dns`]; [`Cause::Forbidden`] when none of its addresses may be connected to.
pub(super) async fn resolve(
    resolver: &Resolver,
    host: &Host,
    port: u16,
    reach: Reach,
) -> Result<Vec<SocketAddr>, Cause> {
    let mut addresses = match host {
        Host::Ip(ip) => vec![SocketAddr::new(*ip, port)],
        Host::Name(name) => {
            let resolved = resolver.resolve(name).await;
            resolved
                .map_err(|reason| Cause::Dns(reason.to_string()))?
                .to_vec()
        }
    };
    for address in &mut addresses {
        address.set_port(port);
    }
    let first = addresses.first().map(SocketAddr::ip);
    addresses.retain(|address| reach.allows(address.ip()));
    match first {
        Some(first) if addresses.is_empty() => Err(Cause::Forbidden(format!(
            "{first} is no public address, and only such may be dialled"
        ))),
        _ => Ok(addresses),
    }
}
