//! The items of other files that each file names.

use std::collections::BTreeSet;

use syn::{
    Attribute, Expr, Item, Stmt,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{
    resolve::{Found, Meaning, Place},
    scan,
    tree::{Import, Scope, Tree, attributes},
};

/// A file names an item that another file defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: String,
    pub to: String,
    pub line: usize,
    pub item: String,
}

/// What the files name.
#[derive(Debug, Default)]
pub struct Reading {
    pub edges: BTreeSet<Edge>,
    /// Paths from `crate`, `self` or `super` without a target: this test does not understand them.
    pub lost: BTreeSet<String>,
}

/// All edges, without those of tests. A parent's `mod` is not an edge, nor is the `pub use` (or
/// `pub(crate) use`) by which it re-exports items of its children.
pub fn read(tree: &Tree) -> Reading {
    let mut reading = Reading::default();
    for (module, content) in tree.modules.iter().enumerate() {
        let mut reader = Reader {
            tree,
            module,
            blocks: Vec::new(),
            bound: Vec::new(),
            reading: &mut reading,
        };
        reader.imports(&content.scope.imports);
        for item in &content.items {
            reader.visit_item(item);
        }
    }
    reading
}

struct Reader<'a> {
    tree: &'a Tree,
    module: usize,
    blocks: Vec<Scope>,
    /// The variables of the enclosing functions, which are not items.
    bound: Vec<BTreeSet<String>>,
    reading: &'a mut Reading,
}

/// The kind of item that a path names.
#[derive(Clone, Copy, PartialEq)]
enum As {
    Anything,
    Type,
    Value,
    Macro,
}

