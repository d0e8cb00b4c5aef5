//! The possible texts of an expression.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Expr, ExprLit, Lit, LitStr, Local, Macro, Pat,
    visit::{self, Visit},
};

/// The texts of the variables of a function.
pub type Variables = BTreeMap<String, Vec<String>>;

/// The texts in an expression, or in the variable that it names.
pub fn of(expression: &Expr, variables: &Variables) -> Vec<String> {
    if let Expr::Path(path) = expression
        && let Some(name) = path.path.get_ident()
    {
        return variables
            .get(&name.to_string())
            .cloned()
            .unwrap_or_default();
    }
    let mut texts = Texts::default();
    texts.visit_expr(expression);
    texts.found
}

/// The texts of `let name = …;`.
pub fn of_local(local: &Local) -> Option<(String, Vec<String>)> {
    let pattern = match &local.pat {
        Pat::Type(typed) => &*typed.pat,
        pattern => pattern,
    };
    let (Pat::Ident(name), Some(init)) = (pattern, &local.init) else {
        return None;
    };
    let mut texts = Texts::default();
    texts.visit_expr(&init.expr);
    Some((name.ident.to_string(), texts.found))
}

/// The first text among a macro's arguments: of `format!`, or of an attribute.
pub fn first(tokens: TokenStream) -> Option<String> {
    let TokenTree::Literal(literal) = tokens.into_iter().next()? else {
        return None;
    };
    let text: LitStr = syn::parse_str(&literal.to_string()).ok()?;
    Some(readable(&text.value()))
}

/// A format text with `…` for each argument.
pub fn readable(text: &str) -> String {
    let mut readable = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        readable += &rest[..at];
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(brace) {
            readable += brace;
            rest = behind;
        } else if brace == "{" {
            readable.push('…');
            rest = rest.split_once('}').map_or("", |(_, behind)| behind);
        }
    }
    let whole = readable + rest;
    whole.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Texts of at least two words; others are keys, formats and separators.
#[derive(Default)]
struct Texts {
    found: Vec<String>,
}

impl Texts {
    fn add(&mut self, text: String) {
        if text.contains(' ') && text.chars().filter(|c| c.is_alphabetic()).count() > 4 {
            self.found.push(text);
        }
    }
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_expr_lit(&mut self, literal: &'ast ExprLit) {
        if let Lit::Str(text) = &literal.lit {
            self.add(
                text.value()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
    }

    fn visit_macro(&mut self, found: &'ast Macro) {
        if found.path.is_ident("format")
            && let Some(text) = first(found.tokens.clone())
        {
            self.add(text);
        }
        visit::visit_macro(self, found);
    }
}

#[test]
fn what_is_filled_in_is_an_ellipsis() {
    assert_eq!(readable("invalid {name:?}: {}"), "invalid …: …");
    assert_eq!(readable("write {{a}}"), "write {a}");
}

#[test]
fn a_variable_stands_for_the_texts_that_it_may_have() {
    let block: syn::Block = syn::parse_str(
        "{ let help = if a { \"write it\" } else { &format!(\"leave {b} out\") }; }",
    )
    .unwrap();
    let syn::Stmt::Local(local) = &block.stmts[0] else {
        panic!()
    };
    let variables = Variables::from_iter(of_local(local));
    let named: Expr = syn::parse_str("help").unwrap();
    assert_eq!(of(&named, &variables), ["write it", "leave … out"]);
}
