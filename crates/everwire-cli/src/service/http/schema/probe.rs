//! What came of a dry run.

use utoipa::ToSchema;

/// What came of a dry run.
#[derive(ToSchema)]
pub struct Probes {
    name: String,
    /// One for each URL.
    probes: Vec<Probe>,
}

/// What came of the dial of one URL.
#[derive(ToSchema)]
pub struct Probe {
    /// With its variables unexpanded.
    url: String,
    /// Whether it was upgraded.
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

/// How long the steps of a dial took; null for one that was not needed or not reached.
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
    /// Of a refused handshake: its HTTP status.
    #[schema(nullable = false)]
    status: Option<u16>,
    /// What it was, or what the server said.
    text: String,
}
