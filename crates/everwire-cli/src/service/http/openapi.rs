//! The OpenAPI document, made from the handlers and their types.

use std::sync::LazyLock;

use actix_web::{HttpResponse, http::header::ContentType, web::Data};
use serde_json::{Value as Json, json};
use utoipa::OpenApi;

use super::{
    bulk, changes, connections, control, health, metrics, overview,
    permit::{Permit, ToCome},
    probe, reload, request, schema, secrets, send,
    streams::{raw, sse, ws},
    subscriptions, why,
};
use crate::service::{base::BASE, state::AppState};

/// The paths whose body may be empty.
const MAY_BE_EMPTY: [(&str, &str); 6] = [
    ("post", "/v1/connections/{name}/request"),
    ("post", "/v1/connections/{name}/send"),
    ("post", "/v1/connections/{name}/connect"),
    ("post", "/v1/connections/{name}/close"),
    ("put", "/v1/connections/{name}/subscriptions/{key}"),
    ("post", "/v1/close"),
];

/// The methods of a path in the document.
const METHODS: [&str; 4] = ["get", "put", "post", "delete"];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "everwire",
        description = "Keeps many named outgoing WebSocket connections up."
    ),
    paths(
        health::alive,
        health::ready,
        metrics::metrics,
        overview::overview,
        openapi,
        connections::list,
        connections::status,
        connections::config,
        why::why,
        changes::put,
        changes::delete,
        control::connect,
        control::close,
        probe::probe,
        send::send,
        request::request,
        send::fate,
        subscriptions::list,
        subscriptions::put,
        subscriptions::delete,
        sse::events,
        ws::ws,
        raw::raw,
        super::cluster::status,
        super::cluster::find,
        super::cluster::drain,
        bulk::connect,
        bulk::close,
        bulk::retry,
        bulk::rotate,
        reload::post,
        secrets::put,
        secrets::delete,
    ),
    components(schemas(schema::Event, schema::Problem))
)]
struct Document;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "health", responses((status = 200, body = Object)))]
pub async fn openapi(_: Permit<ToCome>, state: Data<AppState>) -> HttpResponse {
    if let Some(public) = &state.rules().public_url {
        let mut document = document();
        document["servers"] = json!([{ "url": public.to_string() }]);
        return HttpResponse::Ok().json(document);
    }
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(DOCUMENT.as_str())
}

/// The document of the derives, plus what is the same everywhere: authentication and errors.
pub fn document() -> Json {
    let mut document = json!(Document::openapi());
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer" },
    });
    document["security"] = json!([{}, { "token": [] }]);
    document["components"]["schemas"]["Settings"] = settings();
    let paths = document["paths"].as_object_mut();
    for operations in paths.into_iter().flat_map(|paths| paths.values_mut()) {
        for method in METHODS {
            if let Some(operation) = operations.get_mut(method) {
                operation["responses"]["default"] = json!({
                    "description": "What is wrong",
                    "content": { "application/problem+json": {
                        "schema": { "$ref": "#/components/schemas/Problem" },
                    } },
                });
            }
        }
    }
    for (method, path) in MAY_BE_EMPTY {
        document["paths"][path][method]["requestBody"]["required"] = false.into();
    }
    document
}

/// The keys of a connection, from the declaration that parses them.
fn settings() -> Json {
    let mut settings = BASE.schema()["$defs"]["connection"].take();
    settings["oneOf"] = json!([{ "required": ["url"] }, { "required": ["urls"] }]);
    settings
}
