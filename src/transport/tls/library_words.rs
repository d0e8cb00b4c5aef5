//! What the libraries of TLS say, in words: some of their errors have no text but the name of their code.

use std::{error::Error, fmt};

/// A name of the library's code as words: `UnknownCA` is "unknown CA". What stands behind the name is left out.
pub(super) fn words(name: impl fmt::Debug) -> String {
    let name = format!("{name:?}");
    let end = name.find(|c: char| !c.is_ascii_alphanumeric());
    let name = &name[..end.unwrap_or(name.len())];
    let mut words = String::with_capacity(name.len() + 8);
    let mut after_lower = false;
    for (at, c) in name.char_indices() {
        let mut behind = name[at..].chars().skip(1);
        let next_is_lower = behind.next().is_some_and(char::is_lowercase);
        if c.is_uppercase() && at > 0 && (after_lower || next_is_lower) {
            words.push(' ');
        }
        after_lower = !c.is_uppercase();
        match next_is_lower {
            true => words.extend(c.to_lowercase()),
            false => words.push(c),
        }
    }
    words
}

/// The text of an error, unless that is a name of code.
pub(super) fn spoken(error: &(dyn Error + Send + Sync)) -> String {
    let text = error.to_string();
    match text.contains(' ') && !text.contains(['(', '{']) {
        true => text,
        false => words(error),
    }
}
