//! Everything from the host name to a stream that can be written to.

use std::{net::SocketAddr, rc::Rc, sync::Arc};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    address::Host,
    progress::Progress,
    resolve::Resolver,
    stream::Stream,
    tcp::{self, Local},
    tcp_stream::Tcp,
    tls::{self, Client},
    tunnel::Tunnel,
};
use crate::{
    config::Reach,
    core::{Cause, Phase},
};

/// Where to, and how.
pub(super) struct Target {
    /// The host of the URL.
    pub host: Host,
    /// The port of the URL.
    pub port: u16,
    /// The configuration, and the name that the certificate must be valid for; `None` for `ws`.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Our end of the connection.
    pub local: Local,
    /// What to go through.
    pub proxy: Option<Tunnel>,
    /// Which addresses the host may have.
    pub reach: Reach,
    /// Resolves the host if it is a name.
    pub resolver: Resolver,
    /// Told about each step.
    pub progress: Rc<Progress>,
}

impl Target {
    /// Opens the connection, and puts it into [`Progress::stream`].
    ///
    /// # Errors
    ///
    /// The [`Cause`] of the step that failed.
    pub async fn open(&self) -> Result<(), Cause> {
        let progress = &self.progress;
        // Boxed is what most dials do without: their future would have to hold it all the same.
        let (stream, peer) = match &self.proxy {
            None => {
                let (tcp, peer) = self.connect().await?;
                (Stream::Tcp(Tcp::new(tcp)), peer)
            }
            Some(tunnel) => Box::pin(tunnel.open(self)).await?,
        };
        progress.peer.set(Some(peer));
        let stream = match &self.tls {
            None => stream,
            Some((config, name)) => Box::pin(self.secure(stream, config, name)).await?,
        };
        progress.enter(Phase::Upgrade);
        progress.stream.replace(Some(stream));
        Ok(())
    }

    /// The TLS handshake.
    async fn secure(
        &self,
        stream: Stream,
        config: &Arc<ClientConfig>,
        name: &ServerName<'static>,
    ) -> Result<Stream, Cause> {
        self.progress.enter(Phase::Tls);
        let connecting = TlsConnector::from(Arc::clone(config)).connect(name.clone(), stream);
        let (connected, asked) = tls::noticing(connecting).await;
        let client = &self.progress.client;
        if asked {
            client.set(Client::Missing);
        }
        let connected = connected.map_err(|error| tls::handshake_failure(&error, client.get()))?;
        Ok(Stream::Tls(Box::new(connected)))
    }

    async fn connect(&self) -> Result<(TcpStream, SocketAddr), Cause> {
        let addresses = self.addresses().await?;
        self.progress.enter(Phase::Tcp);
        tcp::connect(&addresses, self.local, self.progress.deadline).await
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
