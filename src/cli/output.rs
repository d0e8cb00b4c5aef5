//! Standard output and standard error, without the panics of `println!`.

use std::io::{self, Write};

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
