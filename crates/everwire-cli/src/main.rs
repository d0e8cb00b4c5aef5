//! The `everwire` program: arguments → settings → system → shutdown.
//!
//! The command line and the service are modules of the binary. So the compiler makes them use only
//! the library's public API: another program can do everything that this one does.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli;
mod service;
mod terminal;

/// It makes a dial about a tenth faster, and a name a little smaller: docs/decisions.md.
#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
