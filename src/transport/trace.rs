//! A dial as a `tracing` span with an event for each phase. Without the feature `tracing`, nothing
//! is compiled in.

use std::{future::Future, time::Duration};

use crate::core::{Cause, ConnectionName, Phase};

/// Runs the dial in its span: `dial` with `name`, `attempt` and `host`, at debug level.
#[cfg(feature = "tracing")]
pub(crate) fn in_span<F: Future>(
    name: &ConnectionName,
    attempt: u32,
    dial: F,
) -> impl Future<Output = F::Output> + use<F> {
    use tracing::Instrument;
    dial.instrument(tracing::debug_span!(
        target: "everwire::dial",
        "dial",
        name = name.as_str(),
        attempt,
        host = tracing::field::Empty,
    ))
}

/// Runs the dial.
#[cfg(not(feature = "tracing"))]
pub(crate) fn in_span<F: Future>(
    _name: &ConnectionName,
    _attempt: u32,
    dial: F,
) -> impl Future<Output = F::Output> + use<F> {
    dial
}

/// Records the host of the dial, with the port.
pub(super) fn host(host: impl FnOnce() -> String) {
    #[cfg(feature = "tracing")]
    if tracing::enabled!(target: "everwire::dial", tracing::Level::DEBUG) {
        tracing::Span::current().record("host", host());
    }
    #[cfg(not(feature = "tracing"))]
    let _ = host;
}

/// Records the end of a phase.
pub(super) fn phase(phase: Phase, took: Duration) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "everwire::dial", phase = %phase, took_ms = took.as_secs_f64() * 1000.0, "phase");
    #[cfg(not(feature = "tracing"))]
    let _ = (phase, took);
}

/// Records that the dial failed in this phase.
pub(super) fn failed(phase: Phase, cause: &Cause) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "everwire::dial", phase = %phase, cause = cause.kind(), text = &*cause.text(), "failed");
    #[cfg(not(feature = "tracing"))]
    let _ = (phase, cause);
}
