//! `[[service.tokens]]`, `[service.tls]` and `service.allow_urls`: access to the service.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value as Json, json};

use super::tls_files::{TlsFiles, check_tls_files};
use crate::settings::{Scope, ServiceTlsSettings, TokenSettings};
use crate::{
    config::{
        read::{
            Context, IntoField, IntoSettings, Located, Node, Place, Problem, Read, Value,
            backticked, field, table, table_schema,
        },
        values::{FilePath, Text, expand_template, secret_string},
    },
    core::Pattern,
};
use everwire_proto::{
    language::{Part, Secret, Template, Variable},
    settings::UrlPattern,
};

/// A token with fewer characters is warned of.
const SHORT_TOKEN: usize = 16;

table! {
    /// A token, and its scopes.
    pub(in crate::config) struct TokenTable holds secrets => TokenSettings {
        /// The name in the log.
        name: Text,
        /// The text that clients send as `Authorization: Bearer`: letters, digits and -._~+/=.
        /// `${NAME}` and `${file:PATH}` are expanded.
        secret: TokenSecret,
        /// Its scopes: "read", "send", "control".
        scopes: Scopes = ["read", "send", "control"],
        /// The connections that it reaches, as a pattern.
        names: NamePattern = "*",
    }
}

table! {
    /// TLS of the service's own addresses.
    pub(in crate::config) struct ServiceTlsTable => ServiceTlsSettings {
        /// A PEM file of the certificate and its chain; needs key_file.
        cert_file: FilePath,
        /// A PEM file of the certificate's key: PKCS#8, PKCS#1 or SEC1, not encrypted.
        key_file: FilePath,
        /// A PEM file of authorities: clients must show a certificate of one of them.
        client_ca_file: FilePath,
    }
}

/// The tokens, in the order of the file.
#[derive(Clone, Debug)]
pub(in crate::config) struct Tokens(Vec<Token>);

/// A token as it is written.
#[derive(Clone, Debug)]
struct Token {
    table: Located<TokenTable>,
    /// Whether it says both its name and its secret, right or wrong.
    is_whole: bool,
}

/// The text of a token.
#[derive(Clone, Debug)]
pub(in crate::config) struct TokenSecret(Secret);

/// The scopes of a token: at least one.
#[derive(Clone, Debug)]
pub(in crate::config) struct Scopes(BTreeSet<Scope>);

/// The names that a token reaches.
#[derive(Clone, Debug)]
pub(in crate::config) struct NamePattern(pub Pattern);

/// The URLs that the API may dial.
#[derive(Clone, Debug)]
pub(in crate::config) struct UrlPatterns(Vec<UrlPattern>);

impl IntoField<Vec<TokenSettings>> for Tokens {
    /// Missing and duplicate values are reported.
    fn into_field(self, _: Place, context: &mut Context<'_>) -> Vec<TokenSettings> {
        let mut tokens: Vec<(TokenSettings, Place)> = Vec::new();
        for Token { table, is_whole } in self.0 {
            let place = table.place;
            let Some(token) = token(table, is_whole, context) else {
                continue;
            };
            let twin = tokens
                .iter()
                .find(|(other, _)| other.name == token.name || other.secret == token.secret);
            if let Some((_, first)) = twin {
                let problem =
                    Problem::new(place, "two tokens have the same name or the same secret")
                        .related(*first, "the first is here")
                        .help("give each token a name and a secret of its own");
                context.problems.push(problem);
                continue;
            }
            tokens.push((token, place));
        }
        tokens.into_iter().map(|(token, _)| token).collect()
    }
}

fn token(
    Located { value, place }: Located<TokenTable>,
    is_whole: bool,
    context: &mut Context<'_>,
) -> Option<TokenSettings> {
    let (Some(name), Some(secret)) = (&value.name, &value.secret) else {
        // An invalid one was already reported.
        if !is_whole {
            let problem = Problem::absence(place, "the token needs a name and a secret")
                .help("write name = \"…\" and secret = \"${file:token}\"");
            context.problems.push(problem);
        }
        return None;
    };
    let defaults = TokenSettings {
        name: name.value.0.clone(),
        secret: secret.value.0.clone(),
        scopes: Scope::ALL.into(),
        names: Pattern::all(),
    };
    Some(value.over(defaults, context))
}

