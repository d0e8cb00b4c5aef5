//! The modules of the crates as declared, with the items that each defines and imports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Item, UseTree, Visibility, spanned::Spanned as _};

use super::scan;

/// A crate of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crate {
    /// The name by which other crates use it.
    pub name: &'static str,
    /// The folder of its sources.
    pub sources: &'static str,
    /// The prefix of its file keys; the rest is the path below `sources`.
    pub prefix: &'static str,
}

pub const PROTO: Crate = Crate {
    name: "everwire_proto",
    sources: "crates/everwire-proto/src",
    prefix: "proto:",
};

pub const LIBRARY: Crate = Crate {
    name: "everwire",
    sources: "src",
    prefix: "",
};

pub const PROGRAM: Crate = Crate {
    name: "everwire_cli",
    sources: "crates/everwire-cli/src",
    prefix: "",
};

pub const BRIDGE: Crate = Crate {
    name: "everwire_nats",
    sources: "crates/everwire-nats/src",
    prefix: "nats:",
};

pub const CLUSTER: Crate = Crate {
    name: "everwire_cluster",
    sources: "crates/everwire-cluster/src",
    prefix: "cluster:",
};

/// All crates, lowest first.
pub const WORKSPACE: [Crate; 5] = [PROTO, LIBRARY, BRIDGE, CLUSTER, PROGRAM];

/// Files by their path below the folder of their crate's sources, with their text.
pub type Sources = BTreeMap<String, String>;

/// All modules of some crates.
#[derive(Default)]
pub struct Tree {
    pub modules: Vec<Module>,
    /// The root of each crate.
    pub crates: Vec<(Crate, usize)>,
    /// Files that only modules of tests declare.
    pub tests: BTreeSet<String>,
    /// Macros that define an item whose name is a parameter.
    writers: BTreeSet<String>,
}

/// A module, in a file of its own or inside one.
pub struct Module {
    /// The key of its file.
    pub file: String,
    /// The same file, below the folder of the repository.
    pub path: String,
    pub parent: Option<usize>,
    /// The root of its crate.
    pub root: usize,
    pub scope: Scope,
    /// Without items for tests, and without inner modules, which are modules of their own.
    pub items: Vec<Item>,
    /// Whether `pub mod`, not hidden from the documentation, and the conditions of its `cfg`.
    pub public: bool,
    pub features: Vec<String>,
}

/// The names that are visible without a path.
#[derive(Default)]
pub struct Scope {
    pub definitions: Vec<Definition>,
    pub imports: Vec<Import>,
}

pub struct Definition {
    pub name: String,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Module(usize),
    Type,
    Value,
    /// A struct without named fields: a type, and its constructor.
    Both,
    Macro,
}

/// One leaf of a `use`.
#[derive(Clone)]
pub struct Import {
    /// Its name here; `None` for a glob.
    pub name: Option<String>,
    pub path: Vec<String>,
    pub line: usize,
    /// Whether other modules may name it: `pub`, `pub(crate)` and the like.
    pub passed_on: bool,
    /// Whether it is `pub`, not hidden from the documentation, and the conditions of its `cfg`.
    pub public: bool,
    pub features: Vec<String>,
}

/// The library, with the crates that it depends on.
pub fn library() -> Tree {
    let lower = WORKSPACE.iter().position(|of| *of == LIBRARY);
    read_all(&WORKSPACE[..=lower.unwrap()])
}

/// All crates.
pub fn workspace() -> Tree {
    read_all(&WORKSPACE)
}

fn read_all(crates: &[Crate]) -> Tree {
    let crates: Vec<(Crate, Sources)> = crates.iter().map(|of| (*of, read(*of))).collect();
    Tree::new(&crates)
}

/// All Rust files of a crate.
pub fn read(of: Crate) -> Sources {
    let folder = &Path::new(env!("CARGO_MANIFEST_DIR")).join(of.sources);
    let mut sources = Sources::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(&inner).unwrap_or_else(|e| panic!("{}: {e}", inner.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == "rs") {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy();
                sources.insert(name.replace('\\', "/"), fs::read_to_string(&path).unwrap());
            }
        }
    }
    sources
}

impl Tree {
    /// The modules of crates, lowest first. Panics if a file cannot be read, or if no module
    /// declares it.
    pub fn new(crates: &[(Crate, Sources)]) -> Self {
        let mut tree = Self::default();
        for (of, sources) in crates {
            tree.add_crate(*of, sources);
        }
        tree
    }

