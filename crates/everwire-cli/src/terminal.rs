//! What a terminal supports.

use std::io::IsTerminal;

use everwire::core::displayable;

/// Whether to use colours: on a terminal that supports them, unless `NO_COLOR` is set
/// (no-color.org).
pub fn is_colored(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    stream.is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_none_or(|term| term != "dumb")
}

/// The text with only displayable characters, line ends, tabs and colours. This is the last filter
/// before a terminal. Texts of a peer have already passed [`displayable`], which also removes their
/// line ends.
pub fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\t', '\x1b']) {
        let (before, from) = rest.split_at(at);
        harmless.push_str(&displayable(before));
        let (kept, behind) = from.split_at(color_len(from).unwrap_or(1));
        harmless.push_str(if kept == "\x1b" { " " } else { kept });
        rest = behind;
    }
    harmless.push_str(&displayable(rest));
    harmless
}

/// The length of a colour sequence (ECMA-48 §8.3.117) at the start of the text.
fn color_len(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_colours_pass_and_nothing_else_that_is_not_displayable() {
        for (text, expected) in [
            ("a\n\tb", "a\n\tb"),
            (
                "\x1b[31mred\x1b[0m, \x1b[1;32mtoo",
                "\x1b[31mred\x1b[0m, \x1b[1;32mtoo",
            ),
            ("\x1b[2J\x1b]0;title\x07\x1b", " [2J ]0;title  "),
            ("\x1b[31", " [31"),
            ("\x1b\x1b[1m", " \x1b[1m"),
            ("a\rb\u{9b}2J\u{202e}c", "a b 2J\u{fffd}c"),
        ] {
            assert_eq!(harmless(text), expected);
        }
    }
}
