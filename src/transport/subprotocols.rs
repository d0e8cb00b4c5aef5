//! The subprotocols that an upgrade offers.

use awc::http::header::HeaderValue;

use super::secrets::Secrets;
use crate::{
    core::Cause,
    settings::{ConnectionSettings, Secret, Subprotocol},
};

/// A subprotocol that is offered.
#[derive(Debug)]
pub(super) struct Offered {
    /// The text for the server.
    pub text: Secret,
    /// The text for messages: with its variables unexpanded, if it has any.
    shown: Option<String>,
}

impl Offered {
    /// The text for messages.
    pub fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(self.text.expose())
    }
}

/// The offered subprotocols: unique tokens (RFC 6455 §4.1). One with a variable may hold a secret,
/// and is not sent to a host that the settings do not name.
pub(super) fn subprotocols(
    settings: &ConnectionSettings,
    secrets: &Secrets,
    with_credentials: bool,
) -> Result<Vec<Offered>, Cause> {
    let mut offered: Vec<Offered> = Vec::with_capacity(settings.subprotocols.len());
    for template in settings.subprotocols.iter().map(Subprotocol::template) {
        if template.has_variables() && !with_credentials {
            continue;
        }
        let text = secrets.render(template)?;
        let name = || template.to_string();
        if text.expose().is_empty() || !text.expose().bytes().all(is_token_byte) {
            return Err(Cause::InvalidRequest(format!(
                "invalid subprotocol {:?}",
                name()
            )));
        }
        if offered.iter().any(|other| other.text == text) {
            let text = format!("the subprotocol {:?} is offered twice", name());
            return Err(Cause::InvalidRequest(text));
        }
        offered.push(Offered {
            text,
            shown: template.has_variables().then(name),
        });
    }
    Ok(offered)
}

/// The header value, in the order of preference.
pub(super) fn offer(subprotocols: &[Offered]) -> Result<HeaderValue, Cause> {
    let texts: Vec<_> = subprotocols.iter().map(|one| one.text.expose()).collect();
    HeaderValue::try_from(texts.join(", "))
        .map_err(|_| Cause::InvalidRequest("the subprotocols cannot stand in a header".into()))
}

/// Whether the byte may be in a token (RFC 9110 §5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