impl IntoField<Option<ServiceTlsSettings>> for ServiceTlsTable {
    /// Missing values are reported.
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Option<ServiceTlsSettings> {
        for (key, missing) in [
            ("cert_file", self.cert_file.is_none()),
            ("key_file", self.key_file.is_none()),
        ] {
            if missing {
                let problem = Problem::absence(place, format!("`tls` has no `{key}`")).help(
                    "write cert_file and key_file: a certificate and its key belong together",
                );
                context.problems.push(problem);
            }
        }
        let files = TlsFiles {
            ca_file: self.client_ca_file.as_ref(),
            cert_file: self.cert_file.as_ref(),
            key_file: self.key_file.as_ref(),
        };
        check_tls_files(&files, context);
        let defaults = ServiceTlsSettings {
            cert_file: self.cert_file.as_ref()?.value.0.clone(),
            key_file: self.key_file.as_ref()?.value.0.clone(),
            client_ca_file: None,
        };
        Some(self.over(defaults, context))
    }
}

field! { TokenSecret => Secret: |secret| secret.0 }
field! { Scopes => BTreeSet<Scope>: |scopes| scopes.0 }
field! { NamePattern => Pattern: |pattern| pattern.0 }
field! { UrlPatterns => Vec<UrlPattern>: |patterns| patterns.0 }

impl Read for Tokens {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of tables: [[service.tokens]]");
        };
        let tokens = items.iter().filter_map(|item| {
            let table = Located::read(item, context)?;
            let is_whole = ["name", "secret"].iter().all(|key| item.has(key));
            Some(Token { table, is_whole })
        });
        Some(Self(tokens.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": table_schema::<TokenTable>() })
    }
}

impl Read for TokenSecret {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        context.problems.hide(node.place);
        let text = secret_string(node, context, "a token")?;
        let template = expand_template(text, node.place, context)?;
        let secret = read_once(&template, node.place, context)?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if secret.expose().is_empty() || !secret.expose().bytes().all(is_token) {
            context.wrong(
                node.place,
                "invalid token",
                "a token has at least one character, and only letters, digits and -._~+/= (RFC 6750 §2.1)",
            );
            return None;
        }
        if secret.expose().len() < SHORT_TOKEN {
            let problem = Problem::new(node.place, "this token is short enough to be guessed");
            let help = "write at least 16 random characters: `openssl rand -hex 16` makes 32";
            context.problems.warn(problem.help(help));
        }
        Some(Self(secret))
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

/// Renders a template once, now: tokens are fixed when the configuration is read.
fn read_once(template: &Template, place: Place, context: &mut Context<'_>) -> Option<Secret> {
    if template
        .parts()
        .iter()
        .any(|part| matches!(part, Part::Stored(_)))
    {
        let message =
            "a token's secret cannot be `${secret:ID}`: tokens themselves can change such secrets";
        context.wrong(place, message, "write ${NAME} or ${file:PATH}");
        return None;
    }
    let files: HashMap<_, _> = template
        .files()
        .map(|path| (path.to_owned(), context.source.read(path)))
        .collect();
    let rendered = template.render(|variable| match variable {
        Variable::File(path) => match files.get(path) {
            Some(Ok(content)) => Ok(content.clone()),
            Some(Err(error)) => Err(std::io::Error::new(error.kind(), error.to_string())),
            None => Err(std::io::ErrorKind::NotFound.into()),
        },
        Variable::Stored(_) => Err(std::io::ErrorKind::NotFound.into()),
    });
    match rendered {
        Ok(secret) => Some(secret),
        Err(error) => {
            let problem = Problem::new(place, error.to_string());
            context
                .problems
                .push(problem.help("a token's file is read at start"));
            None
        }
    }
}

impl Read for Scopes {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of \"read\", \"send\", \"control\"");
        };
        if items.is_empty() {
            let help = "write at least one of \"read\", \"send\", \"control\"";
            context.wrong(node.place, "the token has no scope", help);
            return None;
        }
        let scopes = items.iter().filter_map(|item| Scope::read(item, context));
        Some(Self(scopes.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": Scope::schema(), "minItems": 1 })
    }
}

impl Read for NamePattern {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Text(text) = Text::read(node, context)?;
        match Pattern::new(&text) {
            Ok(pattern) => Some(Self(pattern)),
            Err(error) => {
                let message = format!("invalid name pattern {}", backticked(&text));
                context.wrong(node.place, message, error.to_string());
                None
            }
        }
    }

    fn schema() -> Json {
        Text::schema()
    }
}

impl Read for UrlPatterns {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context
                .wrong_list(node, "an array of patterns such as \"wss://*.example.com\"");
        };
        let mut patterns = Vec::new();
        for item in items {
            let Some(Text(text)) = Text::read(item, context) else {
                continue;
            };
            for alternative in text.split(',').map(str::trim) {
                match alternative.parse() {
                    Ok(pattern) => patterns.push(pattern),
                    Err(error) => {
                        let message = format!("invalid URL pattern {}: {error}", backticked(&text));
                        let help = "write scheme://host:port/path, of which all but the host may be left out";
                        context.wrong(item.place, message, help);
                    }
                }
            }
        }
        Some(Self(patterns))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": Text::schema() })
    }
}
