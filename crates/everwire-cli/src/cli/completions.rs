//! `everwire completions`: completion scripts for shells.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Failure, output};

/// Print a completion script for a shell
///
/// For bash: everwire completions bash > /etc/bash_completion.d/everwire
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script for the whole command line.
    ///
    /// # Errors
    ///
    /// [`Failure::Output`].
    pub fn execute(self, mut command_line: Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command_line, "everwire", &mut script);
        output::print_raw(String::from_utf8_lossy(&script).trim_end())
    }
}
