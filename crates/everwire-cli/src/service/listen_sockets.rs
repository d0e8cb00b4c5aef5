//! The addresses that the service listens on, and what stands behind each.

use std::net::{SocketAddr, TcpListener};

use actix_web::web::Data;
use everwire::config::ServiceSettings;
use rustls::ServerConfig;

use super::{
    error::Error,
    http::{self, Server, Serves},
    state::AppState,
};

/// Listeners that nobody serves yet.
pub struct ListenSockets {
    api: TcpListener,
    /// An address of the metrics' own.
    metrics: Option<TcpListener>,
    tls: Option<ServerConfig>,
}

/// The line of the log that says where everything is.
pub struct Up {
    names: usize,
    listen: SocketAddr,
    metrics: Option<SocketAddr>,
    tls: bool,
}

impl ListenSockets {
    /// Takes the listener of the API, and listens for the metrics where they have an address of their own.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`], [`Error::Tls`].
    pub fn new(api: TcpListener, settings: &ServiceSettings) -> Result<Self, Error> {
        Ok(Self {
            api,
            metrics: settings.metrics.listen.map(http::bind).transpose()?,
            tls: settings.tls.as_ref().map(http::tls::config).transpose()?,
        })
    }

    /// What the log says of them.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn up(&self, names: usize) -> Result<Up, Error> {
        let addr = |listener: &TcpListener| listener.local_addr().map_err(Error::Http);
        Ok(Up {
            names,
            listen: addr(&self.api)?,
            metrics: self.metrics.as_ref().map(addr).transpose()?,
            tls: self.tls.is_some(),
        })
    }

    /// Serves.
    ///
    /// # Errors
    ///
    /// [`Error::Http`].
    pub fn open(self, state: &Data<AppState>) -> Result<Vec<Server>, Error> {
        let serves = match self.metrics {
            None => Serves::Everything,
            Some(_) => Serves::Api,
        };
        let tls = self.tls.clone();
        let metrics = self
            .metrics
            .map(|listener| (listener, Serves::Metrics, tls));
        [(self.api, serves, self.tls)]
            .into_iter()
            .chain(metrics)
            .map(|(listener, serves, tls)| http::start(listener, state.clone(), serves, tls))
            .collect::<Result<_, _>>()
            .map_err(Error::Http)
    }
}

impl Up {
    /// Writes it.
    pub fn log(self) {
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            names = self.names,
            listen = %self.listen,
            metrics = self.metrics.map(|addr| addr.to_string()),
            tls = self.tls,
            "everwire is up"
        );
    }
}
