//! The public API of the library is listed in `docs/api.txt`, so that a review shows each change.

use std::{collections::BTreeSet, env, fs, path::Path};

use super::{api_lines, resolver_tests, tree};

const LISTED: &str = "docs/api.txt";

const HEAD: &str = "\
# The public items of the library, each by the path at which a user finds it, and as it is declared there.
# A condition in brackets says what it must be built with. An item with a second path is told once more, with `use`.
# tests/source/api.rs compares; EVERWIRE_BLESS=1 cargo test --test source writes it anew.
";

#[test]
fn the_public_items_are_those_that_are_written_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lines = api_lines::of(&tree::library());
    assert!(lines.len() > 500, "only {} lines were found", lines.len());
    let found = text(&lines);
    if env::var_os("EVERWIRE_BLESS").is_some() {
        fs::write(root.join(LISTED), found).unwrap();
        return;
    }
    let listed = fs::read_to_string(root.join(LISTED)).unwrap_or_default();
    if listed != found {
        panic!("{}", difference(&listed, &found));
    }
}

fn text(lines: &BTreeSet<String>) -> String {
    let mut text = HEAD.to_owned();
    for line in lines {
        text += &format!("\n{line}");
    }
    text + "\n"
}

/// The lines that only one of them has.
fn difference(listed: &str, found: &str) -> String {
    let of = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    let (listed, found) = (of(listed), of(found));
    let gone = listed.difference(&found).map(|line| (line, '-'));
    let new = found.difference(&listed).map(|line| (line, '+'));
    let mut lines: Vec<(&String, char)> = gone.chain(new).collect();
    lines.sort_unstable();
    let mut told = format!("the public items are not those of {LISTED}:\n");
    for (line, sign) in lines {
        told += &format!("{sign} {line}\n");
    }
    told + "EVERWIRE_BLESS=1 writes it anew"
}

#[test]
fn a_difference_is_told_by_its_lines() {
    let listed = "# head\n\na: fn a()\nb: fn b()\n";
    let found = "# head\n\na: fn a(x: u8)\nb: fn b()\n";
    let told = difference(listed, found);
    assert!(told.contains("- a: fn a()\n+ a: fn a(x: u8)\n"), "{told}");
    assert!(!told.contains("fn b()"), "{told}");
}

#[test]
fn items_are_listed_by_the_path_of_their_users() {
    let lib = "mod inner; pub mod open; #[doc(hidden)] pub mod hidden; mod written;
        #[cfg(feature = \"config\")] mod far;
        pub use inner::{Thing, make as build, Kind};
        #[cfg(feature = \"testing\")] pub mod testing { pub fn peer() {} }";
    let inner = "pub struct Thing { pub size: usize, secret: u8 }
        impl Thing { /// Makes it.
            pub const fn new(
                size: usize,
                name: impl Into<String>,
            ) -> Self { todo!() }
            fn quiet(&self) {}
            #[cfg(feature = \"testing\")] pub fn fail(&self) {} }
        impl Default for Thing { fn default() -> Self { todo!() } }
        impl PartialEq<Thing> for str { fn eq(&self, _: &Thing) -> bool { todo!() } }
        impl Private for Thing {}
        impl Handler<Unseen> for Thing {}
        trait Private {}
        pub struct Unseen;
        pub fn make() {}
        #[derive(Clone, Debug)] #[non_exhaustive]
        pub enum Kind { /// One.
            One, Two(u8), Three { /// Named.
                size: usize } }";
    let open = "pub use crate::inner::Thing; pub use crate::written::Count; pub trait Speak: Send { fn speak(&self) -> u8; }
        pub(crate) fn quiet() {} pub const MAX: usize = 5; pub type Short = Vec<u8>;";
    let written = "macro_rules! count { ($name:ident($t:ty)) => { pub struct $name($t); }; } count! { Count(u8) }";
    let files = [
        ("lib.rs", lib),
        ("inner.rs", inner),
        ("open.rs", open),
        ("written.rs", written),
        ("hidden.rs", "pub fn hidden() {}"),
        (
            "far.rs",
            "impl crate::inner::Thing { pub fn far(&self) {} }",
        ),
    ];
    let found = api_lines::of(&resolver_tests::library(&files));
    let found: Vec<String> = found.into_iter().collect();
    assert_eq!(
        found,
        [
            "everwire::Kind: #[derive(Clone, Debug)]",
            "everwire::Kind: #[non_exhaustive] enum Kind",
            "everwire::Kind::One",
            "everwire::Kind::Three { size: usize }",
            "everwire::Kind::Two(u8)",
            "everwire::Thing: impl Default for Thing",
            "everwire::Thing: impl PartialEq<Thing> for str",
            "everwire::Thing: struct Thing { .. }",
            "everwire::Thing::fail: fn fail(&self) [feature = \"testing\"]",
            "everwire::Thing::far: fn far(&self) [feature = \"config\"]",
            "everwire::Thing::new: const fn new(size: usize, name: impl Into<String>) -> Self",
            "everwire::Thing::size: usize",
            "everwire::build: fn make()",
            "everwire::open: mod",
            "everwire::open::Count: written by a macro",
            "everwire::open::MAX: const MAX: usize",
            "everwire::open::Short: type Short = Vec<u8>",
            "everwire::open::Speak: trait Speak: Send",
            "everwire::open::Speak::speak: fn speak(&self) -> u8",
            "everwire::open::Thing: use everwire::Thing",
            "everwire::testing: mod [feature = \"testing\"]",
            "everwire::testing::peer: fn peer() [feature = \"testing\"]",
        ]
    );
}
