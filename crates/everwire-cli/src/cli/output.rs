//! Standard output, without the panics of `println!`.

use std::io::{self, Write};

use everwire::core::displayable_json;

use super::Failure;
use crate::terminal::harmless;

/// Writes a text for a person, and a line end, to standard output. Of what a terminal would obey, only colours and line ends get there.
///
/// # Errors
///
/// [`Failure::Output`], which knows a closed pipe.
pub fn print(text: &str) -> Result<(), Failure> {
    print_raw(&harmless(text))
}

/// Writes a JSON text and a line end to standard output. What is not displayable is escaped, and the text says the same.
///
/// # Errors
///
/// [`Failure::Output`], which knows a closed pipe.
pub fn print_json(json: &str) -> Result<(), Failure> {
    print_raw(&displayable_json(json))
}

/// Writes a text as it is, and a line end, to standard output: nothing that others wrote, unless it is for a pipe.
///
/// # Errors
///
/// [`Failure::Output`], which knows a closed pipe.
pub fn print_raw(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(Failure::Output)
}
