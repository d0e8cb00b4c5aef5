//! The command line: one file per command.

mod bulk;
mod check;
mod client;
mod completions;
mod config_path;
mod demo;
mod dial;
mod event_line;
mod failure;
mod init;
mod input;
mod ls;
mod output;
mod parse;
mod probe;
mod reload;
mod run;
mod schema;
mod send;
mod signals;
mod status;
mod table;
mod tail;
mod why;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::failure::Failure;

/// Keeps many named outgoing WebSocket connections up.
#[derive(Debug, Parser)]
#[command(
    name = "everwire",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage or invalid configuration."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Init(init::Init),
    Demo(demo::Demo),
    Ls(ls::Ls),
    Status(status::Status),
    Why(why::Why),
    Probe(probe::Probe),
    Send(send::Send),
    Tail(tail::Tail),
    Dial(dial::Dial),
    Connect(bulk::Connect),
    Close(bulk::Close),
    Rotate(bulk::Rotate),
    Retry(bulk::Retry),
    Reload(reload::Reload),
    Schema(schema::Schema),
    Completions(completions::Completions),
}

/// Runs the command that the arguments name; clap ends the process itself on wrong usage, with exit code 2.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(run) => run.execute(),
        Command::Check(check) => check.execute(),
        Command::Init(init) => init.execute(),
        Command::Demo(demo) => demo.execute(),
        Command::Ls(ls) => ls.execute(),
        Command::Status(status) => status.execute(),
        Command::Why(why) => why.execute(),
        Command::Probe(probe) => probe.execute(),
        Command::Send(send) => send.execute(),
        Command::Tail(tail) => tail.execute(),
        Command::Dial(dial) => dial.execute(),
        Command::Connect(connect) => connect.execute(),
        Command::Close(close) => close.execute(),
        Command::Rotate(rotate) => rotate.execute(),
        Command::Retry(retry) => retry.execute(),
        Command::Reload(reload) => reload.execute(),
        Command::Schema(schema) => schema.execute(),
        Command::Completions(completions) => completions.execute(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_of_all_commands_are_consistent() {
        Cli::command().debug_assert();
    }
}
