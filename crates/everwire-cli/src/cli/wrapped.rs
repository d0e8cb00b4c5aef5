//! Paragraphs as wide as the terminal.

use unicode_width::UnicodeWidthStr as _;

use super::words;

/// Narrower columns are not filled: each would have one word per line.
const NARROWEST: usize = 24;

/// A text in lines of at most `width` columns. The first line begins after `first` columns, the
/// others after `further`. A longer word stays whole, so that text from a configuration can be
/// copied.
pub fn wrapped(text: &str, first: usize, further: usize, width: Option<usize>) -> Vec<String> {
    let text = words::printable(text);
    let mut lines = vec![" ".repeat(first)];
    let mut is_empty = true;
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else {
            break;
        };
        let fits = width.is_none_or(|width| {
            let width = width.max(further + NARROWEST);
            line.width() + 1 + word.width() <= width
        });
        match (is_empty, fits) {
            (true, _) => line.push_str(word),
            (false, true) => {
                line.push(' ');
                line.push_str(word);
            }
            (false, false) => lines.push(format!("{}{word}", " ".repeat(further))),
        }
        is_empty = false;
    }
    lines
}
