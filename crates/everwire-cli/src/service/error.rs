//! Why the service did not start.

use std::{io, net::SocketAddr};

use everwire::manager::{OpenError, StartError};

use super::{
    bridge::BridgeNotStarted, cluster::ClusterNotStarted, http::tls::TlsError, reload::TriggerError,
};

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The HTTP address cannot be listened on.
    #[error("cannot listen on {addr} for HTTP: {source}; `service.listen` sets the address")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the operating system answered.
        source: io::Error,
    },
    /// The HTTP server did not start.
    #[error("the HTTP server cannot be started: {0}")]
    Http(#[source] io::Error),
    /// The API's TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The thread that writes the log did not start.
    #[error("the thread of the log cannot be started: {0}")]
    Log(#[source] io::Error),
    /// The manager did not start.
    #[error(transparent)]
    Manager(#[from] StartError),
    /// Changes of the configuration cannot be noticed.
    #[error(transparent)]
    Reload(#[from] TriggerError),
    /// The bridge to NATS did not start.
    #[error(transparent)]
    Bridge(#[from] BridgeNotStarted),
    /// This node cannot take part in the cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterNotStarted),
    /// A name could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}
