//! The web page: a few static files that use the API like any other client.

#[cfg(test)]
mod tests;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
};

/// The page runs only its own scripts and contacts only its own origin. No other page may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page.
struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($path:expr, $name:literal, $kind:literal) => {
        File {
            path: $path,
            kind: $kind,
            bytes: include_bytes!($name),
        }
    };
}

macro_rules! script {
    ($name:literal) => {
        file!(concat!("/page/", $name), $name, "text/javascript")
    };
}

static FILES: &[File] = &[
    file!("/", "index.html", "text/html; charset=utf-8"),
    file!("/page/style.css", "style.css", "text/css"),
    file!("/page/icon.svg", "icon.svg", "image/svg+xml"),
    script!("app.js"),
    script!("api.js"),
    script!("cluster.js"),
    script!("drawer.js"),
    script!("format.js"),
    script!("link.js"),
    script!("names.js"),
    script!("nats.js"),
    script!("probe.js"),
    script!("send.js"),
    script!("spark.js"),
    script!("subscriptions.js"),
    script!("table.js"),
    script!("tail.js"),
    script!("timeline.js"),
    script!("steps.js"),
    script!("why.js"),
];

/// The paths of the files.
pub fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|file| file.path)
}

/// Whether the path is a file of the page. The files are the same for everybody and hold no secret,
/// so they need no token.
pub fn is_at(path: &str) -> bool {
    paths().any(|known| known == path)
}

/// Answers with the file at the path.
pub async fn serve(request: HttpRequest) -> HttpResponse {
    let Some(file) = FILES.iter().find(|file| file.path == request.path()) else {
        return HttpResponse::NotFound().finish();
    };
    let fixed = HeaderValue::from_static;
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, fixed(file.kind)))
        .insert_header((header::CONTENT_SECURITY_POLICY, fixed(POLICY)))
        .insert_header((header::REFERRER_POLICY, fixed("no-referrer")))
        .insert_header((header::X_FRAME_OPTIONS, fixed("DENY")))
        // Browsers must load a new page with a new version of the program.
        .insert_header((header::CACHE_CONTROL, fixed("no-cache")))
        .body(file.bytes)
}
