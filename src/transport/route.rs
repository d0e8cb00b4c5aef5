//! The route to a target: with or without a proxy, with or without TLS. It ends with a stream for
//! reading and writing.

use std::sync::Arc;

use rustls::{ClientConfig, pki_types::ServerName};
use tokio_rustls::TlsConnector;

use super::{
    stream::Stream,
    target::Target,
    tls::{self, Client},
    tunnel::Tunnel,
};
use crate::core::{Cause, Phase};

/// A target and the route to it.
pub(super) struct Route {
    /// The host to reach.
    pub target: Target,
    /// The proxy, if any.
    pub proxy: Option<Tunnel>,
    /// The configuration, and the name that the certificate must be valid for; `None` for `ws`.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Route {
    /// Opens the connection and stores it in `Progress::stream`.
    ///
    /// # Errors
    ///
    /// The [`Cause`] of the step that failed.
    pub async fn open(&self) -> Result<(), Cause> {
        let progress = &self.target.progress;
        // Boxed because most dials do not need it, and their future would have to hold it.
        let (stream, peer) = match &self.proxy {
            None => {
                let (tcp, peer) = self.target.connect().await?;
                (Stream::new(tcp, self.target.resolver.lease()), peer)
            }
            Some(tunnel) => Box::pin(tunnel.open(&self.target)).await?,
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
        self.target.progress.enter(Phase::Tls);
        let connecting = TlsConnector::from(Arc::clone(config)).connect(name.clone(), stream);
        let (connected, asked) = tls::noticing(connecting).await;
        let client = &self.target.progress.client;
        if asked {
            client.set(Client::Missing);
        }
        let connected = connected.map_err(|error| tls::handshake_failure(&error, client.get()))?;
        Ok(Stream::Tls(Box::new(connected)))
    }
}
