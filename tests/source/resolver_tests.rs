//! Tests the reader of the source on small sources.

use super::{
    api_lines, names,
    tree::{Crate, LIBRARY, PROGRAM, Sources, Tree},
};

/// A crate below the library.
const LOWER: Crate = Crate {
    name: "everwire_lower",
    sources: "crates/everwire-lower/src",
    prefix: "lower/",
};

/// A library of these files.
pub fn library(files: &[(&str, &str)]) -> Tree {
    Tree::new(&[(LIBRARY, sources(files))])
}

fn sources(files: &[(&str, &str)]) -> Sources {
    let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    files.iter().map(owned).collect()
}

/// The edges of a library of these files, as `from -> to: item`.
fn edges(files: &[(&str, &str)]) -> Vec<String> {
    edges_of(&library(files))
}

fn edges_of(tree: &Tree) -> Vec<String> {
    let reading = names::read(tree);
    assert!(reading.lost.is_empty(), "{:?}", reading.lost);
    let lines = reading.edges.iter();
    let mut lines: Vec<String> = lines
        .map(|edge| format!("{} -> {}: {}", edge.from, edge.to, edge.item))
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn groups_renames_and_globs_lead_to_the_file_that_defines() {
    let lib = "mod a; mod b; mod c; mod d;";
    let a = "pub struct One; pub struct Two; pub enum Three { X } pub fn four() {}";
    let b = "use crate::a::{One as Uno, Two};";
    let c = "use super::a::*; fn f() { four(); let _ = Three::X; }";
    let d = "use crate::{a::{self, Three::X}}; fn f(_: a::Two) {}";
    assert_eq!(
        edges(&[
            ("lib.rs", lib),
            ("a.rs", a),
            ("b.rs", b),
            ("c.rs", c),
            ("d.rs", d)
        ]),
        [
            "b.rs -> a.rs: One",
            "b.rs -> a.rs: Two",
            "c.rs -> a.rs: Three",
            "c.rs -> a.rs: four",
            "d.rs -> a.rs: Three",
            "d.rs -> a.rs: Two",
        ]
    );
}

#[test]
fn a_re_export_is_followed_and_is_no_edge_of_the_parent() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use self::a::Deep;"),
        (
            "a/mod.rs",
            "mod deep; mod other; pub(crate) use self::deep::{Deep, make}; pub use crate::b::Other;",
        ),
        ("a/deep.rs", "pub struct Deep; pub fn make() {}"),
        ("a/other.rs", "use super::Deep;"),
        (
            "b.rs",
            "pub struct Other; fn f() -> crate::Deep { crate::a::make() }",
        ),
    ];
    assert_eq!(
        edges(&files),
        [
            // An item outside of the parent is named by it.
            "a/mod.rs -> b.rs: Other",
            "a/other.rs -> a/deep.rs: Deep",
            "b.rs -> a/deep.rs: Deep",
            "b.rs -> a/deep.rs: make",
        ]
    );
}

#[test]
fn a_private_use_is_an_edge_and_passes_on_to_the_modules_inside() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod child; use crate::b::Thing; fn f(_: Thing) {}"),
        ("a/child.rs", "use super::Thing;"),
        ("b.rs", "pub struct Thing;"),
    ];
    assert_eq!(
        edges(&files),
        ["a.rs -> b.rs: Thing", "a/child.rs -> b.rs: Thing"]
    );
}

#[test]
fn a_module_and_a_function_of_one_name_do_not_meet() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        (
            "a/mod.rs",
            "mod probe; pub(crate) use self::probe::probe; pub(crate) use self::probe::Probed;",
        ),
        ("a/probe.rs", "pub fn probe() {} pub struct Probed;"),
        ("b.rs", "use crate::a::{probe, Probed};"),
    ];
    assert_eq!(
        edges(&files),
        ["b.rs -> a/probe.rs: Probed", "b.rs -> a/probe.rs: probe"]
    );
}

#[test]
fn the_program_names_the_library_by_its_name() {
    let library = [
        ("lib.rs", "pub mod a; pub use a::Thing;"),
        ("a.rs", "pub struct Thing; fn f() { everwire::a::f() }"),
    ];
    let program = [
        ("main.rs", "mod cli; fn main() { cli::main() }"),
        (
            "cli.rs",
            "use everwire::Thing; pub fn main() { everwire::a::Thing; }",
        ),
    ];
    let tree = Tree::new(&[(LIBRARY, sources(&library)), (PROGRAM, sources(&program))]);
    assert_eq!(
        edges_of(&tree),
        ["cli.rs -> a.rs: Thing", "main.rs -> cli.rs: main"]
    );
}

