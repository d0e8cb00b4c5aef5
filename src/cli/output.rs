//! Standard output and standard error, without the panics of `println!`.

use std::io::{self, IsTerminal, Write};

use super::Failure;

/// Writes a text and a line end to standard output.
///
/// # Errors
///
/// [`Failure::Output`], which knows a closed pipe.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(Failure::Output)
}

/// Writes a text and a line end to standard error; when that is closed, there is nobody left to tell.
pub fn complain(text: &str) {
    let _unheard = writeln!(io::stderr(), "{text}");
}

/// Whether colours may be used: on a terminal that knows them, unless `NO_COLOR` is set (no-color.org).
pub fn is_colored(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    stream.is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_none_or(|term| term != "dumb")
}
