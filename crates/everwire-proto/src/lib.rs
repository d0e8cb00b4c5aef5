//! The pure parts of [everwire](https://docs.rs/everwire), without I/O, for use with another
//! runtime.
//!
//! Time and randomness are arguments, effects are return values. Nothing here uses a socket, a
//! file, a clock or a thread.
//!
//! * [`wire`]: bytes in, messages out, and back (RFC 6455, RFC 7692).
//! * [`decode`]: undoes what a peer does to its messages before it frames them.
//! * [`language`]: the expressions and templates in settings.
//! * [`settings`]: the settings of one connection.
//! * [`core`]: the decisions of a connection.
//! * [`dialogue`]: the conversation of a connection on its socket.
//! * [`placement`]: which node of a cluster holds which names.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Tests may read a clock; the tested code may not (clippy.toml).
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod core;
pub mod decode;
pub mod dialogue;
pub mod language;
pub mod placement;
pub mod settings;
pub mod wire;

/// Runs the README's example as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
