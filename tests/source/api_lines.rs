//! The public items of a library, one per line.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;
use syn::{
    Attribute, Fields, ImplItem, Item, ItemImpl, Meta, TraitItem, Type, spanned::Spanned as _,
};

use super::{
    resolve::{Found, Place},
    scan,
    tree::{Kind, Module, Tree, attributes, is_public},
};

/// An item by its module and its name there.
type Id = (usize, String);

/// The lines of all items that a user can name.
pub fn of(tree: &Tree) -> BTreeSet<String> {
    let mut walk = Walk::new(tree);
    walk.items();
    walk.impls();
    walk.lines
}

/// A function that a user can call.
pub struct Function<'a> {
    /// The path by which it is called.
    pub path: String,
    /// The file, relative to the repository.
    pub file: &'a str,
    pub line: usize,
    pub attributes: &'a [Attribute],
}

/// All public functions of modules and of the impls of types, without those of traits.
pub fn functions(tree: &Tree) -> Vec<Function<'_>> {
    let walk = Walk::new(tree);
    let mut found = Vec::new();
    for (module, content) in tree.modules.iter().enumerate() {
        let function = |path, signature: &syn::Signature, attributes| Function {
            path,
            file: content.path.as_str(),
            line: signature.ident.span().start().line,
            attributes,
        };
        for item in &content.items {
            match item {
                Item::Fn(it) if is_shown(item) => {
                    let id = (module, it.sig.ident.to_string());
                    let way = walk.paths.get(&id).and_then(BTreeSet::first);
                    found.extend(way.map(|way| function(way.path.clone(), &it.sig, &*it.attrs)));
                }
                Item::Impl(all) if all.trait_.is_none() && !scan::is_hidden(&all.attrs) => {
                    let Some(way) = walk.owner(module, all) else {
                        continue;
                    };
                    for inner in &all.items {
                        if let ImplItem::Fn(it) = inner
                            && is_public(&it.vis)
                            && !scan::is_hidden(&it.attrs)
                        {
                            let path = format!("{}::{}", way.path, it.sig.ident);
                            found.push(function(path, &it.sig, &*it.attrs));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    found
}

struct Walk<'a> {
    tree: &'a Tree,
    /// Each public item, with the paths that lead to it: the shortest first.
    paths: BTreeMap<Id, BTreeSet<Way>>,
    lines: BTreeSet<String>,
    seen: BTreeSet<(usize, String)>,
}

/// A path, and the conditions under which it exists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    length: usize,
    path: String,
    conditions: Vec<String>,
}

impl<'a> Walk<'a> {
    /// Collects all paths.
    fn new(tree: &'a Tree) -> Self {
        let mut walk = Walk {
            tree,
            paths: BTreeMap::new(),
            lines: BTreeSet::new(),
            seen: BTreeSet::new(),
        };
        let library = tree.crate_root("everwire").expect("the library");
        walk.module(library, "everwire", &[]);
        walk
    }

    fn module(&mut self, module: usize, path: &str, conditions: &[String]) {
        if !self.seen.insert((module, path.to_owned())) {
            return;
        }
        let content = &self.tree.modules[module];
        for definition in &content.scope.definitions {
            let inner = format!("{path}::{}", definition.name);
            match definition.kind {
                Kind::Module(child) if self.tree.modules[child].public => {
                    let conditions = both(conditions, &self.tree.modules[child].features);
                    self.line(&format!("{inner}: mod"), &conditions);
                    self.module(child, &inner, &conditions);
                }
                Kind::Module(_) | Kind::Macro => {}
                _ => {
                    let declared = content
                        .items
                        .iter()
                        .find(|item| name_of(item) == Some(definition.name.clone()));
                    if declared.is_some_and(is_shown) {
                        self.reach((module, definition.name.clone()), inner, conditions);
                    }
                }
            }
        }
        for import in content.scope.imports.iter().filter(|import| import.public) {
            let place = Place {
                module,
                blocks: &[],
            };
            let conditions = both(conditions, &import.features);
            for found in self.tree.resolve(place, &import.path).found() {
                let named = import.name.as_ref().map(|name| format!("{path}::{name}"));
                match (found, named) {
                    (Found::Item(home, item), Some(path)) => {
                        self.reach((*home, item.clone()), path, &conditions);
                    }
                    (Found::Module(inner), named)
                        if self.tree.modules[*inner].public || named.is_none() =>
                    {
                        self.module(*inner, named.as_deref().unwrap_or(path), &conditions);
                    }
                    _ => {}
                }
            }
        }
    }

    fn reach(&mut self, id: Id, path: String, conditions: &[String]) {
        let length = path.matches("::").count();
        let conditions = conditions.to_vec();
        let way = Way {
            length,
            path,
            conditions,
        };
        self.paths.entry(id).or_default().insert(way);
    }

    fn line(&mut self, text: &str, conditions: &[String]) {
        let mut line = text.to_owned();
        if !conditions.is_empty() {
            line += &format!(" [{}]", conditions.join(", "));
        }
        self.lines.insert(line);
    }

    fn items(&mut self) {
        for ((module, name), ways) in self.paths.clone() {
            let items = &self.tree.modules[module].items;
            let declared = items
                .iter()
                .find(|item| name_of(item) == Some(name.clone()));
            if declared.is_some_and(|item| scan::is_hidden(attributes(item))) {
                continue;
            }
            let Some(main) = ways.first() else { continue };
            for other in ways.iter().skip(1) {
                self.line(
                    &format!("{}: use {}", other.path, main.path),
                    &other.conditions,
                );
            }
            match declared {
                Some(item) => self.item(item, main),
                None => self.line(
                    &format!("{}: written by a macro", main.path),
                    &main.conditions,
                ),
            }
        }
    }

    fn item(&mut self, item: &Item, way: &Way) {
        let path = &way.path;
        let conditions = both(&way.conditions, &scan::features(attributes(item)));
        let mut say = |text: String| self.line(&format!("{path}: {text}"), &conditions);
        let marks = marks(attributes(item));
        if let Some(derives) = derives(attributes(item)) {
            say(derives);
        }
        match item {
            Item::Const(item) => say(source(item.const_token.span, item.ty.span())),
            Item::Static(item) => say(source(item.static_token.span, item.ty.span())),
            Item::Type(item) => say(source(item.type_token.span, item.ty.span())),
            Item::Fn(item) => say(whole(item.sig.span())),
            Item::Struct(item) => {
                let end = end_of(&item.generics, item.ident.span());
                let closed = item.fields.iter().any(|field| !is_public(&field.vis));
                let rest = if closed { " { .. }" } else { "" };
                say(format!(
                    "{marks}{}{rest}",
                    source(item.struct_token.span, end)
                ));
                for (index, field) in item
                    .fields
                    .iter()
                    .enumerate()
                    .filter(|(_, field)| is_public(&field.vis))
                {
                    let name = field
                        .ident
                        .as_ref()
                        .map_or(index.to_string(), ToString::to_string);
                    let conditions = both(&conditions, &scan::features(&field.attrs));
                    self.line(
                        &format!("{path}::{name}: {}", whole(field.ty.span())),
                        &conditions,
                    );
                }
            }
            Item::Enum(item) => {
                let end = end_of(&item.generics, item.ident.span());
                say(format!("{marks}{}", source(item.enum_token.span, end)));
                for variant in item
                    .variants
                    .iter()
                    .filter(|it| !scan::is_hidden(&it.attrs))
                {
                    let conditions = both(&conditions, &scan::features(&variant.attrs));
                    let line = format!("{path}::{}{}", variant.ident, payload(&variant.fields));
                    self.line(&line, &conditions);
                }
            }
            Item::Trait(item) => {
                let end = item
                    .supertraits
                    .last()
                    .map_or(item.ident.span(), |last| last.span());
                let end = if item.supertraits.is_empty() {
                    end_of(&item.generics, end)
                } else {
                    end
                };
                say(source(item.trait_token.span, end));
                for inner in &item.items {
                    let (name, text, attributes) = match inner {
                        TraitItem::Fn(it) => (&it.sig.ident, whole(it.sig.span()), &it.attrs),
                        TraitItem::Const(it) => (
                            &it.ident,
                            source(it.const_token.span, it.ty.span()),
                            &it.attrs,
                        ),
                        TraitItem::Type(it) => (&it.ident, whole(it.span()), &it.attrs),
                        _ => continue,
                    };
                    if !scan::is_hidden(attributes) {
                        let conditions = both(&conditions, &scan::features(attributes));
                        self.line(&format!("{path}::{name}: {text}"), &conditions);
                    }
                }
            }
            _ => say("of a kind that is not described".to_owned()),
        }
    }

    fn impls(&mut self) {
        for (module, content) in self.tree.modules.iter().enumerate() {
            for item in &content.items {
                if let Item::Impl(found) = item
                    && !scan::is_hidden(&found.attrs)
                    && let Some(way) = self.owner(module, found)
                {
                    self.one_impl(module, found, &way);
                }
            }
        }
    }

    /// The conditions of a module and of its parents: its content exists only under them.
    fn around(&self, module: usize) -> Vec<String> {
        let Module {
            parent, features, ..
        } = &self.tree.modules[module];
        let outer = parent.map_or_else(Vec::new, |parent| self.around(parent));
        both(&outer, features)
    }

    fn one_impl(&mut self, module: usize, found: &ItemImpl, way: &Way) {
        let conditions = both(&way.conditions, &self.around(module));
        let conditions = both(&conditions, &scan::features(&found.attrs));
        if let Some((of, _)) = &found.trait_ {
            // A trait or message of ours that nobody can name is not part of the API.
            let arguments = type_arguments(of).filter_map(|argument| match argument {
                Type::Path(path) => self.named(module, &path.path),
                _ => None,
            });
            let mut ours = self.named(module, of).into_iter().chain(arguments);
            if ours.all(|id| self.paths.contains_key(&id)) {
                let end = where_end(&found.generics, found.self_ty.span());
                let text = source(found.impl_token.span, end);
                self.line(&format!("{}: {text}", way.path), &conditions);
            }
            return;
        }
        for inner in &found.items {
            let (name, text, visibility, attributes) = match inner {
                ImplItem::Fn(it) => (&it.sig.ident, whole(it.sig.span()), &it.vis, &it.attrs),
                ImplItem::Const(it) => {
                    let text = source(it.const_token.span, it.ty.span());
                    (&it.ident, text, &it.vis, &it.attrs)
                }
                _ => continue,
            };
            if is_public(visibility) && !scan::is_hidden(attributes) {
                let conditions = both(&conditions, &scan::features(attributes));
                self.line(&format!("{}::{name}: {text}", way.path), &conditions);
            }
        }
    }

    /// The owner of an impl: its type, or, for a foreign type, the first of our types in the
    /// trait's arguments.
    fn owner(&self, module: usize, found: &ItemImpl) -> Option<Way> {
        let of_type = |of: &Type| match plain(of) {
            Type::Path(path) => self.named(module, &path.path),
            _ => None,
        };
        let in_trait = || {
            let (of, _) = found.trait_.as_ref()?;
            type_arguments(of).find_map(of_type)
        };
        let id = of_type(&found.self_ty).or_else(in_trait)?;
        self.paths.get(&id)?.first().cloned()
    }

    fn named(&self, module: usize, path: &syn::Path) -> Option<Id> {
        if path.leading_colon.is_some() {
            return None;
        }
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|it| it.ident.to_string())
            .collect();
        let place = Place {
            module,
            blocks: &[],
        };
        match self.tree.resolve(place, &names).types? {
            Found::Item(home, name) => Some((home, name)),
            Found::Module(_) => None,
        }
    }
}

fn both(outer: &[String], inner: &[String]) -> Vec<String> {
    let mut all = outer.to_vec();
    all.extend(inner.iter().filter(|it| !outer.contains(it)).cloned());
    all
}

/// The type without references.
fn plain(of: &Type) -> &Type {
    match of {
        Type::Reference(reference) => plain(&reference.elem),
        other => other,
    }
}

/// The types in the angle brackets of a trait.
fn type_arguments(of: &syn::Path) -> impl Iterator<Item = &Type> {
    let arguments = of.segments.last().map(|last| &last.arguments);
    let types = match arguments {
        Some(syn::PathArguments::AngleBracketed(arguments)) => Some(&arguments.args),
        _ => None,
    };
    types
        .into_iter()
        .flatten()
        .filter_map(|argument| match argument {
            syn::GenericArgument::Type(of) => Some(of),
            _ => None,
        })
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

fn is_shown(item: &Item) -> bool {
    let visibility = match item {
        Item::Const(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Union(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        _ => return false,
    };
    is_public(visibility) && !scan::is_hidden(attributes(item))
}

/// The fields of a variant.
fn payload(fields: &Fields) -> String {
    let types = fields.iter().map(|field| {
        let name = field.ident.as_ref().map(|name| format!("{name}: "));
        name.unwrap_or_default() + &whole(field.ty.span())
    });
    let types = types.collect::<Vec<_>>().join(", ");
    match fields {
        Fields::Named(_) => format!(" {{ {types} }}"),
        Fields::Unnamed(_) => format!("({types})"),
        Fields::Unit => String::new(),
    }
}

fn marks(attributes: &[Attribute]) -> &'static str {
    let open = attributes
        .iter()
        .any(|it| it.path().is_ident("non_exhaustive"));
    if open { "#[non_exhaustive] " } else { "" }
}

fn derives(attributes: &[Attribute]) -> Option<String> {
    let lists = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::List(list) if list.path.is_ident("derive") => Some(
                list.tokens
                    .clone()
                    .into_iter()
                    .map(|it| it.to_string())
                    .collect::<String>(),
            ),
            _ => None,
        });
    let all = lists.collect::<Vec<_>>().join(",");
    let all = all
        .split(',')
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>();
    (!all.is_empty()).then(|| format!("#[derive({})]", all.join(", ")))
}

fn end_of(generics: &syn::Generics, name: Span) -> Span {
    where_end(
        generics,
        generics.gt_token.map_or(name, |token| token.span()),
    )
}

fn where_end(generics: &syn::Generics, end: Span) -> Span {
    generics
        .where_clause
        .as_ref()
        .map_or(end, |clause| clause.span())
}

fn source(from: Span, to: Span) -> String {
    whole(from.join(to).unwrap_or(from))
}

/// The source of a span, on one line.
fn whole(span: Span) -> String {
    let text = span.source_text().unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text
        .replace("( ", "(")
        .replace(", )", ")")
        .replace(" )", ")");
    let text = text
        .replace("< ", "<")
        .replace(", >", ">")
        .replace(" >", ">");
    text.trim_end_matches([',', ';']).to_owned()
}
