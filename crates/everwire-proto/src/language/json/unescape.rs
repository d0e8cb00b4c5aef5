//! Removes escapes from strings.

use std::borrow::Cow;

/// The text of a scanned string's content; `None` if an escape names half a surrogate pair, which
/// no Rust text can hold.
pub(super) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    // Nearly all are short, and have none.
    if !raw.as_bytes().contains(&b'\\') {
        return Some(raw.into());
    }
    let (plain, mut rest) = raw.split_once('\\')?;
    let mut text = String::with_capacity(raw.len());
    text.push_str(plain);
    loop {
        let (character, behind) = escape(rest)?;
        text.push(character);
        let Some((plain, next)) = behind.split_once('\\') else {
            text.push_str(behind);
            return Some(text.into());
        };
        text.push_str(plain);
        rest = next;
    }
}

/// The character of an escape, and the rest after it; its backslash is removed already.
fn escape(rest: &str) -> Option<(char, &str)> {
    let (kind, behind) = rest.split_at_checked(1)?;
    let character = match kind {
        "b" => '\u{8}',
        "f" => '\u{c}',
        "n" => '\n',
        "r" => '\r',
        "t" => '\t',
        "u" => return by_number(behind),
        // A quote, a backslash or a slash.
        _ => kind.chars().next()?,
    };
    Some((character, behind))
}

/// A character by its UTF-16 number, which takes two escapes beyond U+FFFF.
fn by_number(rest: &str) -> Option<(char, &str)> {
    let (first, behind) = unit(rest)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, behind));
    }
    let (second, behind) = unit(behind.strip_prefix("\\u")?)?;
    let is_pair = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second);
    let number = is_pair.then(|| 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
    Some((char::from_u32(number)?, behind))
}

/// Four hexadecimal digits.
fn unit(rest: &str) -> Option<(u32, &str)> {
    let (digits, behind) = rest.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_escape_stands_for_its_character() {
        for (raw, text) in [
            ("", Some("")),
            ("plain ä", Some("plain ä")),
            (r#"\"\\\/\b\f\n\r\t"#, Some("\"\\/\u{8}\u{c}\n\r\t")),
            (r"a\u0062c", Some("abc")),
            (r"\u00E4\u00e4", Some("ää")),
            (r"\u0000\uffff", Some("\0\u{ffff}")),
            (r"\ud83d\ude00!", Some("😀!")),
            (r"\ud800\udc00\udbff\udfff", Some("\u{10000}\u{10ffff}")),
            (r"\ud83d", None),
            (r"\ude00", None),
            (r"\ude00\ud83d", None),
            (r"\ud83dx\ude00", None),
            (r"\ud83d\n", None),
            (r"\ud83d\ud83d\ude00", None),
            (r"\ud83d\u0041", None),
        ] {
            assert_eq!(unescape(raw).as_deref(), text, "{raw}");
            let known: Option<String> = serde_json::from_str(&format!("\"{raw}\"")).ok();
            assert_eq!(known.as_deref(), text, "{raw}");
        }
        assert!(matches!(unescape("plain"), Some(Cow::Borrowed("plain"))));
    }
}
