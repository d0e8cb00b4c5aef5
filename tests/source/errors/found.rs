//! Finds the errors in the source.

use std::collections::BTreeSet;

use syn::{
    Attribute, Expr, ExprCall, ExprMethodCall, ExprStruct, ImplItemFn, Item, ItemFn, Lit, Local,
    Meta,
    visit::{self, Visit},
};

use super::{
    super::tree::{Tree, attributes},
    literals::{self, Variables},
};

/// An error, or a code of errors, with the cells of its row.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub kind: Kind,
    /// The order in the source, for errors that are not sorted alphabetically.
    order: usize,
    pub columns: Vec<String>,
}

/// Where the error appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Code,
    Configuration,
    Language,
    Problem,
    Typed,
}

/// The constructors of a problem, and their statuses.
const PROBLEMS: [(&str, &str); 11] = [
    ("bad_request", "400"),
    ("unauthorized", "401"),
    ("forbidden", "403"),
    ("not_found", "404"),
    ("too_slow", "408"),
    ("conflict", "409"),
    ("unsupported_type", "415"),
    ("unprocessable", "422"),
    ("upgrade_required", "426"),
    ("too_many", "429"),
    ("unavailable", "503"),
];

/// The files with codes, and the text above their table.
pub const CODES: [(&str, &str); 8] = [
    ("LOSSES", "Causes of a loss"),
    ("STATES", "Causes of a state"),
    ("REASONS", "Reasons of a problem"),
    ("FATES", "Fates of a problem"),
    ("DROPS", "Reasons of dropped messages"),
    ("BRIDGE", "Errors of the bridge to NATS"),
    (
        "BRIDGE_DROPS",
        "Reasons of messages that the bridge to NATS dropped",
    ),
    ("CLUSTER", "Why a node of a cluster holds nothing any more"),
];

/// Finds all errors in these crates.
pub fn all(tree: &Tree) -> BTreeSet<Found> {
    let mut finder = Finder::default();
    for module in &tree.modules {
        for item in &module.items {
            finder.visit_item(item);
        }
    }
    finder.found
}

#[derive(Default)]
struct Finder {
    found: BTreeSet<Found>,
    variables: Variables,
    count: usize,
}

impl Finder {
    fn add(&mut self, kind: Kind, order: usize, columns: Vec<String>) {
        self.found.insert(Found {
            kind,
            order,
            columns,
        });
    }

    /// A message and its help, each of which may have several variants.
    fn with_help(&mut self, kind: Kind, message: &Expr, help: &Expr) {
        let help = literals::of(help, &self.variables);
        for text in literals::of(message, &self.variables) {
            self.add(kind, 0, vec![text, help.join("; or: ")]);
        }
    }

    fn typed(&mut self, name: &str, attributes: &[Attribute]) {
        let Some(text) = display(attributes) else {
            return;
        };
        self.add(
            Kind::Typed,
            0,
            vec![format!("`{name}`"), text, documented(attributes)],
        );
    }

