//! The routes of the service.

use actix_web::{
    HttpRequest, Resource, Route, guard,
    web::{self, ServiceConfig},
};

use super::{
    bulk, changes, cluster, connections, control, health, metrics, openapi, overview, probe,
    problem::Problem,
    reload, request, secrets, send,
    streams::{raw, sse, ws},
    subscriptions, why,
};
use crate::service::page;

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// The API and the metrics.
    Everything,
    /// The API. The metrics have an address of their own.
    Api,
    /// The metrics and the health of the process.
    Metrics,
}

/// Adds the routes of a listener.
pub fn add(config: &mut ServiceConfig, serves: Serves) {
    config
        .service(resource("/healthz", "GET, HEAD").route(get().to(health::alive)))
        .service(resource("/readyz", "GET, HEAD").route(get().to(health::ready)));
    if serves != Serves::Api {
        config.service(resource("/metrics", "GET, HEAD").route(get().to(metrics::metrics)));
    }
    if serves != Serves::Metrics {
        config
            .service(resource("/openapi.json", "GET, HEAD").route(get().to(openapi::openapi)))
            .configure(page)
            .configure(connections)
            .configure(messages)
            .configure(subscriptions)
            .configure(streams)
            .configure(in_bulk)
            .configure(in_cluster);
    }
}

fn connections(config: &mut ServiceConfig) {
    config
        .service(resource("/v1/status", "GET, HEAD").route(get().to(overview::overview)))
        .service(resource("/v1/connections", "GET, HEAD").route(get().to(connections::list)))
        .service(
            resource("/v1/connections/{name}", "GET, HEAD, PUT, DELETE")
                .route(get().to(connections::status))
                .route(web::put().to(changes::put))
                .route(web::delete().to(changes::delete)),
        )
        .service(
            resource("/v1/connections/{name}/config", "GET, HEAD")
                .route(get().to(connections::config)),
        )
        .service(resource("/v1/connections/{name}/why", "GET, HEAD").route(get().to(why::why)))
        .service(
            resource("/v1/connections/{name}/probe", "POST").route(web::post().to(probe::probe)),
        )
        .service(
            resource("/v1/connections/{name}/connect", "POST")
                .route(web::post().to(control::connect)),
        )
        .service(
            resource("/v1/connections/{name}/close", "POST").route(web::post().to(control::close)),
        )
        .service(
            resource("/v1/secrets/{id}", "PUT, DELETE")
                .route(web::put().to(secrets::put))
                .route(web::delete().to(secrets::delete)),
        );
}

fn messages(config: &mut ServiceConfig) {
    config
        .service(
            resource("/v1/connections/{name}/request", "POST")
                .route(web::post().to(request::request)),
        )
        .service(resource("/v1/connections/{name}/send", "POST").route(web::post().to(send::send)))
        .service(
            resource("/v1/connections/{name}/sends/{id}", "GET, HEAD").route(get().to(send::fate)),
        );
}

fn subscriptions(config: &mut ServiceConfig) {
    config
        .service(
            resource("/v1/connections/{name}/subscriptions", "GET, HEAD")
                .route(get().to(subscriptions::list)),
        )
        .service(
            resource("/v1/connections/{name}/subscriptions/{key}", "PUT, DELETE")
                .route(web::put().to(subscriptions::put))
                .route(web::delete().to(subscriptions::delete)),
        );
}

fn streams(config: &mut ServiceConfig) {
    config
        .service(resource("/v1/events", "GET").route(web::get().to(sse::events)))
        .service(resource("/v1/ws", "GET").route(web::get().to(ws::ws)))
        .service(resource("/v1/connections/{name}/raw", "GET").route(web::get().to(raw::raw)))
        // Some clients append a path to their URL: a slash, or the identity of a charge point.
        .service(
            resource("/v1/connections/{name}/raw/{ignored:.*}", "GET")
                .route(web::get().to(raw::raw)),
        );
}

fn in_bulk(config: &mut ServiceConfig) {
    config
        .service(resource("/v1/connect", "POST").route(web::post().to(bulk::connect)))
        .service(resource("/v1/close", "POST").route(web::post().to(bulk::close)))
        .service(resource("/v1/retry", "POST").route(web::post().to(bulk::retry)))
        .service(resource("/v1/rotate", "POST").route(web::post().to(bulk::rotate)))
        .service(resource("/v1/reload", "POST").route(web::post().to(reload::post)));
}

fn in_cluster(config: &mut ServiceConfig) {
    config
        .service(resource("/v1/cluster", "GET, HEAD").route(get().to(cluster::status)))
        .service(resource("/v1/cluster/names/{name}", "GET, HEAD").route(get().to(cluster::find)))
        .service(
            resource("/v1/cluster/nodes/{node}/drain", "POST")
                .route(web::post().to(cluster::drain)),
        );
}

fn page(config: &mut ServiceConfig) {
    for path in page::paths() {
        config.service(resource(path, "GET, HEAD").route(get().to(page::serve)));
    }
}

/// A resource that answers methods outside `allow` with 405.
fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest| async move {
        Problem::method_not_allowed(&request, allow)
    }))
}

/// A route for reading: HEAD is GET without the body (RFC 9110 §9.3.2).
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
