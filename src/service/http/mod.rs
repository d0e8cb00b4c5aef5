//! The HTTP API. Answers are JSON, errors are RFC 9457 problems.

mod access;
mod api;
mod body;
mod bulk;
mod changes;
mod connections;
mod control;
mod displayed;
mod health;
mod hosts;
mod idempotency;
mod metrics;
mod openapi;
mod patience;
mod prefix;
mod probe;
mod problem;
mod query;
mod reload;
mod routes;
mod schema;
mod secrets;
mod send;
mod streams;
#[cfg(test)]
mod tests;
pub mod tls;
mod why;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    http::header,
    middleware::{DefaultHeaders, from_fn},
    web,
};
use rustls::ServerConfig;

pub use self::api::{Api, Rules};
use self::{hosts::Hosts, problem::Problem};
use super::Error;

/// How long a request's head may take to arrive.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may stay connected without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How many clients may be connected.
const MAX_CLIENTS: usize = 256;

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// The API, and the metrics.
    Everything,
    /// The API; the metrics have an address of their own.
    Api,
    /// The metrics, and the process's health.
    Metrics,
}

/// Listens, without serving yet; port 0 is a free one.
///
/// # Errors
///
/// [`Error::Listen`].
pub fn bind(addr: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(addr).map_err(|source| Error::Listen { addr, source })
}

/// Serves in the running actix system until the handle says stop.
///
/// # Errors
///
/// The operating system's.
pub fn start(
    listener: TcpListener,
    api: web::Data<Api>,
    serves: Serves,
    tls: Option<ServerConfig>,
) -> io::Result<ServerHandle> {
    patience::limit(&listener)?;
    let hosts = web::Data::new(Hosts::of(listener.local_addr()?.ip()));
    let app = move || {
        App::new()
            .app_data(hosts.clone())
            .app_data(api.clone())
            .app_data(web::PathConfig::default().error_handler(|error, _| {
                Problem::bad_request(format!("the path cannot be read: {error}")).into()
            }))
            .wrap(from_fn(hosts::guard))
            .wrap(from_fn(prefix::strip))
            .wrap(from_fn(displayed::escape))
            .wrap(
                DefaultHeaders::new()
                    .add((header::CACHE_CONTROL, "no-store"))
                    .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff")),
            )
            .configure(|config| routes::add(config, serves))
            .default_service(web::to(|| async { Problem::not_found("no such path") }))
    };
    let server = HttpServer::new(app)
        .workers(1)
        // What happens is told when it happens, not when the client has confirmed what it was told before.
        .tcp_nodelay(true)
        .max_connections(MAX_CLIENTS)
        .client_request_timeout(REQUEST_TIMEOUT)
        // Who listens to what happens may send nothing for hours; the end of it is the only sign that they are gone.
        .h1_allow_half_closed(false)
        .client_disconnect_timeout(Duration::from_secs(1))
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(1)
        .disable_signals();
    let server = match tls {
        None => server.listen(listener)?,
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
    };
    let server = server.run();
    let handle = server.handle();
    // It ends when the handle says stop, and has nothing to tell then.
    actix::spawn(async move { drop(server.await) });
    Ok(handle)
}
