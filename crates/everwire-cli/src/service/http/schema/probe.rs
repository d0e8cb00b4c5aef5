//! The result of a dry run.

use utoipa::ToSchema;

/// The result of a dry run.
#[derive(ToSchema)]
pub struct Probes {
    name: String,
    /// One for each URL.
    probes: Vec<Probe>,
}

/// The result of dialling one URL.
#[derive(ToSchema)]
pub struct Probe {
    /// The URL with its variables unexpanded.
    url: String,
    /// Whether the upgrade succeeded.
    ok: bool,
    /// The address that answered: the peer's, or its proxy's.
    #[schema(required)]
    peer: Option<String>,
    #[schema(required)]
    subprotocol: Option<String>,
    timings: Timings,
    #[schema(required)]
    error: Option<ProbeError>,
}

/// How long the steps of a dial took; null for a step that was not needed or not reached.
#[derive(ToSchema)]
pub struct Timings {
    #[schema(required)]
    dns_ms: Option<f64>,
    #[schema(required)]
    proxy_ms: Option<f64>,
    #[schema(required)]
    tcp_ms: Option<f64>,
    #[schema(required)]
    tls_ms: Option<f64>,
    #[schema(required)]
    upgrade_ms: Option<f64>,
}

/// Why a dial failed.
#[derive(ToSchema)]
pub struct ProbeError {
    kind: String,
    /// The HTTP status of a refused handshake.
    #[schema(nullable = false)]
    status: Option<u16>,
    /// What went wrong, or the text of the server.
    text: String,
}
