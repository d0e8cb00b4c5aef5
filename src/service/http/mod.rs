//! The HTTP API: liveness, and the status of connections. Answers are JSON, errors are RFC 9457 problems.

mod connections;
mod hosts;
mod problem;
mod query;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::header,
    middleware::{DefaultHeaders, from_fn},
    web,
};
use everwire::Manager;
use serde_json::json;

use self::{hosts::Hosts, problem::Problem};
use super::Error;

/// How long a request's head may take to arrive.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may stay connected without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How many clients may be connected.
const MAX_CLIENTS: usize = 256;

/// Listens, without serving yet; port 0 is a free one.
///
/// # Errors
///
/// [`Error::Listen`].
pub fn bind(addr: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(addr).map_err(|source| Error::Listen { addr, source })
}

/// Serves the API of `manager` in the running actix system until the handle says stop.
///
/// # Errors
///
/// The operating system's.
pub fn start(listener: TcpListener, manager: Manager) -> io::Result<ServerHandle> {
    let hosts = web::Data::new(Hosts::of(listener.local_addr()?.ip()));
    let manager = web::Data::new(manager);
    let app = move || {
        App::new()
            .app_data(hosts.clone())
            .app_data(manager.clone())
            .wrap(from_fn(hosts::guard))
            .wrap(
                DefaultHeaders::new()
                    .add((header::CACHE_CONTROL, "no-store"))
                    .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff")),
            )
            .configure(routes)
            .default_service(web::to(|| async { Problem::not_found("no such path") }))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .max_connections(MAX_CLIENTS)
        .client_request_timeout(REQUEST_TIMEOUT)
        .client_disconnect_timeout(Duration::from_secs(1))
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    // It ends when the handle says stop, and has nothing to tell then.
    actix::spawn(async move { drop(server.await) });
    Ok(handle)
}

fn routes(config: &mut web::ServiceConfig) {
    let read_only =
        |path: &str| web::resource(path).default_service(web::to(Problem::method_not_allowed));
    config
        .service(read_only("/healthz").route(problem::get_or_head().to(alive)))
        .service(read_only("/v1/connections").route(problem::get_or_head().to(connections::list)))
        .service(
            read_only("/v1/connections/{name}")
                .route(problem::get_or_head().to(connections::status)),
        )
        .service(
            read_only("/v1/connections/{name}/config")
                .route(problem::get_or_head().to(connections::config)),
        );
}

/// The process runs and answers; nothing is said about connections.
async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}
