//! The RFC 6455 codec, tested from outside: tables, properties, and a comparison with
//! `tungstenite`.

#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test looks at a clock, and a helper fails its test by panicking"
)]

mod bounds;
mod deflate;
mod differential;
mod encoding;
mod roundtrip;
mod server;

mod utf8;
mod violations;
