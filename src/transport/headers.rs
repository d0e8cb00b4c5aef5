//! The headers of the upgrade request: those of the user and ours.

use std::borrow::Cow;

use awc::http::header::{self, HeaderName, HeaderValue};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    address::Address,
    secrets::Secrets,
    subprotocols::{Offered, offer},
};
use crate::{
    core::Cause,
    settings::{AuthEncoding, BasicAuth, ConnectionSettings, Part, Secret, Template},
};

/// The `User-Agent`, unless the settings have one.
pub(super) const USER_AGENT: &str = concat!("everwire/", env!("CARGO_PKG_VERSION"));

/// Headers that belong to the handshake (RFC 6455 §4.1) or that announce a body.
const RESERVED: [HeaderName; 9] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_ACCEPT,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

/// A header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The name as it is sent: the user's as written, ours as in the standards. Some servers accept
    /// no other spelling.
    pub name: Cow<'static, str>,
    pub value: HeaderValue,
}

/// All headers except those of the handshake itself. `Host` is the first.
///
/// # Errors
///
/// [`Cause::InvalidRequest`] for a header that cannot be sent, without secrets in the text;
/// [`Cause::SecretMissing`].
pub(super) fn headers(
    settings: &ConnectionSettings,
    secrets: &Secrets,
    to: &Address,
    subprotocols: &[Offered],
    with_credentials: bool,
) -> Result<Vec<Field>, Cause> {
    let mut headers = Vec::with_capacity(settings.headers.len() + 5);
    for (name, template) in &settings.headers {
        let parsed = header_name(name)?;
        if !with_credentials && !is_harmless(&parsed, template.expose()) {
            continue;
        }
        let value = header_value(name, &secrets.render(template.expose())?)?;
        headers.push(Field {
            name: Cow::Owned(name.clone()),
            value,
        });
    }
    // RFC 9110 §7.2: `Host` should be the first.
    match position(&headers, "Host") {
        Some(at) => headers[..=at].rotate_right(1),
        None => headers.insert(0, ours("Host", host_header(to)?)),
    }
    if position(&headers, "User-Agent").is_none() {
        headers.push(ours("User-Agent", HeaderValue::from_static(USER_AGENT)));
    }
    if let Some(auth) = settings.basic_auth.as_ref().filter(|_| with_credentials) {
        if position(&headers, "Authorization").is_some() {
            let text = "basic_auth and a header Authorization exclude each other";
            return Err(invalid(text));
        }
        headers.push(ours("Authorization", authorization(auth, secrets)?));
    }
    if !subprotocols.is_empty() {
        headers.push(ours("Sec-WebSocket-Protocol", offer(subprotocols)?));
    }
    if let Some(compression) = settings.compression {
        let value = HeaderValue::try_from(compression.offer().to_string())
            .map_err(|_| invalid("the offer of compression cannot stand in a header"))?;
        headers.push(ours("Sec-WebSocket-Extensions", value));
    }
    Ok(headers)
}

fn ours(name: &'static str, value: HeaderValue) -> Field {
    let name = Cow::Borrowed(name);
    Field { name, value }
}

pub(super) fn position(headers: &[Field], name: &str) -> Option<usize> {
    headers
        .iter()
        .position(|given| given.name.eq_ignore_ascii_case(name))
}

/// Whether a header may go to a host that the settings do not name. Other headers may hold a
/// secret, and `Host` would be wrong.
pub(super) fn is_harmless(name: &HeaderName, value: &Template) -> bool {
    let is_literal = |part: &Part| matches!(part, Part::Literal(_));
    [header::USER_AGENT, header::ORIGIN, header::ACCEPT_LANGUAGE].contains(name)
        && value.parts().iter().all(is_literal)
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, Cause> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid(format!("invalid header name {name:?}")))?;
    match RESERVED.contains(&parsed) {
        true => Err(invalid(format!(
            "the header {name} is part of the handshake and cannot be set"
        ))),
        false => Ok(parsed),
    }
}

fn header_value(name: &str, value: &Secret) -> Result<HeaderValue, Cause> {
    HeaderValue::from_bytes(value.expose().as_bytes())
        .map_err(|_| invalid(format!("the header {name} holds a control character")))
}

fn host_header(to: &Address) -> Result<HeaderValue, Cause> {
    HeaderValue::from_str(to.authority())
        .map_err(|_| invalid("the URL's host cannot stand in a header"))
}

/// RFC 7617 §2: no colon in the user name, and no control characters.
pub(super) fn authorization(auth: &BasicAuth, secrets: &Secrets) -> Result<HeaderValue, Cause> {
    let (user, password) = (
        secrets.render(&auth.user)?,
        secrets.render(auth.password.expose())?,
    );
    if user.expose().contains(':') {
        return Err(invalid("the user of basic_auth holds a colon"));
    }
    let pair = format!("{}:{}", user.expose(), password.expose());
    if pair.contains(char::is_control) {
        return Err(invalid("basic_auth holds a control character"));
    }
    let bytes = match auth.encoding {
        AuthEncoding::Utf8 => pair.into_bytes(),
        AuthEncoding::Latin1 => pair
            .chars()
            .map(|c| u8::try_from(u32::from(c)))
            .collect::<Result<_, _>>()
            .map_err(|_| invalid("basic_auth holds a character that latin1 has not"))?,
    };
    HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(bytes)))
        .map_err(|_| invalid("basic_auth cannot stand in a header"))
}

fn invalid(text: impl Into<String>) -> Cause {
    Cause::InvalidRequest(text.into())
}
