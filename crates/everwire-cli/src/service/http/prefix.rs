//! Paths below the prefix of `service.public_url`. A reverse proxy may keep the prefix or remove
//! it.

use crate::service::state::AppState;
use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Uri, header},
    middleware::Next,
    web::Data,
};

/// The first segments of all paths.
const ROOTS: [&str; 6] = ["v1", "page", "metrics", "healthz", "readyz", "openapi.json"];

/// Removes the prefix if the proxy has kept it. The bare prefix leads to the page, whose links need
/// a trailing slash.
///
/// # Errors
///
/// Those of the handlers.
pub async fn strip<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let rules = request
        .app_data::<Data<AppState>>()
        .map(|state| state.rules());
    let prefix = rules.as_ref().and_then(|rules| rules.public_url.as_ref());
    if let Some(prefix) = prefix.map(|url| url.path()).filter(|path| !path.is_empty()) {
        if request.path() == prefix {
            let page = format!("{prefix}/");
            let redirect = HttpResponse::PermanentRedirect()
                .insert_header((header::LOCATION, page))
                .finish();
            return Ok(request.into_response(redirect).map_into_right_body());
        }
        if let Some(uri) = without(prefix, request.uri()) {
            request.head_mut().uri = uri.clone();
            request.match_info_mut().get_mut().update(&uri);
        }
    }
    let response = next.call(request).await?;
    Ok(response.map_into_left_body())
}

/// The target without the prefix, if the rest is a path of the service. The service itself may have
/// paths that begin with the prefix.
fn without(prefix: &str, uri: &Uri) -> Option<Uri> {
    let target = uri.path_and_query()?;
    let path = target.path().strip_prefix(prefix)?.strip_prefix('/')?;
    let root = path.split('/').next().unwrap_or_default();
    if !path.is_empty() && !ROOTS.contains(&root) {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.as_str()[prefix.len()..].parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_off_what_is_served() {
        for (target, expected) in [
            ("/everwire/", Some("/")),
            ("/everwire/?a=b", Some("/?a=b")),
            ("/everwire/v1/events?match=*", Some("/v1/events?match=*")),
            (
                "https://h/everwire/page/app.js",
                Some("https://h/page/app.js"),
            ),
            ("/v1/connections/everwire", None),
            ("/everwirev1/events", None),
            ("/everwire//v1/events", None),
            ("/", None),
        ] {
            let uri = without("/everwire", &target.parse().unwrap());
            let uri = uri.map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), expected, "{target}");
        }
        // A prefix that is itself a path of the service.
        for (target, expected) in [
            ("/v1/connections/v1", None),
            ("/v1/v1/connections/v1", Some("/v1/connections/v1")),
            ("/v1/", Some("/")),
        ] {
            let uri = without("/v1", &target.parse().unwrap());
            let uri = uri.map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), expected, "{target}");
        }
    }
}
