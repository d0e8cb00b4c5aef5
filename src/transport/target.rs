//! The target of a hop: the addresses of its host, and a TCP connection to one of them.

use std::{net::SocketAddr, rc::Rc};

use tokio::net::TcpStream;

use super::{
    address::Host,
    progress::Progress,
    resolve::Resolver,
    tcp::{self, Local},
};
use crate::{
    core::{Cause, Phase},
    settings::Reach,
};

/// The target of a hop, and the local end.
pub(super) struct Target {
    /// The host of the URL.
    pub host: Host,
    /// The port of the URL.
    pub port: u16,
    /// The local end of the connection.
    pub local: Local,
    /// The addresses that may be connected to.
    pub reach: Reach,
    /// Resolves the host if it is a name.
    pub resolver: Resolver,
    /// Records each step.
    pub progress: Rc<Progress>,
}

impl Target {
    /// Opens a TCP connection to the host itself.
    pub async fn connect(&self) -> Result<(TcpStream, SocketAddr), Cause> {
        let mut addresses = self.addresses().await?;
        if let Some(detour) = self.resolver.detour() {
            addresses = vec![detour];
        }
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

/// The addresses of a host that may be connected to, at least one. All addresses come from here.
///
/// # Errors
///
/// [`Cause::Dns`]; [`Cause::Forbidden`] if none of its addresses may be connected to.
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
            "{first} is not a public address, and only such may be dialled"
        ))),
        _ => Ok(addresses),
    }
}
