//! Finds a part of a string's value in the text of the file.

use std::ops::Range;

/// The quotes of TOML strings, longer ones first.
const QUOTES: [&str; 4] = ["\"\"\"", "'''", "\"", "'"];

/// The bytes of `raw`, a TOML string with its quotes, for a byte range of its value.
///
/// # Errors
///
/// The byte of `raw` at which it stops matching this value.
pub(super) fn locate(raw: &str, value: &str, span: &Range<usize>) -> Result<Range<usize>, usize> {
    let quotes = QUOTES.into_iter().find(|quotes| raw.starts_with(quotes));
    let quotes = quotes.ok_or(0_usize)?;
    let has_escapes = quotes.starts_with('"');
    let has_lines = quotes.len() == 3;
    let mut at = quotes.len();
    if has_lines {
        // A line end directly after the opening quotes does not count.
        at += raw.get(at..).map_or(0, line_end);
    }
    let mut start = None;
    let mut decoded = 0;
    loop {
        let end = at;
        let rest = raw.get(at..).ok_or(raw.len())?;
        let joined = match has_escapes && has_lines {
            true => joined_lines(rest),
            false => 0,
        };
        at += joined;
        if decoded >= span.start && start.is_none() {
            start = Some(at);
        }
        if let Some(start) = start
            && decoded >= span.end
        {
            return Ok(start..end.max(start));
        }
        let character = value.get(decoded..).and_then(|rest| rest.chars().next());
        let character = character.ok_or(end)?;
        at += written(&rest[joined..], character, has_escapes).ok_or(end)?;
        decoded += character.len_utf8();
    }
}

/// How many bytes encode this character at the start of `raw`.
fn written(raw: &str, character: char, has_escapes: bool) -> Option<usize> {
    if has_escapes && let Some(escape) = raw.strip_prefix('\\') {
        return Some(match escape.chars().next()? {
            'x' => 4,
            'u' => 6,
            'U' => 10,
            _ => 2,
        });
    }
    if character == '\n' && raw.starts_with("\r\n") {
        return Some(2);
    }
    raw.starts_with(character).then(|| character.len_utf8())
}

fn line_end(raw: &str) -> usize {
    ["\r\n", "\n"]
        .into_iter()
        .find(|end| raw.starts_with(end))
        .map_or(0, str::len)
}

/// The length of a backslash at the end of a line, with all white space after it: it stands for
/// nothing.
fn joined_lines(raw: &str) -> usize {
    let Some(behind) = raw.strip_prefix('\\') else {
        return 0;
    };
    let blank = behind.trim_start_matches([' ', '\t']);
    match line_end(blank) {
        0 => 0,
        _ => raw.len() - blank.trim_start_matches([' ', '\t', '\r', '\n']).len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The source text of this part of the value.
    fn part<'a>(raw: &'a str, value: &str, part: &str) -> &'a str {
        let start = value.find(part).unwrap();
        &raw[locate(raw, value, &(start..start + part.len())).unwrap()]
    }

    #[test]
    fn a_part_is_found_in_each_kind_of_string() {
        for (raw, value, wanted, found) in [
            (r#"'/a = "x"'"#, r#"/a = "x""#, "=", "="),
            (r#""/a == \"x\" = 1""#, r#"/a == "x" = 1"#, "= 1", "= 1"),
            (r#""\"x\"""#, r#""x""#, r#""x""#, r#"\"x\""#),
            (r#""\u00e4\U0001F600b\tc""#, "ä\u{1f600}b\tc", "c", "c"),
            (
                r#""\u00e4\U0001F600b\tc""#,
                "ä\u{1f600}b\tc",
                "\u{1f600}b",
                r"\U0001F600b",
            ),
            ("'''\n/a\n = b'''", "/a\n = b", "=", "="),
            ("'''\r\n/a\r\n = b'''", "/a\r\n = b", "= b", "= b"),
            ("'''\r\n/a\r\n = b'''", "/a\n = b", "= b", "= b"),
            ("\"\"\"\n/a \\\n   = b\"\"\"", "/a = b", "= b", "= b"),
            ("\"\"\"a \\  \n\n  b \"\"\"", "a b ", "a ", "a "),
            ("'ä = ü'", "ä = ü", "ü", "ü"),
        ] {
            assert_eq!(part(raw, value, wanted), found, "{raw}");
        }
    }

    #[test]
    fn nothing_stands_between_two_characters_and_at_the_end() {
        assert_eq!(locate("'ab'", "ab", &(1..1)), Ok(2..2));
        assert_eq!(locate(r#""\n""#, "\n", &(1..1)), Ok(3..3));
        assert_eq!(locate("''", "", &(0..0)), Ok(1..1));
    }

    #[test]
    fn what_stands_nowhere_is_not_found() {
        assert_eq!(locate("'cp-{i}'", "cp-7", &(3..4)), Err(4));
        // The text before it is.
        assert_eq!(locate("'cp-{i}'", "cp-7", &(0..2)), Ok(1..3));
        assert_eq!(locate("'a'", "a", &(0..5)), Err(2));
        assert_eq!(locate("5", "5", &(0..1)), Err(0));
        // Not a valid string.
        assert_eq!(locate(r#""\u00"#, "x", &(1..1)), Err(r#""\u00"#.len()));
    }
}
