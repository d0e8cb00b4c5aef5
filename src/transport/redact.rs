//! Removes our secrets from texts of servers: a refusal or a close reason may repeat what was sent.

use awc::http::header;
use everwire_proto::{dialogue::Variables as _, language::MessageTemplate};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    headers::{authorization, header_name, is_harmless},
    secrets::Secrets,
};
use crate::{
    core::Cause,
    settings::{ConnectionSettings, Opening, Part, Proxy, Subprotocol, Template},
};

/// A shorter text is not treated as a secret: it would match unrelated words.
const SHORTEST: usize = 4;

/// Masks the secrets in a text of the server: values of variables and headers, and passwords. Case
/// is ignored, since hosts are lowercased. `None` if the text holds no secret. `…` marks a place
/// where the text was cut: the start of a secret may be before it.
pub(crate) fn masked(
    text: &str,
    settings: &ConnectionSettings,
    urls: &[Template],
    secrets: &Secrets,
) -> Option<String> {
    if text.len() < SHORTEST {
        return None;
    }
    let all = all(settings, urls, secrets);
    // Done first: a shorter secret may be a part of a longer one.
    let mut masked = without_start(&all, text);
    for secret in all {
        let text = masked.as_deref().unwrap_or(text);
        if let Some(without) = without(&secret, text) {
            masked = Some(without);
        }
    }
    masked
}

/// The text with `***` in place of the secret, if it contains it.
fn without(secret: &str, text: &str) -> Option<String> {
    // Both texts have the same length.
    let (secret, lower) = (secret.to_ascii_lowercase(), text.to_ascii_lowercase());
    let mut masked = String::new();
    let mut behind = 0;
    for (at, found) in lower.match_indices(&secret) {
        masked.push_str(&text[behind..at]);
        masked.push_str("***");
        behind = at + found.len();
    }
    masked.push_str(&text[behind..]);
    (behind > 0).then_some(masked)
}

/// The text with `***` in place of each start of a secret before a cut.
fn without_start(secrets: &[String], text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut found = false;
    for part in text.split_inclusive('…') {
        let without = part
            .strip_suffix('…')
            .and_then(|kept| without_tail(secrets, kept));
        found |= without.is_some();
        masked.push_str(without.as_deref().unwrap_or(part));
    }
    found.then_some(masked)
}

/// The part before a cut, with `***` if it ends with the start of a secret.
fn without_tail(secrets: &[String], kept: &str) -> Option<String> {
    // The cut may be within a character.
    let kept = kept.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let lower = kept.to_ascii_lowercase();
    let start = |secret: &String| {
        let secret = secret.to_ascii_lowercase();
        let ends = secret.char_indices().map(|(at, _)| at).rev();
        let mut ends = ends.take_while(|at| *at >= SHORTEST);
        ends.find(|at| lower.ends_with(&secret[..*at]))
    };
    let longest = secrets.iter().filter_map(start).max()?;
    Some(format!("{}***…", &kept[..kept.len() - longest]))
}

/// Masks the secrets in the cause of a failed dial. With `all`, also in our own texts: after a
/// redirect they may quote the server.
pub(super) fn without_secrets(
    mut cause: Cause,
    settings: &ConnectionSettings,
    url: &Template,
    secrets: &Secrets,
    all: bool,
) -> Cause {
    if let Some(text) = cause.foreign_text(all)
        && let Some(masked) = masked(text, settings, std::slice::from_ref(url), secrets)
    {
        *text = masked;
    }
    cause
}

/// The longest first, because one secret may contain another.
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
    if let Some(dialogue) = &settings.dialogue {
        let said = dialogue.secrets();
        found.extend(said.iter().map(|secret| secret.expose().to_owned()));
        let read = dialogue.templates().flat_map(MessageTemplate::variables);
        found.extend(read.filter_map(|variable| secrets.get(variable).map(str::to_owned)));
    }
    found.extend(secrets.captured().map(str::to_owned));
    for value in header_values(settings, secrets) {
        // In `Bearer abc`, the scheme is not secret, and the rest is a secret of its own.
        found.extend(value.split_once(' ').map(|(_, rest)| rest.to_owned()));
        found.push(value);
    }
    let encoded = found
        .iter()
        .map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
    // The form of a secret inside a JSON string.
    let quoted = found.iter().filter_map(|text| {
        let json = serde_json::to_string(text).ok()?;
        let inner = json.strip_prefix('"')?.strip_suffix('"')?;
        (inner != text).then(|| inner.to_owned())
    });
    let encoded: Vec<_> = encoded.chain(quoted).collect();
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
        .chain(settings.subprotocols.iter().map(Subprotocol::template))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_secret_at_the_cut_of_a_text_is_taken_out() {
        let secrets = ["abcdef-ghi".to_owned(), "cdef-ghijk".to_owned()];
        for (text, expected) in [
            ("at abcdef-ghi", None),
            ("at abc…", None),
            ("at abcd…", Some("at ***…")),
            ("at ABCDEF-GH…", Some("at ***…")),
            ("at abcdef-gh\u{fffd}…", Some("at ***…")),
            ("at cdef-ghij…", Some("at ***…")),
            ("abcd", None),
            ("\"abcd…\" or abcdef…", Some("\"***…\" or ***…")),
            ("…", None),
        ] {
            assert_eq!(
                without_start(&secrets, text).as_deref(),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_secret_is_taken_out_wherever_it_stands_and_however_it_is_written() {
        for (text, expected) in [
            ("abc", None),
            ("SeCrEt", Some("***")),
            ("a secret, the SECRET, ü", Some("a ***, the ***, ü")),
            ("secretsecret", Some("******")),
            ("", None),
        ] {
            assert_eq!(without("secret", text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(
            without("ToKeN", "at token.example"),
            Some("at ***.example".into())
        );
    }
}
