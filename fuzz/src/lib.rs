//! What the fuzz targets judge the library by.

pub mod book;
pub mod decoded;
pub mod inflate;
pub mod language;
pub mod lender;
pub mod model;

/// Files and variables from memory, as the tests have them.
#[path = "../../tests/config/memory.rs"]
pub mod memory;
/// A server's side of the wire, as the tests have it.
#[path = "../../crates/everwire-proto/tests/wire_codec/server.rs"]
pub mod server;
/// JSON as TOML, as the tests write it.
#[path = "../../tests/config/write.rs"]
pub mod write;
