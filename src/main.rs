//! The `everwire` program: arguments → settings → system → shutdown.
//!
//! The command line and the service are modules of the binary, so that the compiler holds them to the library's
//! public API: a program of your own can do all that this one does.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli;
mod service;
mod terminal;

/// Many sockets, and threads that live as long as the process: this one takes less memory for each than the C library's, and asks
/// the kernel for more of it in larger pieces.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
