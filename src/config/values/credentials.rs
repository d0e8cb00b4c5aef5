//! Headers, user names and passwords of a dial.

use serde_json::{Value as Json, json};

use super::{
    Dialled,
    template::{escaped_template, refuse_characters, secret_string, string, warn_of_unbraced},
};
use crate::config::read::{Context, Node, Read, field};
use everwire_proto::language::{SecretTemplate, Template};

/// The value of a header.
#[derive(Clone, Debug)]
pub(in crate::config) struct HeaderValue(pub Dialled);

/// The user name of basic authentication.
#[derive(Clone, Debug)]
pub(in crate::config) struct UserName(pub Dialled);

/// The password of basic authentication.
#[derive(Clone, Debug)]
pub(in crate::config) struct Credential(pub Dialled);

field! { UserName <=> Template: |user| user.0.template, escaped_template }
field! { Credential <=> SecretTemplate: |password| password.0.template.into(), ToString::to_string }

/// Characters that a header value must not contain (RFC 9110 §5.5).
fn is_refused_in_header(character: char) -> bool {
    character.is_ascii_control() && character != '\t'
}

impl Read for HeaderValue {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        context.problems.hide(node.place);
        let text = secret_string(node, context, "a header's value")?;
        warn_of_unbraced(text, node, char::is_whitespace, context);
        let value = Dialled::read(text, node, context)?;
        let rule = "has a control character, which no header may hold (RFC 9110 §5.5)";
        refuse_characters(
            &value.template,
            node,
            "the value",
            is_refused_in_header,
            rule,
            context,
        );
        Some(Self(value))
    }

    fn schema() -> Json {
        json!({ "type": "string", "description": "\"\" removes a header that was inherited" })
    }
}

impl Read for UserName {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = string(node, context, "a user name")?;
        warn_of_unbraced(text, node, |_| false, context);
        let user = Dialled::read(text, node, context).unwrap_or_default();
        let rule = "has a colon or a control character, which no user name may hold (RFC 7617 §2)";
        let refused = |c: char| c == ':' || c.is_control();
        refuse_characters(
            &user.template,
            node,
            "the user name",
            refused,
            rule,
            context,
        );
        Some(Self(user))
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

impl Read for Credential {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        context.problems.hide(node.place);
        let text = secret_string(node, context, "a password").unwrap_or_default();
        warn_of_unbraced(text, node, |_| false, context);
        let password = Dialled::read(text, node, context).unwrap_or_default();
        let rule = "has a control character, which no password may hold (RFC 7617 §2)";
        refuse_characters(
            &password.template,
            node,
            "the password",
            char::is_control,
            rule,
            context,
        );
        Some(Self(password))
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}