    fn add_crate(&mut self, of: Crate, sources: &Sources) {
        let parsed: BTreeMap<&str, syn::File> = sources
            .iter()
            .map(|(path, text)| {
                let file = syn::parse_file(text).unwrap_or_else(|error| {
                    let line = error.span().start().line;
                    panic!("{}/{path}:{line}: {error}", of.sources)
                });
                (path.as_str(), file)
            })
            .collect();
        for file in parsed.values() {
            self.note_writers(&file.items);
        }
        let roots = ["lib.rs", "main.rs"].into_iter();
        let mut roots = roots.filter(|root| parsed.contains_key(root));
        let file = roots.next().expect("the file of the crate");
        let place = Place {
            of,
            file: file.to_owned(),
            folder: PathBuf::new(),
            parent: None,
            public: true,
            features: Vec::new(),
        };
        let mut reached = BTreeSet::from([file.to_owned()]);
        let root = self.add(place, &parsed[file].items, &parsed, &mut reached);
        self.crates.push((of, root));
        let lost: Vec<&&str> = parsed
            .keys()
            .filter(|path| !reached.contains(**path))
            .collect();
        assert!(lost.is_empty(), "no `mod` leads to {lost:?}");
    }

    /// The root of a crate, by its name in other crates.
    pub fn crate_root(&self, name: &str) -> Option<usize> {
        let found = self.crates.iter().find(|(of, _)| of.name == name);
        found.map(|(_, root)| *root)
    }

    fn add(
        &mut self,
        place: Place,
        items: &[Item],
        parsed: &BTreeMap<&str, syn::File>,
        reached: &mut BTreeSet<String>,
    ) -> usize {
        let id = self.modules.len();
        let root = place.parent.map_or(id, |parent| self.modules[parent].root);
        self.modules.push(Module {
            file: place.key(),
            path: format!("{}/{}", place.of.sources, place.file),
            parent: place.parent,
            root,
            scope: Scope::default(),
            items: Vec::new(),
            public: place.public,
            features: place.features.clone(),
        });
        let mut scope = Scope::default();
        let mut kept = Vec::new();
        for item in items {
            if let Item::Mod(module) = item {
                let tests = scan::is_for_tests(&module.attrs);
                let name = module.ident.to_string();
                let inner = place.inside(&name, module, id, parsed);
                if inner.file != place.file {
                    reached.insert(inner.file.clone());
                }
                let content = match &module.content {
                    Some((_, items)) => items.as_slice(),
                    None => &parsed[inner.file.as_str()].items,
                };
                if tests {
                    self.leave_out(&inner, content, id, parsed, reached);
                    continue;
                }
                let child = self.add(inner, content, parsed, reached);
                scope.define(&name, Kind::Module(child));
            } else if !scan::is_for_tests(attributes(item)) {
                scope.take(item, &self.writers);
                kept.push(item.clone());
            }
        }
        self.modules[id].scope = scope;
        self.modules[id].items = kept;
        id
    }

    /// Notes the files of a test module and of its inner modules.
    fn leave_out(
        &mut self,
        place: &Place,
        items: &[Item],
        parent: usize,
        parsed: &BTreeMap<&str, syn::File>,
        reached: &mut BTreeSet<String>,
    ) {
        if place.key() != self.modules[parent].file {
            self.tests.insert(place.key());
        }
        for item in items {
            let Item::Mod(module) = item else { continue };
            let inner = place.inside(&module.ident.to_string(), module, parent, parsed);
            reached.insert(inner.file.clone());
            let content = match &module.content {
                Some((_, items)) => items.as_slice(),
                None => &parsed[inner.file.as_str()].items,
            };
            self.leave_out(&inner, content, parent, parsed, reached);
        }
    }

