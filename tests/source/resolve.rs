//! Resolves a path to the file that defines the item, through `use` and `pub use`, as the compiler
//! does.

use super::tree::{Import, Kind, Scope, Tree};

/// The meanings of a name as a type, as a value and as a macro: a module `probe` and a function
/// `probe` are separate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    pub types: Option<Found>,
    pub values: Option<Found>,
    pub macros: Option<Found>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Module(usize),
    /// The module that defines it, and its name there.
    Item(usize, String),
}

/// The position of a path: its module, and the enclosing blocks with names of their own, outermost
/// first.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub module: usize,
    pub blocks: &'a [Scope],
}

impl Meaning {
    pub fn found(&self) -> impl Iterator<Item = &Found> {
        [&self.types, &self.values, &self.macros]
            .into_iter()
            .flatten()
    }

    fn or(self, other: Self) -> Self {
        Self {
            types: self.types.or(other.types),
            values: self.values.or(other.values),
            macros: self.macros.or(other.macros),
        }
    }

    fn one(found: Found) -> Self {
        Self {
            types: Some(found),
            ..Self::default()
        }
    }
}

impl Tree {
    /// The meaning of a path; nothing if it leads to another crate or to a local name.
    pub fn resolve(&self, place: Place<'_>, path: &[String]) -> Meaning {
        Resolver {
            tree: self,
            busy: Vec::new(),
        }
        .path(place, path)
    }
}

struct Resolver<'a> {
    tree: &'a Tree,
    /// The imports that are being resolved: one of them may lead to itself (`use
    /// self::probe::probe`).
    busy: Vec<(*const Import, String)>,
}

impl Resolver<'_> {
    fn path(&mut self, place: Place<'_>, path: &[String]) -> Meaning {
        let Some((first, rest)) = path.split_first() else {
            return Meaning::default();
        };
        let mut meaning = self.first(place, first);
        for segment in rest {
            match &meaning.types {
                Some(Found::Module(module)) if segment == "super" => {
                    let parent = self.tree.modules[*module].parent;
                    meaning = parent.map_or_else(Meaning::default, |parent| {
                        Meaning::one(Found::Module(parent))
                    });
                }
                Some(Found::Module(module)) => {
                    meaning = self.inside(*module, segment, place.module)
                }
                // A variant, method or constant of a type: the type's file defines it, or a file
                // beside it.
                Some(item) => return Meaning::one(item.clone()),
                None => return Meaning::default(),
            }
        }
        meaning
    }

    fn first(&mut self, place: Place<'_>, name: &str) -> Meaning {
        let tree = self.tree;
        let module = &tree.modules[place.module];
        match name {
            "crate" => return Meaning::one(Found::Module(module.root)),
            "self" => return Meaning::one(Found::Module(place.module)),
            "super" => {
                let parent = module.parent.map(Found::Module);
                return parent.map_or_else(Meaning::default, Meaning::one);
            }
            _ => {}
        }
        let mut meaning = Meaning::default();
        for (depth, block) in place.blocks.iter().enumerate().rev() {
            let around = Place {
                module: place.module,
                blocks: &place.blocks[..=depth],
            };
            meaning = meaning.or(self.scope(block, around, name, place.module));
        }
        meaning = meaning.or(self.inside(place.module, name, place.module));
        if meaning.macros.is_none() {
            // A `macro_rules!` is visible in the modules below by its position.
            let mut above = module.parent;
            while let Some(outer) = above {
                let defined = &tree.modules[outer].scope.definitions;
                if defined
                    .iter()
                    .any(|it| it.name == name && it.kind == Kind::Macro)
                {
                    meaning.macros = Some(Found::Item(outer, name.to_owned()));
                    break;
                }
                above = tree.modules[outer].parent;
            }
        }
        if meaning.types.is_none() {
            // Another crate. No crate names itself.
            let root = tree.crate_root(name).filter(|root| *root != module.root);
            meaning.types = root.map(Found::Module);
        }
        meaning
    }

    fn inside(&mut self, module: usize, name: &str, asker: usize) -> Meaning {
        let place = Place {
            module,
            blocks: &[],
        };
        self.scope(&self.tree.modules[module].scope, place, name, asker)
    }

    fn scope(&mut self, scope: &Scope, place: Place<'_>, name: &str, asker: usize) -> Meaning {
        let mut meaning = Meaning::default();
        for definition in scope.definitions.iter().filter(|it| it.name == name) {
            let item = Found::Item(place.module, name.to_owned());
            match definition.kind {
                Kind::Module(module) => meaning.types = Some(Found::Module(module)),
                Kind::Type => meaning.types = Some(item),
                Kind::Value => meaning.values = Some(item),
                Kind::Both => {
                    meaning.types = Some(item.clone());
                    meaning.values = Some(item);
                }
                Kind::Macro => meaning.macros = Some(item),
            }
        }
        let visible =
            |import: &&Import| import.passed_on || self.tree.is_inside(asker, place.module);
        let imports: Vec<&Import> = scope.imports.iter().filter(visible).collect();
        // A named import takes precedence over a glob.
        for import in imports
            .iter()
            .filter(|import| import.name.as_deref() == Some(name))
        {
            meaning = meaning
                .or(self.follow(import, name, |resolver| resolver.path(place, &import.path)));
        }
        for glob in imports.iter().filter(|import| import.name.is_none()) {
            let brought = self.follow(glob, name, |resolver| {
                match resolver.path(place, &glob.path).types {
                    Some(Found::Module(module)) => resolver.inside(module, name, asker),
                    _ => Meaning::default(),
                }
            });
            meaning = meaning.or(brought);
        }
        meaning
    }

    fn follow(
        &mut self,
        import: &Import,
        name: &str,
        go: impl FnOnce(&mut Self) -> Meaning,
    ) -> Meaning {
        let key = (std::ptr::from_ref(import), name.to_owned());
        if self.busy.contains(&key) {
            return Meaning::default();
        }
        self.busy.push(key);
        let meaning = go(self);
        self.busy.pop();
        meaning
    }
}
