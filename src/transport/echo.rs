//! What a server says when it refuses or closes may repeat what it was sent: our secrets are taken out of it.

use awc::http::header;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    request::{authorization, header_name, is_harmless},
    secrets::Secrets,
};
use crate::{
    config::{ConnectionSettings, Opening, Part, Proxy, Template},
    core::Cause,
};

/// A shorter text is no secret, and would be found in words that have nothing to do with it.
const SHORTEST: usize = 4;

/// A text of the server's without the secrets that were sent to it: values of variables, headers' values, passwords. `None` if it
/// holds none.
pub(crate) fn masked(
    text: &str,
    settings: &ConnectionSettings,
    urls: &[Template],
    secrets: &Secrets,
) -> Option<String> {
    if text.len() < SHORTEST {
        return None;
    }
    let mut masked = None;
    for secret in all(settings, urls, secrets) {
        let text = masked.as_deref().unwrap_or(text);
        if text.contains(&secret) {
            masked = Some(text.replace(&secret, "***"));
        }
    }
    masked
}

/// The same of what is told of a refused dial.
pub(super) fn without_secrets(
    mut cause: Cause,
    settings: &ConnectionSettings,
    url: &Template,
    secrets: &Secrets,
) -> Cause {
    if let Cause::HandshakeStatus { text, .. } = &mut cause
        && let Some(masked) = masked(text, settings, std::slice::from_ref(url), secrets)
    {
        *text = masked;
    }
    cause
}

/// The longest first: one may hold another.
fn all(settings: &ConnectionSettings, urls: &[Template], secrets: &Secrets) -> Vec<String> {
    let mut found: Vec<String> = variables(settings, urls)
        .chain(
            settings
                .basic_auth
                .iter()
                .map(|auth| auth.password.expose().clone()),
        )
        .filter_map(|template| Some(secrets.render(&template).ok()?.expose().to_owned()))
        .collect();
    for value in header_values(settings, secrets) {
        // Of `Bearer abc` the scheme is no secret, and the rest is one by itself.
        found.extend(value.split_once(' ').map(|(_, rest)| rest.to_owned()));
        found.push(value);
    }
    let encoded = found
        .iter()
        .map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
    let encoded: Vec<_> = encoded.collect();
    found.extend(encoded);
    found.retain(|text| text.len() >= SHORTEST);
    found.sort_by_key(|text| std::cmp::Reverse(text.len()));
    found
}

/// Each variable that was expanded for a dial.
fn variables<'a>(
    settings: &'a ConnectionSettings,
    urls: &'a [Template],
) -> impl Iterator<Item = Template> + use<'a> {
    let headers = settings.headers.iter().map(|(_, value)| value.expose());
    let auth = settings.basic_auth.iter();
    let openings = settings.on_open.iter().filter_map(|opening| match opening {
        Opening::Text(text) => Some(text),
        Opening::Binary(_) => None,
    });
    urls.iter()
        .chain(headers)
        .chain(auth.flat_map(|auth| [&auth.user, auth.password.expose()]))
        .chain(settings.proxy.iter().flat_map(Proxy::templates))
        .chain(openings)
        .flat_map(Template::parts)
        .filter(|part| !matches!(part, Part::Literal(_)))
        .map(|part| Template::from_parts([part.clone()]))
}

/// The values of the headers that may hold a secret.
fn header_values(settings: &ConnectionSettings, secrets: &Secrets) -> Vec<String> {
    let given = settings.headers.iter().filter_map(|(name, value)| {
        let name = header_name(name).ok()?;
        let value = value.expose();
        let is_secret = name != header::HOST && !is_harmless(&name, value);
        is_secret.then(|| secrets.render(value).ok())?
    });
    let given = given.map(|value| value.expose().to_owned());
    let auth = settings.basic_auth.as_ref();
    let auth = auth.and_then(|auth| authorization(auth, secrets).ok());
    let auth = auth.and_then(|value| Some(value.to_str().ok()?.to_owned()));
    given.chain(auth).collect()
}
