//! The HTTP API. Answers are JSON, errors are RFC 9457 problems.

pub mod access;
mod admission;
mod body;
mod bulk;
mod changes;
mod clients;
mod cluster;
mod connections;
mod control;
mod displayed;
pub mod forward;
mod health;
mod hosts;
mod idempotency;
mod lookup;
mod metrics;
mod openapi;
mod overview;
mod permit;
mod prefix;
mod probe;
pub mod problem;
mod query;
mod reload;
mod request;
mod request_limit;
mod routes;
mod schema;
mod secrets;
mod send;
mod server;
mod shares;
pub mod streams;
mod subscriptions;
#[cfg(test)]
mod tests;
pub mod tls;
mod user_timeout;
pub mod waits;
mod why;

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use actix_web::{
    App,
    http::header,
    middleware::{DefaultHeaders, from_fn},
    web,
};
use rustls::ServerConfig;

use self::{hosts::Hosts, problem::Problem};
pub use self::{routes::Serves, server::Server};
use super::{error::Error, state::AppState};

/// Listens without serving yet. Port 0 selects a free port.
///
/// # Errors
///
/// [`Error::Listen`].
pub fn bind(addr: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(addr).map_err(|source| Error::Listen { addr, source })
}

/// Serves in the running actix system until the handle stops it.
///
/// # Errors
///
/// An error of the operating system.
pub fn start(
    listener: TcpListener,
    state: web::Data<AppState>,
    serves: Serves,
    tls: Option<ServerConfig>,
) -> io::Result<Server> {
    let hosts = web::Data::new(Hosts::of(listener.local_addr()?.ip()));
    let app = move || {
        App::new()
            .app_data(hosts.clone())
            .app_data(state.clone())
            .app_data(web::PathConfig::default().error_handler(|error, _| {
                Problem::bad_request(format!("the path cannot be read: {error}")).into()
            }))
            // The first one sees a request last.
            .wrap(from_fn(forward::elsewhere))
            .wrap(from_fn(forward::everywhere))
            .wrap(from_fn(hosts::guard))
            .wrap(from_fn(prefix::strip))
            .wrap(from_fn(displayed::escape))
            .wrap(
                DefaultHeaders::new()
                    .add((header::CACHE_CONTROL, "no-store"))
                    .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff")),
            )
            // The last one sees a request first and its answer last.
            .wrap(from_fn(admission::admit))
            .configure(|config| routes::add(config, serves))
            .default_service(web::to(|| async { Problem::not_found("no such path") }))
    };
    Server::start(listener, tls, app)
}
