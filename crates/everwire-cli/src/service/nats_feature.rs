//! Whether this program has the bridge to NATS.

use everwire::config::Base;

/// Has `[nats]` and `[cluster]` refused in a build without the feature `nats`.
pub const fn judged(base: Base) -> Base {
    #[cfg(not(feature = "nats"))]
    let base = base.without_nats(
        "install it with: cargo install --locked --path crates/everwire-cli --features nats; or remove [nats] and [cluster]",
    );
    base
}
