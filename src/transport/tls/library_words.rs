//! Readable texts for errors of the TLS libraries: some of these have only the name of their
//! variant.

use std::{error::Error, fmt};

/// Splits the name of a variant into words: `UnknownCA` becomes "unknown CA". Text behind the name
/// is dropped.
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

/// The text of an error. If it is only the name of a variant, splits it into words.
pub(super) fn spoken(error: &(dyn Error + Send + Sync)) -> String {
    let text = error.to_string();
    match text.contains(' ') && !text.contains(['(', '{']) {
        true => text,
        false => words(error),
    }
}
