//! The addresses that the service listens on.

use std::net::{SocketAddr, TcpListener};

use actix_web::web::Data;
use everwire::config::ServiceSettings;
use rustls::ServerConfig;

use super::{
    error::Error,
    http::{self, Server, Serves},
    state::AppState,
};

/// Listeners that are not served yet.
pub struct ListenSockets {
    api: TcpListener,
    /// A separate address for the metrics.
    metrics: Option<TcpListener>,
    tls: Option<ServerConfig>,
}

/// The log line with all addresses.
pub struct Up {
    names: usize,
    listen: SocketAddr,
    metrics: Option<SocketAddr>,
    tls: bool,
}

impl ListenSockets {
    /// Takes the listener of the API. Also listens for the metrics if they have a separate address.
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

    /// The log line.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn up(&self, names: usize) -> Result<Up, Error> {
        let addr = |listener: &TcpListener| listener.local_addr().map_err(Error::Http);
        Ok(Up {
            names,
            listen: addr(&self.api)?,
            metrics: self.metrics.as_ref().map(addr).transpose()?,
            tls: self.tls.is_some(),
        })
    }

    /// Serves all listeners.
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
    /// Writes the line.
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
