//! Texts of the operating system's errors, in our form.

use std::io;

/// The text of the operating system, in lowercase and without the error number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    match characters.next() {
        // An acronym keeps its case: "SSL error" must not become "sSL error".
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
