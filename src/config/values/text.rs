//! Plain texts: nothing in them is expanded, but `$${` means `${` in every string of the file.

use std::{net::IpAddr, path::PathBuf};

use serde_json::{Value as Json, json};

use crate::{
    config::read::{Context, Node, Place, Read, Value, backticked, field},
    core::is_displayable,
};

/// A text that is not empty.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Text(pub String);

/// Tags: texts that are not empty.
#[derive(Clone, Debug)]
pub(in crate::config) struct Tags(pub Vec<String>);

/// A path; a relative one starts at the folder of its file.
#[derive(Clone, Debug)]
pub(in crate::config) struct FilePath(pub PathBuf);

/// A name for a certificate: a DNS name or an IP address.
#[derive(Clone, Debug)]
pub(in crate::config) struct ServerName(pub String);

/// The string in `node`, which must not contain `${…}`.
pub(super) fn plain(node: &Node, context: &mut Context<'_>, expected: &str) -> Option<String> {
    let Value::String(text) = &node.value else {
        return context.wrong_type(node, expected);
    };
    let escaped = text.matches("$${").count();
    if text.matches("${").count() > escaped {
        let place = context.within(node.place, "${");
        context.wrong(
            place,
            "variables are not expanded here",
            "variables are expanded in url, headers, basic_auth, subprotocols, and in all that is sent; a literal ${ is written $${",
        );
    }
    Some(text.replace("$${", "${"))
}

/// A text without expansions, in the notation of a file.
pub(in crate::config) fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

/// The same for an optional text.
fn escaped_if_any(text: &Option<String>) -> Option<String> {
    text.as_deref().map(escaped)
}

fn report_empty(text: &str, place: Place, context: &mut Context<'_>) -> bool {
    if text.is_empty() {
        context.wrong(place, "the text is empty", "write at least one character");
    }
    text.is_empty()
}

field! { Text => String: |text| text.0 }
field! { Text <=> Option<String>: |text| Some(text.0), escaped_if_any }
field! { Tags <=> Vec<String>: |tags| tags.0, |tags| tags.iter().map(|tag| escaped(tag)).collect::<Vec<_>>() }
field! { FilePath => PathBuf: |path| path.0 }
field! {
    FilePath <=> Option<PathBuf>: |path| Some(path.0),
    |path| path.as_deref().map(|path| escaped(&path.to_string_lossy()))
}
field! { ServerName <=> Option<String>: |name| Some(name.0), escaped_if_any }
field! { IpAddr <=> Option<IpAddr>: Some, |address| *address }

impl Read for Text {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = plain(node, context, "a string")?;
        (!report_empty(&text, node.place, context)).then_some(Self(text))
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

impl Read for Tags {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_list(node, "an array of tags");
        };
        let tags = items.iter().filter_map(|item| {
            let Text(tag) = Text::read(item, context)?;
            if !tag.chars().all(is_displayable) {
                let message = format!(
                    "the tag {} has a character that cannot be shown",
                    backticked(&tag)
                );
                context.wrong(item.place, message, "write printable text");
            }
            Some(tag)
        });
        Some(Self(tags.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": Text::schema() })
    }
}

impl Read for FilePath {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = plain(node, context, "a path")?;
        let help = "the configuration's file may say it, in [defaults] or in a group";
        if context.refuse_over_api(node.place, "a path", help) {
            return None;
        }
        if report_empty(&text, node.place, context) {
            return None;
        }
        if text.contains('\0') {
            context.wrong(
                node.place,
                "invalid path: it has a NUL character",
                "remove it",
            );
            return None;
        }
        Some(Self(context.resolve(node.place, &text)))
    }

    fn schema() -> Json {
        Text::schema()
    }
}

impl Read for ServerName {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = plain(node, context, "a DNS name or an IP address")?;
        if rustls::pki_types::ServerName::try_from(text.as_str()).is_err() {
            context.wrong(
                node.place,
                format!("invalid certificate name {}", backticked(&text)),
                "write a DNS name such as \"example.com\", or an IP address, without a port",
            );
            return None;
        }
        Some(Self(text))
    }

    fn schema() -> Json {
        Text::schema()
    }
}

impl Read for IpAddr {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = plain(node, context, "an IP address")?;
        let address = text.parse().ok();
        if address.is_none() {
            context.wrong(
                node.place,
                format!("invalid IP address {}", backticked(&text)),
                "write an address of this machine, such as \"192.0.2.7\" or \"2001:db8::7\"",
            );
        }
        address
    }

    fn schema() -> Json {
        json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] })
    }
}
