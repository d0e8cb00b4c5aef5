//! Writes texts as JSON strings.

use super::scan::Scan;

/// Writes a text as a JSON string, with its quotes.
///
/// ```
/// use everwire_proto::language::json::write_quoted;
///
/// let mut json = String::new();
/// write_quoted("say \"hi\"\n", &mut json);
/// assert_eq!(json, r#""say \"hi\"\n""#);
/// ```
pub fn write_quoted(text: &str, out: &mut String) {
    out.reserve(text.len() + 2);
    out.push('"');
    write_escaped(text, out);
    out.push('"');
}

/// Writes a text for a place between the quotes of a JSON string: quotes, backslashes and control
/// characters are escaped.
///
/// ```
/// use everwire_proto::language::json::write_escaped;
///
/// let mut json = String::new();
/// write_escaped("a\\b\u{1}", &mut json);
/// assert_eq!(json, r"a\\b\u0001");
/// ```
pub fn write_escaped(text: &str, out: &mut String) {
    // True for nearly all texts. Compilers turn it into a few vector instructions.
    let is_plain = |all, byte: &u8| all & (*byte >= 0x20) & (*byte != b'"') & (*byte != b'\\');
    match text.as_bytes().iter().fold(true, is_plain) {
        true => out.push_str(text),
        false => write_with_escapes(text, out),
    }
}

fn write_with_escapes(text: &str, out: &mut String) {
    let scan = Scan::new(text);
    let mut from = 0;
    loop {
        let to = scan.plain(from);
        out.push_str(scan.text(from, to).unwrap_or_default());
        let Some(byte) = scan.byte(to) else {
            return;
        };
        write_escape(byte, out);
        from = to + 1;
    }
}

fn write_escape(byte: u8, out: &mut String) {
    let short = match byte {
        0x08 => 'b',
        0x0c => 'f',
        b'\n' => 'n',
        b'\r' => 'r',
        b'\t' => 't',
        b'"' | b'\\' => byte.into(),
        _ => {
            let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
            out.push_str("\\u00");
            out.extend([digit(byte >> 4), digit(byte & 0xf)]);
            return;
        }
    };
    out.extend(['\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quoted(text: &str) -> String {
        let mut json = String::new();
        write_quoted(text, &mut json);
        json
    }

    #[test]
    fn each_character_is_written_as_serde_json_writes_it() {
        let all = (0..0x300).chain([0x2028, 0x2029, 0xfeff, 0xffff, 0x1_f600]);
        for character in all.filter_map(char::from_u32) {
            for text in [character.to_string(), format!("1234567{character}89")] {
                assert_eq!(quoted(&text), serde_json::to_string(&text).unwrap());
            }
        }
        assert_eq!(quoted(""), r#""""#);
    }

    proptest! {
        #[test]
        fn a_text_is_written_as_serde_json_writes_it(text in "(.|[\"\\\\\u{0}-\u{1f}]){0,40}") {
            prop_assert_eq!(quoted(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
