//! The commands that query a running service.

use std::process::{Command, Output};

use super::{everwire, http::Client, stderr, stdout};

/// The command for this service.
pub fn command(service: &Client, args: &[&str]) -> Command {
    let mut command = everwire(args);
    command
        .env("EVERWIRE_API", format!("http://{}", service.listen))
        .env_remove("EVERWIRE_TOKEN");
    command
}

pub fn ask(service: &Client, args: &[&str]) -> Output {
    command(service, args).output().unwrap()
}

/// Runs it, and asserts that it succeeds without any error output. Returns its output.
#[track_caller]
pub fn done(service: &Client, args: &[&str]) -> String {
    let output = ask(service, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    assert_eq!(stderr(&output), "", "{args:?}");
    stdout(&output)
}
