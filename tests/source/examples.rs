//! Each public function of the main types has an example in its documentation, which `cargo test
//! --doc` compiles and runs.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use super::{
    api_lines::{self, Function},
    resolver_tests,
    tree::{self, Tree},
};

/// The modules and types whose functions need an example.
const SHOWN: [&str; 12] = [
    "everwire::Delivery",
    "everwire::Batch",
    "everwire::EventKind",
    "everwire::Events",
    "everwire::Handle",
    "everwire::Manager",
    "everwire::Notice",
    "everwire::Receipt",
    "everwire::Update",
    "everwire::events",
    "everwire::hub",
    "everwire::manager",
];

#[test]
fn each_public_function_of_the_manager_its_handles_and_events_has_an_example() {
    let tree = tree::library();
    // The other types of `manager` only hold reported data: the module may have no function of its
    // own.
    for place in SHOWN.iter().filter(|place| **place != "everwire::manager") {
        let any = api_lines::functions(&tree)
            .iter()
            .any(|function| is_of(function, place));
        assert!(any, "no public function of {place} was found");
    }
    let bare = without_example(&tree);
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

/// The public functions without an example, with their places.
fn without_example(tree: &Tree) -> Vec<String> {
    let functions = api_lines::functions(tree).into_iter();
    functions
        .filter(|function| SHOWN.iter().any(|place| is_of(function, place)))
        .filter(|function| !has_example(function.attributes))
        .map(
            |Function {
                 path, file, line, ..
             }| {
                format!("{file}:{line}: {path} has no example in its documentation")
            },
        )
        .collect()
}

fn is_of(function: &Function<'_>, place: &str) -> bool {
    let rest = function.path.strip_prefix(place);
    rest.is_some_and(|rest| rest.starts_with("::"))
}

/// Whether the documentation has a code block that is compiled and run.
fn has_example(attributes: &[Attribute]) -> bool {
    let mut fences = attributes.iter().filter_map(doc_line).filter_map(|line| {
        let fence = line.trim().strip_prefix("```")?;
        Some(fence.trim().to_owned())
    });
    // Every second fence ends a block.
    std::iter::from_fn(|| {
        let begin = fences.next()?;
        let _end = fences.next();
        Some(begin)
    })
    .any(|language| language.is_empty() || language == "rust")
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn a_function_without_an_example_that_runs_is_told_with_its_place() {
    let lib = "mod manager; pub mod events; pub mod other; pub use manager::Manager;";
    let manager = "pub struct Manager; struct Inner;
impl Manager {
    /// With one.
    ///
    /// ```
    /// assert!(true);
    /// ```
    pub fn shown(&self) {}
    /// Without one.
    pub fn bare(&self) {}
    /// ```text
    /// no code
    /// ```
    pub fn prose(&self) {}
    /// ```no_run
    /// loop {}
    /// ```
    pub fn not_run(&self) {}
    fn quiet(&self) {}
    pub(crate) fn ours(&self) {}
}
impl Inner { pub fn inner(&self) {} }
impl Default for Manager { fn default() -> Self { Self } }";
    let files = [
        ("lib.rs", lib),
        ("manager.rs", manager),
        ("events.rs", "/// Free.\npub async fn free() {}"),
        ("other.rs", "pub fn other() {}"),
    ];
    let mut found = without_example(&resolver_tests::library(&files));
    found.sort();
    let told = |place: &str| format!("src/{place} has no example in its documentation");
    assert_eq!(
        found,
        [
            told("events.rs:2: everwire::events::free"),
            told("manager.rs:10: everwire::Manager::bare"),
            told("manager.rs:14: everwire::Manager::prose"),
            told("manager.rs:18: everwire::Manager::not_run"),
        ]
    );
}
