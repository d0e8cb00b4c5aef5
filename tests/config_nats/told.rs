//! Files of wrong keys, each followed by all its messages: file, line, column, the marked text, and
//! what would be right.
//!
//! `EVERWIRE_BLESS=1` writes the present messages; read the difference before you commit it.

use std::{env, fs, path::Path};

use everwire::Settings;

use super::memory::Memory;

/// The separator between keys and messages, and between cases.
const TOLD: &str = "--\n";
const NEXT: &str = "\n==\n\n";

/// All messages about a file, with the text that each marks.
fn told(text: &str) -> String {
    let source = Memory::default()
        .with_variable("BAD", "s3cret")
        .with_file("e.toml", text);
    let errors = match Settings::load_with("e.toml", &source) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(errors) => errors,
    };
    let drawn = errors.render(false);
    assert!(!drawn.contains("s3cret"), "{drawn}");
    let each = errors
        .iter()
        .map(|error| format!("{error}    text: {}\n", error.text));
    each.collect()
}

/// Compares the messages of all cases in a file, and returns the number of cases. `whole` makes a
/// file of the keys of a case.
pub fn compare(cases: &Path, whole: impl Fn(&str) -> String) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(cases);
    let listed = fs::read_to_string(&path).unwrap();
    let keys = listed
        .split(NEXT)
        .map(|case| case.split(TOLD).next().unwrap());
    let found: Vec<String> = keys
        .map(|keys| format!("{keys}{TOLD}{}", told(&whole(keys))))
        .collect();
    let cases = found.len();
    let found = found.join(NEXT);
    assert!(!found.contains("s3cret\n"), "{found}");
    if env::var_os("EVERWIRE_BLESS").is_some() {
        fs::write(&path, found).unwrap();
        return cases;
    }
    for (listed, found) in listed.split(NEXT).zip(found.split(NEXT)) {
        assert_eq!(found, listed);
    }
    cases
}
