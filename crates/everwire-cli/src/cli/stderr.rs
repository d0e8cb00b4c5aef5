//! Standard error, without the panics of `eprintln!`.

use std::io::{self, Write as _};

use crate::terminal::harmless;

/// Writes a text for a person, and a line end, to standard error; when that is closed, there is nobody left to tell.
pub fn complain(text: &str) {
    let _unheard = writeln!(io::stderr(), "{}", harmless(text));
}