#[test]
fn what_a_crate_passes_on_leads_to_the_crate_that_defines_it() {
    let lower = [
        ("lib.rs", "pub mod core; pub use core::Cause;"),
        ("core.rs", "pub struct Cause; pub fn decide() {}"),
    ];
    let library = [
        ("lib.rs", "mod hub; pub use everwire_lower::{core, Cause};"),
        (
            "hub.rs",
            "use crate::{core::decide, Cause}; fn f(_: everwire_lower::core::Cause) {}",
        ),
    ];
    let program = [(
        "main.rs",
        "use everwire::Cause; fn main() { everwire::core::decide() }",
    )];
    let tree = Tree::new(&[
        (LOWER, sources(&lower)),
        (LIBRARY, sources(&library)),
        (PROGRAM, sources(&program)),
    ]);
    assert_eq!(
        edges_of(&tree),
        [
            "hub.rs -> lower/core.rs: Cause",
            "hub.rs -> lower/core.rs: decide",
            "lib.rs -> lower/core.rs: Cause",
            "main.rs -> lower/core.rs: Cause",
            "main.rs -> lower/core.rs: decide",
        ]
    );
    let shown = api_lines::of(&tree);
    for line in [
        "everwire::Cause: struct Cause",
        "everwire::core::decide: fn decide()",
    ] {
        assert!(shown.contains(line), "{line:?} in {shown:?}");
    }
}

#[test]
fn tests_name_nothing() {
    let b = "#[cfg(test)] use crate::a::One;
        #[cfg(all(test, unix))] mod tests { use crate::a::One; }
        #[test] fn t() { crate::a::one(); }
        fn f() { #[cfg(test)] crate::a::one(); #[cfg(test)] { crate::a::one(); } }
        #[cfg(not(test))] use crate::a::Two;
        #[cfg(any(test, feature = \"testing\"))] use crate::a::Three;";
    let files = [
        ("lib.rs", "mod a; mod b; #[cfg(test)] mod c;"),
        (
            "a.rs",
            "pub struct One; pub struct Two; pub struct Three; pub fn one() {}",
        ),
        ("b.rs", b),
        ("c.rs", "mod inner { mod deep; }"),
        ("c/inner/deep.rs", "use crate::a::One;"),
    ];
    assert_eq!(edges(&files), ["b.rs -> a.rs: Three", "b.rs -> a.rs: Two"]);
}

#[test]
fn macros_attributes_and_blocks_are_read() {
    let b = "use crate::m::make;
        make! { /// A word with crate::a::Nine in it.
            Made(u8) }
        #[derive(Debug)] struct S { #[serde(with = \"crate::a::text\", rename = \"one\")] x: u8 }
        fn f(one: u8) -> bool { use crate::a::code; let two = one; println!(\"{}\", code::NORMAL + two);
            matches!(x.one, crate::a::Kind::A) }";
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod m;"),
        (
            "a.rs",
            "pub mod code { pub const NORMAL: u8 = 1; } pub enum Kind { A } pub fn text() {} pub fn one() {} pub struct Nine;",
        ),
        ("b.rs", b),
        ("c.rs", "use super::b::Made;"),
        (
            "m.rs",
            "macro_rules! make { ($name:ident($t:ty)) => { pub struct $name($t); impl $crate::a::Kind {} }; } pub(crate) use make;",
        ),
    ];
    assert_eq!(
        edges(&files),
        [
            "b.rs -> a.rs: Kind",
            "b.rs -> a.rs: NORMAL",
            "b.rs -> a.rs: text",
            "b.rs -> m.rs: make",
            "c.rs -> b.rs: Made",
            "m.rs -> a.rs: Kind",
        ]
    );
}

#[test]
fn a_variable_is_no_item_and_a_foreign_crate_no_module() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub fn delay() {} pub struct Vec; pub mod url {}"),
        (
            "b.rs",
            "use super::a::*; fn f(delay: u8) -> u8 { let _ = ::url::parse(); g(|x| x + delay) }",
        ),
    ];
    assert_eq!(edges(&files), [""; 0]);
}

#[test]
#[should_panic(expected = "no `mod` leads to [\"b.rs\"]")]
fn a_file_that_nothing_declares_is_told() {
    edges(&[("lib.rs", "mod a;"), ("a.rs", ""), ("b.rs", "")]);
}
