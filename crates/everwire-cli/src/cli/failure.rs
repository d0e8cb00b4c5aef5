//! Why a command did not succeed, and the exit code that says so.

use std::{io, process::ExitCode};

use everwire::config::Diagnostics;

use super::{client, stderr};
use crate::{service, terminal};

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration is invalid: exit code 2.
    #[error("{0}")]
    Config(Diagnostics),
    /// The same, and it was already printed on standard output.
    #[error("the configuration is invalid")]
    Printed,
    /// The service could not start.
    #[error("{0}")]
    Service(#[from] service::Error),
    /// The embedded peer could not start.
    #[error("the embedded peer cannot be started: {0}")]
    Peer(#[source] io::Error),
    /// A running service could not be asked, or refused: exit code 2 if what was asked is wrong in itself.
    #[error("{0}")]
    Api(#[from] client::Error),
    /// The arguments do not fit the configuration: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// What was asked for did not happen.
    #[error("{0}")]
    Undone(String),
    /// Standard input cannot be used.
    #[error("cannot read standard input: {0}")]
    Input(#[source] io::Error),
    /// Signals cannot be listened for.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
    /// Standard output cannot be written to.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
    /// The terminal cannot be drawn on.
    #[error("cannot draw on the terminal: {0}")]
    Terminal(#[source] io::Error),
}

impl Failure {
    /// Prints it on standard error: errors of a configuration with their source, others in one
    /// line.
    pub fn print(&self) {
        match self {
            Self::Config(diagnostics) => {
                let color = terminal::is_colored(&io::stderr());
                stderr::complain(diagnostics.render(color).trim_end());
            }
            Self::Printed => {}
            _ if self.is_closed_pipe() => {}
            _ => stderr::complain(&format!("error: {self}")),
        }
    }

    /// The exit code. A reader that closes the pipe early, such as `head`, is not a failure.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Printed | Self::Usage(_) => ExitCode::from(2),
            Self::Api(error) if error.is_usage() => ExitCode::from(2),
            _ if self.is_closed_pipe() => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