impl Reader<'_> {
    fn imports(&mut self, imports: &[Import]) {
        for import in imports {
            let meaning = self.resolve(&import.path, import.line);
            for found in meaning.found() {
                let Found::Item(home, _) = found else {
                    continue;
                };
                if !(import.passed_on && self.tree.is_inside(*home, self.module)) {
                    self.edge(found, import.line);
                }
            }
        }
    }

    fn name(&mut self, path: &[String], line: usize, named_as: As) {
        if let [only] = path
            && matches!(named_as, As::Value | As::Anything)
            && self.bound.iter().any(|bound| bound.contains(only))
        {
            return;
        }
        let meaning = self.resolve(path, line);
        let found = match named_as {
            As::Macro => meaning.macros,
            As::Type => meaning.types,
            As::Value => meaning.values.or(meaning.types),
            As::Anything => meaning.types.or(meaning.values),
        };
        if let Some(found) = found {
            self.edge(&found, line);
        }
    }

    fn resolve(&mut self, path: &[String], line: usize) -> Meaning {
        let place = Place {
            module: self.module,
            blocks: &self.blocks,
        };
        let meaning = self.tree.resolve(place, path);
        let ours = matches!(path[0].as_str(), "crate" | "self" | "super") && path.len() > 1;
        if ours && meaning == Meaning::default() {
            let file = &self.tree.modules[self.module].path;
            self.reading
                .lost
                .insert(format!("{file}:{line}: {}", path.join("::")));
        }
        meaning
    }

    /// A named module leads to items, and is not one itself.
    fn edge(&mut self, found: &Found, line: usize) {
        let Found::Item(home, item) = found else {
            return;
        };
        let (from, to) = (
            &self.tree.modules[self.module].file,
            &self.tree.modules[*home].file,
        );
        if from == to {
            return;
        }
        self.reading.edges.insert(Edge {
            from: from.clone(),
            to: to.clone(),
            line,
            item: item.clone(),
        });
    }

    fn tokens(&mut self, tokens: proc_macro2::TokenStream, strings: bool) {
        for found in scan::paths_in(tokens, strings) {
            let named_as = if found.calls_macro {
                As::Macro
            } else {
                As::Anything
            };
            self.name(&found.path, found.line, named_as);
        }
    }

    fn path(&mut self, path: &syn::Path, named_as: As) {
        if path.leading_colon.is_none() {
            let names: Vec<String> = path
                .segments
                .iter()
                .map(|it| it.ident.to_string())
                .collect();
            self.name(&names, path.span().start().line, named_as);
        }
        for segment in &path.segments {
            self.visit_path_arguments(&segment.arguments);
        }
    }

    /// Reads the body of a function, whose variables are not items.
    fn with_variables(&mut self, variables: Variables, go: impl FnOnce(&mut Self)) {
        self.bound.push(variables.0);
        go(self);
        self.bound.pop();
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        // Items inside a function come here, too.
        if scan::is_for_tests(attributes(item)) {
            return;
        }
        match item {
            Item::Use(_) | Item::Mod(_) => {}
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let mut scope = Scope::default();
        for statement in &block.stmts {
            if let Stmt::Item(item) = statement
                && !scan::is_for_tests(attributes(item))
            {
                scope.take(item, &BTreeSet::new());
            }
        }
        let imports = scope.imports.clone();
        self.blocks.push(scope);
        self.imports(&imports);
        visit::visit_block(self, block);
        self.blocks.pop();
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let variables = Variables::of(|it| it.visit_item_fn(function));
        self.with_variables(variables, |reader| visit::visit_item_fn(reader, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        let variables = Variables::of(|it| it.visit_impl_item_fn(function));
        self.with_variables(variables, |reader| {
            visit::visit_impl_item_fn(reader, function)
        });
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        let variables = Variables::of(|it| it.visit_trait_item_fn(function));
        self.with_variables(variables, |reader| {
            visit::visit_trait_item_fn(reader, function)
        });
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !scan::is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes: &[Attribute] = match statement {
            Stmt::Local(local) => &local.attrs,
            Stmt::Macro(called) => &called.attrs,
            Stmt::Expr(expression, _) => attributes_of(expression),
            Stmt::Item(_) => &[],
        };
        if !scan::is_for_tests(attributes) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !scan::is_for_tests(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !scan::is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !scan::is_for_tests(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !scan::is_for_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(path, As::Type);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(owner) = &path.qself {
            self.visit_type(&owner.ty);
        }
        self.path(&path.path, As::Value);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.path(&called.path, As::Macro);
        self.tokens(called.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let path = attribute.path();
        // A link in a comment is not a dependency.
        if path.is_ident("doc") || path.is_ident("cfg") {
            return;
        }
        match &attribute.meta {
            syn::Meta::Path(_) => {}
            syn::Meta::List(list) => {
                // Error messages are quoted prose.
                self.tokens(list.tokens.clone(), !path.is_ident("error"));
            }
            syn::Meta::NameValue(value) => self.visit_expr(&value.value),
        }
    }

    fn visit_visibility(&mut self, _visibility: &'ast syn::Visibility) {}
}

/// The names that patterns bind.
#[derive(Default)]
struct Variables(BTreeSet<String>);

impl Variables {
    fn of(go: impl FnOnce(&mut Self)) -> Self {
        let mut variables = Self::default();
        go(&mut variables);
        variables
    }
}

impl<'ast> Visit<'ast> for Variables {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let name = pattern.ident.to_string();
        // `None` and constants look the same.
        if name.starts_with(|first: char| first.is_lowercase() || first == '_') {
            self.0.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }
}

/// The attributes of expression statements.
fn attributes_of(expression: &Expr) -> &[Attribute] {
    match expression {
        Expr::Assign(it) => &it.attrs,
        Expr::Await(it) => &it.attrs,
        Expr::Binary(it) => &it.attrs,
        Expr::Block(it) => &it.attrs,
        Expr::Call(it) => &it.attrs,
        Expr::ForLoop(it) => &it.attrs,
        Expr::If(it) => &it.attrs,
        Expr::Loop(it) => &it.attrs,
        Expr::Macro(it) => &it.attrs,
        Expr::Match(it) => &it.attrs,
        Expr::MethodCall(it) => &it.attrs,
        Expr::Return(it) => &it.attrs,
        Expr::Struct(it) => &it.attrs,
        Expr::Try(it) => &it.attrs,
        Expr::Tuple(it) => &it.attrs,
        Expr::Unsafe(it) => &it.attrs,
        Expr::While(it) => &it.attrs,
        _ => &[],
    }
}
