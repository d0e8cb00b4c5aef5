//! The command line: one file per command.

mod bulk;
mod check;
mod client;
mod completions;
mod config_path;
mod demo;
mod dial;
mod drain;
mod event_line;
mod explain;
mod explain_code;
mod failure;
mod fate;
mod init;
mod input;
mod ls;
mod man;
mod missing_nodes;
mod moment;
mod nodes;
mod output;
mod parse;
mod probe;
mod record;
mod recording;
mod rehearse;
mod reload;
mod run;
mod schema;
mod send;
mod signals;

mod status;
mod stderr;
mod step;
mod subscriptions;
mod table;
mod tail;
mod where_is;
mod why;
mod words;
mod wrapped;

use std::{ffi::OsString, process::ExitCode};

use clap::{Args as _, CommandFactory as _, Parser, Subcommand};

use self::{client::ApiArgs, failure::Failure};

/// Keeps many named outgoing WebSocket connections up.
#[derive(Debug, Parser)]
#[command(
    name = "everwire",
    version,
    max_term_width = 100,
    after_help = "The options of a client command may also come before it: everwire --api URL ls\n\n\
                  Exit codes: 0 done, 1 failed, 2 usage or invalid configuration."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Rehearse(rehearse::Rehearse),
    Record(record::Record),
    Init(init::Init),
    Demo(demo::Demo),
    Ls(ls::Ls),
    Status(status::Status),
    Why(why::Why),
    Explain(explain_code::Explain),
    Probe(probe::Probe),
    Send(send::Send),
    Fate(fate::FateOf),
    Tail(tail::Tail),
    Subscribe(subscriptions::Subscribe),
    Unsubscribe(subscriptions::Unsubscribe),
    Subscriptions(subscriptions::Subscriptions),
    Dial(dial::Dial),
    Connect(bulk::Connect),
    Close(bulk::Close),
    Rotate(bulk::Rotate),
    Retry(bulk::Retry),
    Nodes(nodes::Nodes),
    Where(where_is::Where),
    Drain(drain::Drain),
    Reload(reload::Reload),
    Schema(schema::Schema),
    Completions(completions::Completions),
    #[command(hide = true)]
    Man(man::Man),
}

/// Runs the command. For wrong usage, clap itself ends the process with exit code 2.
pub fn main() -> ExitCode {
    let done = match Cli::parse_from(reordered(std::env::args_os())).command {
        Command::Run(run) => run.execute(),
        Command::Check(check) => check.execute(),
        Command::Rehearse(rehearse) => rehearse.execute(),
        Command::Record(record) => record.execute(),
        Command::Init(init) => init.execute(),
        Command::Demo(demo) => demo.execute(),
        Command::Ls(ls) => ls.execute(),
        Command::Status(status) => status.execute(),
        Command::Why(why) => why.execute(),
        Command::Explain(explain) => explain.execute(),
        Command::Probe(probe) => probe.execute(),
        Command::Send(send) => send.execute(),
        Command::Fate(fate) => fate.execute(),
        Command::Tail(tail) => tail.execute(),
        Command::Subscribe(subscribe) => subscribe.execute(),
        Command::Unsubscribe(unsubscribe) => unsubscribe.execute(),
        Command::Subscriptions(subscriptions) => subscriptions.execute(),
        Command::Dial(dial) => dial.execute(),
        Command::Connect(connect) => connect.execute(),
        Command::Close(close) => close.execute(),
        Command::Rotate(rotate) => rotate.execute(),
        Command::Retry(retry) => retry.execute(),
        Command::Nodes(nodes) => nodes.execute(),
        Command::Where(place) => place.execute(),
        Command::Drain(drain) => drain.execute(),
        Command::Reload(reload) => reload.execute(),
        Command::Schema(schema) => schema.execute(),
        Command::Completions(completions) => completions.execute(Cli::command()),
        Command::Man(man) => man.execute(Cli::command()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}

/// Moves the options for the service's address from before the command to behind it, as in
/// `everwire --api URL ls`. A command that uses no service then refuses them. As global arguments
/// of clap, all commands would accept them and list them in the help.
fn reordered(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let known = ApiArgs::augment_args(clap::Command::new("known"));
    let is_known = |name: &str| {
        known.get_arguments().any(|arg| {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(name) || aliases.contains(&name)
        })
    };
    let mut args = args.into_iter();
    let mut ordered: Vec<_> = args.next().into_iter().collect();
    let mut moved = Vec::new();
    while let Some(arg) = args.next() {
        let option = arg.to_str().and_then(|arg| arg.strip_prefix("--"));
        let name = option.map(|option| option.split('=').next().unwrap_or(option));
        if !name.is_some_and(is_known) {
            ordered.push(arg);
            break;
        }
        let has_value = option.is_some_and(|option| option.contains('='));
        moved.push(arg);
        if !has_value {
            moved.extend(args.next());
        }
    }
    ordered.extend(moved);
    ordered.extend(args);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_all_commands_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_the_service_are_moved_behind_the_command_and_no_others() {
        let reordered = |args: &str| {
            let args = args.split(' ').map(OsString::from);
            let args = reordered(args).into_iter();
            let args: Vec<_> = args.map(|arg| arg.into_string().unwrap()).collect();
            args.join(" ")
        };
        for (given, expected) in [
            ("e ls", "e ls"),
            ("e", "e"),
            ("e --api u ls -x", "e ls --api u -x"),
            ("e --api=u --token t ls", "e ls --api=u --token t"),
            ("e --cert c --key k ls", "e ls --cert c --key k"),
            ("e --api u", "e --api u"),
            ("e --api", "e --api"),
            ("e --version ls", "e --version ls"),
            ("e send feed --api u", "e send feed --api u"),
        ] {
            assert_eq!(reordered(given), expected);
        }
    }
}
