//! The program uses only the public items of the library, and the library only those of the pure
//! crate. No crate may avoid this by including a file of another crate.

use super::tree::{self, WORKSPACE};

#[test]
fn no_crate_takes_a_source_of_another() {
    for of in WORKSPACE {
        let sources = tree::read(of);
        assert!(sources.len() > 10, "{}: {} files", of.name, sources.len());
        for (file, text) in sources {
            let around = text.lines().find(|line| goes_round(line));
            assert_eq!(around, None, "{}/{file}", of.sources);
        }
    }
}

fn goes_round(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.contains("#[path") || code.contains("include!(")
}

#[test]
fn ways_round_the_border_are_seen() {
    assert!(goes_round("#[path = \"../../src/hub/mod.rs\"]"));
    assert!(goes_round("include!(\"other.rs\");"));
    assert!(!goes_round(
        "const PAGE: &str = include_str!(\"page.html\"); // not include!(…)"
    ));
}
