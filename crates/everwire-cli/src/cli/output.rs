//! Standard output, without the panics of `println!`.

use std::io::{self, Write};

use everwire::core::displayable_json;

use super::Failure;
use crate::terminal::harmless;

/// Writes a text and a line end to standard output, for a person. Of control sequences, only
/// colours and line ends pass.
///
/// # Errors
///
/// [`Failure::Output`], which recognises a closed pipe.
pub fn print(text: &str) -> Result<(), Failure> {
    print_raw(&harmless(text))
}

/// Writes a JSON text and a line end to standard output. Characters that are not displayable are
/// escaped, which does not change the value.
///
/// # Errors
///
/// [`Failure::Output`], which recognises a closed pipe.
pub fn print_json(json: &str) -> Result<(), Failure> {
    print_raw(&displayable_json(json))
}

/// Writes a text and a line end to standard output, unchanged. Texts of others must not be written
/// so, except into a pipe.
///
/// # Errors
///
/// [`Failure::Output`], which recognises a closed pipe.
pub fn print_raw(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(Failure::Output)
}
