//! The pure parts of [everwire](https://docs.rs/everwire), without I/O: for whoever brings another runtime.
//!
//! Time and randomness are arguments, effects are return values. Nothing here knows a socket, a file, a clock or a thread.
//!
//! * [`wire`]: bytes in, messages out, and back (RFC 6455, RFC 7692).
//! * [`decode`]: what a peer does to its messages before they are frames.
//! * [`language`]: what stands inside the values of settings.
//! * [`settings`]: what one connection is to do.
//! * [`core`]: what a connection decides.
//! * [`dialogue`]: what a connection says and expects on its socket.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Tests may look at a clock; what is tested may not (clippy.toml).
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod core;
pub mod decode;
pub mod dialogue;
pub mod language;
pub mod settings;
pub mod wire;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
