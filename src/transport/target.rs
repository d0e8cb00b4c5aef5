//! Everything from the host name to a stream that can be written to.

use std::{net::SocketAddr, rc::Rc, sync::Arc};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    address::Host,
    dial::Progress,
    resolve::Resolver,
    stream::Stream,
    tcp::{self, Local},
    tls::{self, Client},
    tunnel::Tunnel,
};
use crate::core::{Cause, Phase};

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
                (Stream::Tcp(tcp), peer)
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
        resolve(&self.resolver, &self.host, self.port)
            .await
            .map_err(Cause::Dns)
    }
}

/// The addresses of a host; the error is what the resolver said.
pub(super) async fn resolve(
    resolver: &Resolver,
    host: &Host,
    port: u16,
) -> Result<Vec<SocketAddr>, String> {
    let name = match host {
        Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, port)]),
        Host::Name(name) => name,
    };
    let resolved = resolver.resolve(name).await;
    let mut addresses = resolved.map_err(|reason| reason.to_string())?.to_vec();
    for address in &mut addresses {
        address.set_port(port);
    }
    Ok(addresses)
}
