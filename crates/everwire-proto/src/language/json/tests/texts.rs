//! Random texts and pointers.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

/// Keys that are indices, nearly indices, long, alike, and hard to write.
const KEYS: [&str; 16] = [
    "",
    "a",
    "b",
    "ab",
    "0",
    "1",
    "2",
    "00",
    "-",
    "~",
    "/",
    "\"",
    "ä\\",
    "\u{1f600}",
    "timestamp-of-a",
    "timestamp-of-b",
];

const SCALARS: [&str; 28] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "7",
    "-12",
    "1.50",
    "0.001",
    "1e3",
    "1E+2",
    "-2.5e-7",
    "12345678",
    "123456789012345678901234567890",
    "9007199254740993",
    "18446744073709551615",
    "\"\"",
    "\"x\"",
    "\"plain text that is longer than a word\"",
    "\"1234567\"",
    "\"12345678\"",
    "\"\\u0061\\n\"",
    "\"\\ud83d\\ude00\"",
    "\"[,]{:}\"",
    "\"seven \\\"\"",
    "\"\\\\\"",
    "\"ä\"",
    "\"\u{7f}\u{2028}\"",
];

/// Tokens and parts of them, possibly in a wrong place.
const PIECES: [&str; 44] = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", " ", "\n", "\t", "\r", "\u{c}", "\u{a0}", "\u{feff}",
    "null", "true", "false", "nul", "True", "NaN", "Infinity", "0", "01", "1.", ".5", "-", "+1",
    "1e", "1e+", "1.5.2", "0x1", "--1", "1 2", "\u{0}", "\u{1f}", "\\x", "\\u12", "\\u12g4",
    "\\ud800", "\\udc00x", "//", "'a'", "\"a\":",
];

/// A JSON text, possibly with duplicate keys; `space` is between its tokens.
pub(super) fn json(space: &'static str) -> BoxedStrategy<String> {
    let list = move |open: char, items: Vec<String>, close: char| {
        let items = items.join(&format!("{space},{space}"));
        format!("{open}{space}{items}{space}{close}")
    };
    let member = move |(key, value)| format!("{key}{space}:{space}{value}");
    let leaf = select(&SCALARS[..]).prop_map(str::to_owned);
    let json = leaf.prop_recursive(6, 60, 5, move |inner| {
        let members = vec((key(), inner.clone()).prop_map(member), 0..6);
        prop_oneof![
            vec(inner, 0..5).prop_map(move |items| list('[', items, ']')),
            members.prop_map(move |members| list('{', members, '}')),
        ]
    });
    json.boxed()
}

/// A written key, possibly with unnecessary escapes.
fn key() -> impl Strategy<Value = String> {
    (select(&KEYS[..]), any::<bool>()).prop_map(|(key, escaped)| {
        if !escaped {
            return serde_json::to_string(key).unwrap();
        }
        let units = key.encode_utf16();
        let escapes: String = units.map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{escapes}\"")
    })
}

/// A text that is JSON, compact or with white space.
pub(super) fn any_json() -> impl Strategy<Value = String> {
    prop_oneof![json(""), json(" "), json("\n         \t")]
}

/// A JSON text from which something was cut, or into which something was inserted or copied.
pub(super) fn nearly_json() -> impl Strategy<Value = String> {
    let change = (any::<Index>(), 0..6_usize, select(&PIECES[..]), 0..4_u8);
    (any_json(), vec(change, 1..3)).prop_map(|(mut text, changes)| {
        for (at, len, piece, kind) in changes {
            let places = text.char_indices().map(|(at, _)| at);
            let places: Vec<usize> = places.chain([text.len()]).collect();
            let at = at.index(places.len());
            let (from, to) = (places[at], places[(at + len).min(places.len() - 1)]);
            match kind {
                0 => text.insert_str(from, piece),
                1 => text.replace_range(from..to, piece),
                2 => text.truncate(to),
                _ => {
                    let part = text[from..to].to_owned();
                    text.insert_str(to, &part);
                }
            }
        }
        text
    })
}

/// Pointers into such texts, some of which have a target.
pub(super) fn paths() -> impl Strategy<Value = Vec<String>> {
    let path = vec(select(&KEYS[..]), 0..5).prop_map(|keys| {
        let written = |key: &&str| format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        keys.iter().map(written).collect::<String>()
    });
    vec(path, 0..14)
}
