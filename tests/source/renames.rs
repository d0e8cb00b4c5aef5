//! Old names stay unused: `docs/renames.txt` lists the renames, and each old name must be undefined
//! where the item was and where it is now. Words in comments are allowed.

use std::{collections::BTreeSet, fs, path::Path};

use syn::{
    ImplItem, Item, TraitItem, Type,
    visit::{self, Visit},
};

use super::tree;

const LISTED: &str = "docs/renames.txt";

#[test]
fn what_was_renamed_is_not_called_again_what_it_was_called() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let definitions = definitions();
    let text = fs::read_to_string(root.join(LISTED)).unwrap();
    let renames = renames(&text);
    assert!(renames.len() > 150, "only {} were found", renames.len());
    let wrong: Vec<String> = renames
        .iter()
        .filter_map(|rename| rename.breach(&definitions))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The definitions: a module's path, and an item in it, possibly with its type before it.
type Definitions = BTreeSet<(String, String)>;

struct Rename<'a> {
    old: &'a str,
    new: &'a str,
}

fn renames(text: &str) -> Vec<Rename<'_>> {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (old, new) = line.split_once(" → ").expect(line);
            Rename { old, new }
        })
        .collect()
}

impl Rename<'_> {
    /// The violation, if there is one: the old name is in use, or nothing has the new name.
    fn breach(&self, definitions: &Definitions) -> Option<String> {
        let (old_module, old_type, old) = parts(self.old);
        let (new_module, new_type, new) = parts(self.new);
        let types = [old_type, new_type];
        for (module, item) in definitions {
            let is_there = module == &old_module || module == &new_module;
            let (of, name) = item.rsplit_once("::").unwrap_or(("", item));
            if is_there && name == old && types.contains(&of) {
                return Some(format!(
                    "{module}::{item} is called again what {} was",
                    self.old
                ));
            }
        }
        // It may have moved since.
        let item = [new_type, new].join("::");
        let item = item.trim_start_matches("::");
        let is_found = definitions.iter().any(|(_, defined)| defined == item);
        (!is_found).then(|| format!("nothing is {}; it was {}", self.new, self.old))
    }
}

/// The module, the type if there is one, and the name.
fn parts(path: &str) -> (String, &str, &str) {
    let (before, name) = path.rsplit_once("::").unwrap_or(("", path));
    let (module, of) = before.rsplit_once("::").unwrap_or(("", before));
    match of.starts_with(char::is_uppercase) {
        true => (module.to_owned(), of, name),
        false => (before.to_owned(), "", name),
    }
}

/// The definitions of all crates.
fn definitions() -> Definitions {
    let mut finder = Finder::default();
    for (file, text) in tree::WORKSPACE.into_iter().flat_map(tree::read) {
        let module = file.trim_end_matches(".rs").replace('/', "::");
        let module = module.strip_suffix("::mod").unwrap_or(&module);
        finder.module = match module {
            "lib" | "main" => String::new(),
            module => module.to_owned(),
        };
        finder.of = String::new();
        finder.visit_file(&syn::parse_file(&text).expect(&file));
    }
    finder.found
}

#[derive(Default)]
struct Finder {
    module: String,
    /// The type whose members are visited.
    of: String,
    found: Definitions,
}

impl Finder {
    fn note(&mut self, name: &syn::Ident) {
        let item = match self.of.as_str() {
            "" => name.to_string(),
            of => format!("{of}::{name}"),
        };
        self.found.insert((self.module.clone(), item));
    }

    fn inside(&mut self, of: String, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.of, of);
        visit(self);
        self.of = before;
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item(&mut self, item: &'ast Item) {
        let name = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Fn(item) => Some(&item.sig.ident),
            Item::Mod(item) => Some(&item.ident),
            Item::Static(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            _ => None,
        };
        if let Some(name) = name {
            self.inside(String::new(), |this| this.note(name));
        }
        let of = match item {
            // Items in a function are private to it.
            Item::Fn(_) => return,
            Item::Impl(item) => type_name(&item.self_ty),
            Item::Mod(_) => String::new(),
            _ => name.map(ToString::to_string).unwrap_or_default(),
        };
        self.inside(of, |this| visit::visit_item(this, item));
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if let ImplItem::Fn(function) = item {
            self.note(&function.sig.ident);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if let TraitItem::Fn(function) = item {
            self.note(&function.sig.ident);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(name) = &field.ident {
            self.note(name);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.note(&variant.ident);
        visit::visit_variant(self, variant);
    }
}

fn type_name(of: &Type) -> String {
    match of {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        Type::Reference(reference) => Some(type_name(&reference.elem)),
        _ => None,
    }
    .unwrap_or_default()
}

#[test]
fn an_old_name_and_a_new_one_that_is_missing_are_found() {
    let found = |module: &str, item: &str| (module.to_owned(), item.to_owned());
    let rename = renames("# why\n\na::gate::Gate::bell → a::outbox::Shared::waker\n")
        .pop()
        .unwrap();
    let good = found("a::outbox::inner", "Shared::waker");
    assert_eq!(rename.breach(&[good.clone()].into()), None);
    assert!(rename.breach(&Definitions::new()).is_some());
    for old in [
        found("a::gate", "Gate::bell"),
        found("a::outbox", "Shared::bell"),
    ] {
        assert!(rename.breach(&[good.clone(), old].into()).is_some());
    }
    for other in [found("a::outbox", "bell"), found("b", "Shared::bell")] {
        assert_eq!(rename.breach(&[good.clone(), other].into()), None);
    }
}
