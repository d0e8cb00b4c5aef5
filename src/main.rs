//! The `everwire` program: arguments → settings → system → shutdown.
//!
//! The command line and the service are modules of the binary, so that the compiler holds them to the library's
//! public API: a program of your own can do all that this one does.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli;
mod service;
mod terminal;

fn main() -> std::process::ExitCode {
    cli::main()
}
