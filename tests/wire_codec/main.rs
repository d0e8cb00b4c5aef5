//! The codec of RFC 6455, seen from outside: tables, properties, and a comparison with `tungstenite`.

mod bounds;
mod differential;
mod encoding;
mod roundtrip;
mod server;

mod utf8;
mod violations;
