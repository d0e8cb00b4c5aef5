//! Reads attributes and the tokens of macros.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{Attribute, Meta};

use super::tree::Kind;

/// Whether it is compiled only for tests: `#[test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => list.path.is_ident("cfg") && needs_test(list.tokens.clone()),
        _ => false,
    })
}

fn needs_test(condition: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = condition.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(word)] => word == "test",
        [TokenTree::Ident(word), TokenTree::Group(group)] if word == "all" => {
            conditions(group.stream()).into_iter().any(needs_test)
        }
        _ => false,
    }
}

/// The parts between commas.
fn conditions(stream: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in stream {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(comma), _) if comma.as_char() == ',' => {
                parts.push(TokenStream::new())
            }
            (_, Some(part)) => part.extend([token]),
            (_, None) => {}
        }
    }
    parts
}

/// Whether `#[doc(hidden)]`.
pub fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("doc") && list.tokens.to_string() == "hidden",
        _ => false,
    })
}

/// The conditions of `#[cfg(…)]`, as written.
pub fn features(attributes: &[Attribute]) -> Vec<String> {
    let conditions = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::List(list) if list.path.is_ident("cfg") => Some(list.tokens.to_string()),
            _ => None,
        });
    conditions.collect()
}

/// Whether a `macro_rules!` defines an item whose name is a parameter.
pub fn writes_an_item(tokens: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let variable =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == '$');
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Ident(word) => item_kind(&word.to_string()).is_some() && variable(at + 1),
        TokenTree::Group(group) => writes_an_item(&group.stream()),
        _ => false,
    })
}

/// The items in a macro call: those with a keyword, or, if the macro adds the keyword, the first
/// word.
pub fn items_in(tokens: &TokenStream, writes: bool) -> Vec<(String, Kind)> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut found = Vec::new();
    for pair in tokens.windows(2) {
        if let [TokenTree::Ident(keyword), TokenTree::Ident(name)] = pair
            && let Some(kind) = item_kind(&keyword.to_string())
        {
            found.push((name.to_string(), kind));
        }
    }
    if found.is_empty() && writes {
        let first = tokens.iter().find_map(|token| match token {
            TokenTree::Ident(name) => Some(name.to_string()),
            _ => None,
        });
        found.extend(first.map(|name| (name, Kind::Both)));
    }
    found
}

fn item_kind(keyword: &str) -> Option<Kind> {
    match keyword {
        "struct" => Some(Kind::Both),
        "enum" | "union" | "trait" | "type" => Some(Kind::Type),
        "fn" | "const" | "static" => Some(Kind::Value),
        _ => None,
    }
}

/// A path in the tokens of a macro or an attribute.
pub struct Found {
    pub path: Vec<String>,
    pub line: usize,
    /// Whether a `!` follows.
    pub calls_macro: bool,
}

/// All paths in tokens, including nested groups; also in `strings`, for attributes with a quoted
/// path.
pub fn paths_in(tokens: TokenStream, strings: bool) -> Vec<Found> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let punct = |at: usize| match tokens.get(at) {
        Some(TokenTree::Punct(punct)) => Some(punct.as_char()),
        _ => None,
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(word) => {
                let start = at;
                let mut path = vec![word.to_string()];
                while punct(at + 1) == Some(':')
                    && punct(at + 2) == Some(':')
                    && let Some(TokenTree::Ident(next)) = tokens.get(at + 3)
                {
                    path.push(next.to_string());
                    at += 3;
                }
                let before = |back: usize| start.checked_sub(back).and_then(punct);
                let field = before(1) == Some('.') && before(2) != Some('.');
                let elsewhere = before(1) == Some(':') && before(2) == Some(':');
                let key = path.len() == 1
                    && ((punct(at + 1) == Some(':') && punct(at + 2) != Some(':'))
                        || (punct(at + 1) == Some('=') && punct(at + 2) != Some('=')));
                if !field && !elsewhere && !key && before(1) != Some('\'') {
                    let line = word.span().start().line;
                    let calls_macro = punct(at + 1) == Some('!') && punct(at + 2) != Some('=');
                    found.push(Found {
                        path,
                        line,
                        calls_macro,
                    });
                }
            }
            TokenTree::Group(group) => {
                let attribute =
                    at > 0 && punct(at - 1) == Some('#') && group.delimiter() == Delimiter::Bracket;
                let doc = matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(word)) if word == "doc");
                if !(attribute && doc) {
                    found.extend(paths_in(group.stream(), strings));
                }
            }
            TokenTree::Literal(literal) if strings => {
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
                    && let Ok(inner) = text.value().parse::<TokenStream>()
                {
                    let line = literal.span().start().line;
                    found.extend(
                        paths_in(inner, false)
                            .into_iter()
                            .map(|path| Found { line, ..path }),
                    );
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}