    fn codes(&mut self, place: usize, expression: &Expr) {
        let Expr::Array(array) = expression else {
            panic!("the codes are an array");
        };
        for element in &array.elems {
            let Expr::Struct(code) = element else {
                panic!("a code is written as a struct");
            };
            self.count += 1;
            let mut columns = vec![
                CODES[place].1.to_owned(),
                format!("`{}`", field(code, "code")),
            ];
            columns.push(field(code, "meaning"));
            columns.push(field(code, "remedy"));
            self.add(Kind::Code, place * 1_000 + self.count, columns);
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Enum(of) => {
                for variant in &of.variants {
                    self.typed(&format!("{}::{}", of.ident, variant.ident), &variant.attrs);
                }
            }
            Item::Struct(of) => self.typed(&of.ident.to_string(), attributes(item)),
            Item::Const(of) => {
                let name = of.ident.to_string();
                if let Some(place) = CODES.iter().position(|(known, _)| *known == name)
                    && matches!(&*of.ty, syn::Type::Array(_))
                {
                    self.codes(place, &of.expr);
                    return;
                }
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.variables.clear();
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.variables.clear();
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let Some((name, texts)) = literals::of_local(local) {
            self.variables.insert(name, texts);
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let arguments: Vec<&Expr> = call.args.iter().collect();
        if let [_, message, help] = arguments.as_slice() {
            if call.method == "wrong" {
                self.with_help(Kind::Configuration, message, help);
            } else if call.method == "error" || call.method == "warn" {
                self.with_help(Kind::Language, message, help);
            }
        }
        if call.method == "help"
            && let Some(message) = problem_of_a_file(&call.receiver)
            && let [help] = arguments.as_slice()
        {
            self.with_help(Kind::Configuration, message, help);
            return;
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let arguments: Vec<&Expr> = call.args.iter().collect();
        if let Expr::Path(path) = &*call.func {
            let names: Vec<String> = path
                .path
                .segments
                .iter()
                .map(|s| s.ident.to_string())
                .collect();
            match names.as_slice() {
                [.., of, new] if of == "LanguageError" && new == "new" && arguments.len() == 3 => {
                    self.with_help(Kind::Language, arguments[1], arguments[2]);
                }
                [.., of, name] if of == "Problem" || of == "Self" => {
                    let status = PROBLEMS.iter().find(|(known, _)| known == name);
                    if let (Some((_, status)), Some(detail)) = (status, arguments.first()) {
                        for text in literals::of(detail, &self.variables) {
                            self.add(Kind::Problem, 0, vec![(*status).to_owned(), text]);
                        }
                    }
                }
                _ => {}
            }
        }
        visit::visit_expr_call(self, call);
    }
}

/// The message of `Problem::new(place, message)`, or of `Problem::absence`, with possible method
/// calls after it.
fn problem_of_a_file(expression: &Expr) -> Option<&Expr> {
    match expression {
        Expr::MethodCall(call) => problem_of_a_file(&call.receiver),
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else {
                return None;
            };
            let mut names = path.path.segments.iter().rev();
            let is_new = names
                .next()
                .is_some_and(|name| name.ident == "new" || name.ident == "absence");
            let is_problem = names.next().is_some_and(|name| name.ident == "Problem");
            (is_new && is_problem)
                .then(|| call.args.iter().nth(1))
                .flatten()
        }
        _ => None,
    }
}

/// The text of `#[error("…")]`; `None` for a transparent error.
fn display(attributes: &[Attribute]) -> Option<String> {
    let list = attributes
        .iter()
        .find_map(|attribute| match &attribute.meta {
            Meta::List(list) if list.path.is_ident("error") => Some(list),
            _ => None,
        })?;
    let text = literals::first(list.tokens.clone())?;
    text.chars().any(char::is_alphabetic).then_some(text)
}

/// The first paragraph of the documentation, without links.
fn documented(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        let Meta::NameValue(doc) = &attribute.meta else {
            continue;
        };
        if let Expr::Lit(literal) = &doc.value
            && doc.path.is_ident("doc")
            && let Lit::Str(line) = &literal.lit
        {
            let line = line.value();
            if line.trim().is_empty() {
                break;
            }
            text = format!("{text} {}", line.trim()).trim().to_owned();
        }
    }
    without_links(&text)
}

fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        plain += before;
        let (label, after) = behind.split_once(']').unwrap_or((behind, ""));
        plain += label;
        rest = match after.strip_prefix('(') {
            Some(link) => link.split_once(')').map_or("", |(_, after)| after),
            None => after,
        };
    }
    plain + rest
}

fn field(code: &ExprStruct, name: &str) -> String {
    let found = code.fields.iter().find(|field| match &field.member {
        syn::Member::Named(member) => member == name,
        syn::Member::Unnamed(_) => false,
    });
    match found.map(|field| &field.expr) {
        Some(Expr::Lit(literal)) => match &literal.lit {
            Lit::Str(text) => text.value(),
            _ => panic!("{name} is a text"),
        },
        _ => panic!("a code has {name}"),
    }
}

#[test]
fn links_are_told_by_their_words() {
    assert_eq!(
        without_links("as in [`A`](crate::A), [`B`]."),
        "as in `A`, `B`."
    );
}
