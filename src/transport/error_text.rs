//! What the operating system says of an error, in the form in which we tell it.

use std::io;

/// The text of the operating system, lowercase and without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    match characters.next() {
        // An acronym keeps its case: "SSL error" is no "sSL error".
        Some(first) if !characters.as_str().starts_with(char::is_uppercase) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_system_lose_their_number_and_capital() {
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(plain(&refused), "connection refused");
        assert_eq!(plain(&io::Error::other("SSL broke")), "SSL broke");
        assert_eq!(plain(&io::Error::other("")), "");
    }
}
