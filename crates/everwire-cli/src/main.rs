//! The `everwire` program: arguments → settings → system → shutdown.
//!
//! The command line and the service are modules of the binary, so that the compiler holds them to the library's
//! public API: a program of your own can do all that this one does.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli;
mod service;
mod terminal;

/// A dial takes some tenth less time by it, and a name a little less memory: docs/decisions.md.
#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
