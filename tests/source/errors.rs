//! Every error that a user can see is listed in `docs/errors.md`, generated from the source: the
//! text, the meaning, and the remedy.

mod found;
mod literals;

use std::{collections::BTreeSet, env, fs, path::Path};

use self::found::{Found, Kind};
use super::tree;

const LISTED: &str = "docs/errors.md";

const HEAD: &str = "\
# Errors

Every error that everwire can show. `…` stands for a part that differs from case to case.

The first part lists the codes: stable words, which programs can compare. They stand in statuses, events, metrics and problems.
`everwire explain CODE` prints the same entry. The other parts list the texts, which may get better with each release: do not compare
them in programs.

This file is made from the source. `EVERWIRE_BLESS=1 cargo test --test source` writes it anew.
";

/// The parts of the document.
const PARTS: [(Kind, &str, &str, &[&str]); 4] = [
    (
        Kind::Configuration,
        "Errors of a configuration",
        "`everwire check`, `everwire run` and a reload tell all of them at once, each with its file, line and column. The second column is the \
         help below the source line.",
        &["error", "help"],
    ),
    (
        Kind::Language,
        "Errors of an expression or a template",
        "They are told when the file is read, at the place inside the text.",
        &["error", "help"],
    ),
    (
        Kind::Problem,
        "Problems of the API",
        "The `detail` of an RFC 9457 problem, by the status that it comes with.",
        &["status", "detail"],
    ),
    (
        Kind::Typed,
        "Errors of the library and the program",
        "By their type. A Rust program gets them as values; the program prints them, or answers with them as the `detail` of a problem.",
        &["type", "error", "meaning"],
    ),
];

#[test]
fn each_error_is_listed_as_the_source_has_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = found::all(&tree::workspace());
    for (kind, least) in [
        (Kind::Code, 60),
        (Kind::Configuration, 100),
        (Kind::Language, 30),
        (Kind::Problem, 60),
        (Kind::Typed, 120),
    ] {
        let count = found.iter().filter(|found| found.kind == kind).count();
        assert!(count >= least, "only {count} of {kind:?} were found");
    }
    let text = document(&found);
    if env::var_os("EVERWIRE_BLESS").is_some() {
        fs::write(root.join(LISTED), text).unwrap();
        return;
    }
    let listed = fs::read_to_string(root.join(LISTED)).unwrap_or_default();
    let of = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    let (old, new) = (of(&listed), of(&text));
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    let come = new.difference(&old).map(|line| format!("+ {line}"));
    let lines: Vec<String> = gone.chain(come).collect();
    assert!(
        listed == text,
        "the errors are not those of {LISTED}:\n{}\nEVERWIRE_BLESS=1 writes it anew",
        lines.join("\n")
    );
}

/// A table of codes that is not listed would be explained, and missing here.
#[test]
fn each_table_of_codes_is_listed() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/everwire-cli/src/service/codes");
    let mut tables = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let declared = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub const "));
        let of_codes = declared.filter_map(|rest| Some(rest.split_once(": [Code; ")?.0.to_owned()));
        tables.extend(of_codes);
    }
    let listed = found::CODES.iter().map(|(table, _)| (*table).to_owned());
    assert_eq!(tables, listed.collect());
}

/// The document.
fn document(found: &BTreeSet<Found>) -> String {
    let mut text = HEAD.to_owned() + "\n## Codes\n";
    let mut place = "";
    for code in found.iter().filter(|found| found.kind == Kind::Code) {
        if code.columns[0] != place {
            place = &code.columns[0];
            text += &format!("\n### {place}\n\n");
            text += &table(&["code", "meaning", "remedy"]);
        }
        text += &row(&code.columns[1..]);
    }
    for (kind, title, about, columns) in PARTS {
        text += &format!("\n## {title}\n\n{about}\n\n{}", table(columns));
        for found in found.iter().filter(|found| found.kind == kind) {
            text += &row(&found.columns);
        }
    }
    text
}

fn table(columns: &[&str]) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    line(columns.to_vec()) + &line(vec!["---"; columns.len()])
}

fn row(cells: &[String]) -> String {
    let cells = cells
        .iter()
        .map(|cell| cell.replace('|', "\\|").replace('\n', " "));
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}
