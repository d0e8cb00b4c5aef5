//! Reads the title of an HTML page in a server's answer.

/// The longest character reference that is decoded, in bytes, without `&` and `;`.
const MAX_REFERENCE: usize = 8;

/// The title of an HTML page. If the text is cut within the title, the part that is there. `None`
/// if the text is not HTML or has no title.
pub(super) fn title(text: &str) -> Option<String> {
    // Both texts have the same length.
    let lower = text.to_ascii_lowercase();
    let start = lower.trim_start_matches('\u{feff}').trim_start();
    let is_page = [
        "<!doctype html",
        "<html",
        "<head",
        "<title",
        "<?xml",
        "<!--",
    ]
    .iter()
    .any(|tag| start.starts_with(tag));
    let open = lower.find("<title").filter(|_| is_page)? + "<title".len();
    let from = open + lower[open..].find('>')? + 1;
    // `<titles>` is another element.
    if !lower[open..].starts_with(|c: char| c == '>' || c.is_ascii_whitespace()) {
        return None;
    }
    let until = lower[from..].find("</title");
    let title = until.map_or(&text[from..], |until| &text[from..from + until]);
    let title = unescaped(title.trim());
    (!title.is_empty()).then_some(title)
}

/// Replaces character references: numeric ones, and the few names that are common in titles.
fn unescaped(text: &str) -> String {
    let mut unescaped = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        unescaped.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(MAX_REFERENCE + 2).position(|b| b == b';');
        match end.and_then(|end| Some((character(&rest[1..end])?, end))) {
            Some((c, end)) => {
                unescaped.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                unescaped.push('&');
                rest = &rest[1..];
            }
        }
    }
    unescaped + rest
}

fn character(reference: &str) -> Option<char> {
    let code = |text: &str, radix| {
        u32::from_str_radix(text, radix)
            .ok()
            .and_then(char::from_u32)
    };
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "ndash" => Some('–'),
        "mdash" => Some('—'),
        "hellip" => Some('…'),
        "copy" => Some('©'),
        _ => match reference.strip_prefix('#')?.split_at_checked(1)? {
            ("x" | "X", digits) => code(digits, 16),
            _ => code(&reference[1..], 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_of_a_page_is_found() {
        for (text, expected) in [
            (
                "<html><head><title>403 Forbidden</title>",
                Some("403 Forbidden"),
            ),
            ("<!DOCTYPE HTML PUBLIC><Title id=a> ü </TITLE >", Some("ü")),
            (
                "<?xml version=1?><html><title>a &amp;lt; b",
                Some("a &lt; b"),
            ),
            (
                "<html><title>&#72;&#x65;&#X6C;&#0;&#1234567890;&unknown;&",
                Some("Hel\0&#1234567890;&unknown;&"),
            ),
            ("<html><title></title>", None),
            ("<html><titles>a</titles>", None),
            ("<html><body>busy", None),
            ("<html><title", None),
            ("see <title>a</title>", None),
            ("{\"html\":\"<title>a</title>\"}", None),
            ("", None),
        ] {
            assert_eq!(title(text).as_deref(), expected, "{text:?}");
        }
    }
}
