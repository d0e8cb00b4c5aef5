//! The references that fuzz targets compare the library with.

pub mod book;
pub mod decoded;
pub mod inflate;
pub mod language;
pub mod lender;
pub mod model;

/// Files and variables in memory, shared with the tests.
#[path = "../../tests/config/memory.rs"]
pub mod memory;
/// The server's side of the wire, shared with the tests.
#[path = "../../crates/everwire-proto/tests/wire_codec/server.rs"]
pub mod server;
/// JSON as TOML, shared with the tests.
#[path = "../../tests/config/write.rs"]
pub mod write;
