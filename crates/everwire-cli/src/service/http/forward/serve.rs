//! Answers the requests that other nodes have passed on, as if their callers had sent them here.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix_http::HttpMessage as _;
use actix_service::{IntoServiceFactory as _, Service as _, ServiceFactory as _, map_config};
use actix_web::{
    App, ResponseError as _,
    body::{MessageBody as _, to_bytes_limited},
    dev::AppConfig,
    http::{Method, StatusCode, Uri, header::HeaderMap, header::HeaderName, header::HeaderValue},
    web::{self, Data},
};
use bytes::Bytes;
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};

use super::envelope::{Answer, Request};
use crate::service::{
    cluster::Incoming,
    http::{problem::Problem, request_limit::TooMany, routes},
    state::AppState,
};

/// The longest answer that is passed on.
const LONGEST: usize = 20 << 20;
/// So many requests are answered at a time, as many as those of clients.
const MOST: usize = 240;
/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(310);

/// Answers requests until none can come any more, inside a running actix system.
pub async fn serve(state: Data<AppState>, mut requests: mpsc::Receiver<Incoming>) {
    let app = App::new()
        .app_data(state)
        .app_data(web::PathConfig::default().error_handler(|error, _| {
            Problem::bad_request(format!("the path cannot be read: {error}")).into()
        }))
        .configure(|config| routes::add(config, routes::Serves::Api))
        .default_service(web::to(|| async { Problem::not_found("no such path") }));
    let factory = map_config(app.into_factory(), |()| AppConfig::default());
    let Ok(service) = factory.new_service(()).await else {
        return;
    };
    let service = Rc::new(service);
    let places = Arc::new(Semaphore::new(MOST));
    while let Some(incoming) = requests.recv().await {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            refuse(incoming);
            continue;
        };
        let service = Rc::clone(&service);
        actix::spawn(async move {
            let _place = place;
            let Some(request) = Request::decode(&incoming.bytes).and_then(plain) else {
                return;
            };
            let answering = async {
                let response = service.call(request).await.ok()?;
                let (response, body) = response.into_parts().1.into_parts();
                let body = to_bytes_limited(body, LONGEST).await.ok()?.ok()?;
                Some(Answer::new(response.status(), response.headers(), body))
            };
            let answer = timeout(WITHIN, answering).await.ok().flatten();
            let failed = || Answer::new(StatusCode::BAD_GATEWAY, &HeaderMap::new(), Bytes::new());
            // The node that has asked may be gone.
            let _gone = incoming.answer.send(answer.unwrap_or_else(failed).encode());
        });
    }
}

/// Answers that there is too much to do: nothing was done.
fn refuse(incoming: Incoming) {
    let refused = Problem::from(TooMany).error_response();
    let (response, body) = refused.into_parts();
    let body = body.try_into_bytes().unwrap_or_default();
    let answer = Answer::new(response.status(), response.headers(), body);
    // The node that has asked may be gone.
    let _gone = incoming.answer.send(answer.encode());
}

/// The request as the handlers take it; `None` if it cannot be one, or would not end.
fn plain(request: Request) -> Option<actix_http::Request> {
    let caller = request.caller()?;
    let target: Uri = request.head.target.parse().ok()?;
    let path = target.path();
    if path.ends_with("/raw") || path.contains("/raw/") {
        return None;
    }
    let mut plain = actix_http::Request::with_payload(actix_http::Payload::from(request.body));
    let head = plain.head_mut();
    head.method = Method::from_bytes(request.head.method.as_bytes()).ok()?;
    head.uri = target;
    for (name, value) in &request.head.headers {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        head.headers
            .insert(name, HeaderValue::try_from(value.as_str()).ok()?);
    }
    plain.extensions_mut().insert(caller);
    Some(plain)
}
