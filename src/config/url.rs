//! What may be dialled.

use url::Url;

use super::settings::InvalidUrl;

/// Parses an absolute `ws://` or `wss://` URL (RFC 6455 §3).
///
/// # Errors
///
/// [`InvalidUrl`] when it has another scheme, no host, or a fragment.
pub fn parse(text: &str) -> Result<Url, InvalidUrl> {
    let invalid = |reason: String| InvalidUrl {
        url: without_credentials(text),
        reason,
    };
    let url = Url::parse(text)
        .map_err(|error| invalid(format!("{error}; write ws://host/path or wss://host/path")))?;
    if !matches!(url.scheme(), "ws" | "wss") {
        return Err(invalid(format!(
            "the scheme is {:?}; it must be ws or wss",
            url.scheme()
        )));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(invalid("the host is missing".into()));
    }
    if url.fragment().is_some() {
        return Err(invalid(
            "it has a fragment (#…), which a WebSocket URL must not have".into(),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(
            "it holds credentials; use basic_auth = { user = …, password = … } instead".into(),
        ));
    }
    Ok(url)
}

/// The text with all between `//` and the last `@` of the authority cut out, so that an error can quote it.
fn without_credentials(text: &str) -> String {
    let Some(start) = text.find("//").map(|at| at + 2) else {
        return text.into();
    };
    let end = text[start..]
        .find(['/', '?', '#'])
        .map_or(text.len(), |at| start + at);
    match text[start..end].rfind('@') {
        Some(at) => format!("{}***{}", &text[..start], &text[start + at..]),
        None => text.into(),
    }
}
