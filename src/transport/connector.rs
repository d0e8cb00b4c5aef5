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
};
use crate::core::{Cause, Phase};

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
        let (tcp, peer) = self.connect().await?;
        progress.peer.set(Some(peer));
        let stream = match &self.tls {
            None => Stream::Tcp(tcp),
            Some((config, name)) => {
                progress.enter(Phase::Tls);
                let connecting = TlsConnector::from(Arc::clone(config)).connect(name.clone(), tcp);
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
        let deadline = self.progress.deadline;
        let name = match &self.host {
            Host::Ip(ip) => {
                self.progress.enter(Phase::Tcp);
                let address = SocketAddr::new(*ip, self.port);
                return tcp::connect(&[address], self.source, deadline).await;
            }
            Host::Name(name) => name,
        };
        self.progress.enter(Phase::Dns);
        let resolved = self.resolver.resolve(name).await;
        let mut addresses = resolved
            .map_err(|reason| Cause::Dns(reason.to_string()))?
            .to_vec();
        for address in &mut addresses {
            address.set_port(self.port);
        }
        self.progress.enter(Phase::Tcp);
        tcp::connect(&addresses, self.source, deadline).await
    }
}