    fn note_writers(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Macro(found) => {
                    if let Some(name) = &found.ident
                        && scan::writes_an_item(&found.mac.tokens)
                    {
                        self.writers.insert(name.to_string());
                    }
                }
                Item::Mod(module) => {
                    if let Some((_, items)) = &module.content {
                        self.note_writers(items);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether a module is another one, or is inside it.
    pub fn is_inside(&self, mut module: usize, outer: usize) -> bool {
        loop {
            if module == outer {
                return true;
            }
            match self.modules[module].parent {
                Some(parent) => module = parent,
                None => return false,
            }
        }
    }
}

/// The location of a module that is not read yet.
struct Place {
    of: Crate,
    file: String,
    /// The folder of its inner modules.
    folder: PathBuf,
    parent: Option<usize>,
    public: bool,
    features: Vec<String>,
}

impl Place {
    fn key(&self) -> String {
        format!("{}{}", self.of.prefix, self.file)
    }

    fn inside(
        &self,
        name: &str,
        module: &syn::ItemMod,
        parent: usize,
        parsed: &BTreeMap<&str, syn::File>,
    ) -> Self {
        let folder = self.folder.join(name);
        let file = if module.content.is_some() {
            self.file.clone()
        } else {
            let plain = format!("{}.rs", folder.display());
            let nested = folder.join("mod.rs").display().to_string();
            let found = [plain, nested]
                .into_iter()
                .find(|file| parsed.contains_key(file.as_str()));
            found.unwrap_or_else(|| {
                panic!("{}/{}: no file of `mod {name}`", self.of.sources, self.file)
            })
        };
        Self {
            of: self.of,
            file,
            folder,
            parent: Some(parent),
            public: is_public(&module.vis) && !scan::is_hidden(&module.attrs),
            features: scan::features(&module.attrs),
        }
    }
}

impl Scope {
    fn define(&mut self, name: &str, kind: Kind) {
        let name = name.to_owned();
        self.definitions.push(Definition { name, kind });
    }

    /// Adds the definitions and imports of an item.
    pub fn take(&mut self, item: &Item, writers: &BTreeSet<String>) {
        match item {
            Item::Const(item) => self.define(&item.ident.to_string(), Kind::Value),
            Item::Static(item) => self.define(&item.ident.to_string(), Kind::Value),
            Item::Fn(item) => self.define(&item.sig.ident.to_string(), Kind::Value),
            Item::Struct(item) => {
                let named = matches!(item.fields, syn::Fields::Named(_));
                let kind = if named { Kind::Type } else { Kind::Both };
                self.define(&item.ident.to_string(), kind);
            }
            Item::Enum(item) => self.define(&item.ident.to_string(), Kind::Type),
            Item::Union(item) => self.define(&item.ident.to_string(), Kind::Type),
            Item::Trait(item) => self.define(&item.ident.to_string(), Kind::Type),
            Item::TraitAlias(item) => self.define(&item.ident.to_string(), Kind::Type),
            Item::Type(item) => self.define(&item.ident.to_string(), Kind::Type),
            Item::Macro(item) => match &item.ident {
                Some(name) => self.define(&name.to_string(), Kind::Macro),
                None => {
                    let path = &item.mac.path;
                    let writes = path
                        .segments
                        .last()
                        .is_some_and(|last| writers.contains(&last.ident.to_string()));
                    for (name, kind) in scan::items_in(&item.mac.tokens, writes) {
                        self.define(&name, kind);
                    }
                }
            },
            Item::Use(item) => {
                let import = Import {
                    name: None,
                    path: Vec::new(),
                    line: 0,
                    passed_on: !matches!(item.vis, Visibility::Inherited),
                    public: is_public(&item.vis) && !scan::is_hidden(&item.attrs),
                    features: scan::features(&item.attrs),
                };
                // `use ::name` is another crate, even if there is a local item of that name.
                if item.leading_colon.is_none() {
                    self.import(&item.tree, import);
                }
            }
            _ => {}
        }
    }

    fn import(&mut self, tree: &UseTree, mut import: Import) {
        import.line = tree.span().start().line;
        match tree {
            UseTree::Path(path) => {
                import.path.push(path.ident.to_string());
                self.import(&path.tree, import);
            }
            UseTree::Name(name) => self.leaf(&name.ident, None, import),
            UseTree::Rename(rename) => self.leaf(&rename.ident, Some(&rename.rename), import),
            UseTree::Glob(_) => self.imports.push(import),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, import.clone());
                }
            }
        }
    }

    fn leaf(&mut self, ident: &syn::Ident, rename: Option<&syn::Ident>, mut import: Import) {
        if ident != "self" || import.path.is_empty() {
            import.path.push(ident.to_string());
        }
        let called = rename.map(ToString::to_string);
        import.name = called.or_else(|| import.path.last().cloned());
        self.imports.push(import);
    }
}

pub fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
