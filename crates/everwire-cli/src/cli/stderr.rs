//! Standard error, without the panics of `eprintln!`.

use std::io::{self, Write as _};

use crate::terminal::harmless;

/// Writes a text and a line end to standard error, for a person. Errors are ignored: there is
/// nowhere to report them.
pub fn complain(text: &str) {
    let _unheard = writeln!(io::stderr(), "{}", harmless(text));
}
