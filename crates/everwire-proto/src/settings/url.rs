//! URLs that may be dialled.

use url::Url;

/// The text is not a URL that can be dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid WebSocket URL {url:?}: {reason}")]
pub struct InvalidUrl {
    /// The offending text.
    pub url: String,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

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
    check_authority(text).map_err(invalid)?;
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

/// If there is no host, the WHATWG URL standard (§4.4), by which URLs are parsed, looks for one in
/// the path. A URL without a host is a mistake, or contains an empty variable.
fn check_authority(text: &str) -> Result<(), String> {
    // Like the parser, ignores white space around it, and tabs and line ends in it.
    let text: String = text
        .trim_matches(|c| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .collect();
    let Some((scheme, rest)) = text.split_once(':') else {
        return Ok(());
    };
    if !["ws", "wss"].contains(&&*scheme.to_ascii_lowercase()) {
        return Ok(());
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(format!(
            "`//` is missing behind {scheme}:; write {scheme}://host/path"
        ));
    };
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let host = match rest[..end].rsplit_once('@') {
        // The parser drops an empty user.
        Some(("" | ":", _)) => return Err("it has an @ without a user; remove it".into()),
        Some((_, host)) => host,
        None => &rest[..end],
    };
    match host.is_empty() || host.starts_with(':') {
        true => Err(format!("the host is missing; write {scheme}://host/path")),
        false => Ok(()),
    }
}

/// The text without the part between `//` and the last `@` of the authority, so that an error can
/// quote it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_never_found_in_the_path() {
        for (text, reason) in [
            ("ws:///h/x", "the host is missing"),
            ("ws:////h/x", "the host is missing"),
            ("ws://", "the host is missing"),
            ("wss://:443/x", "the host is missing"),
            ("wss://me:pw@/x", "the host is missing"),
            ("ws://?h", "the host is missing"),
            ("ws://\\h/x", "the host is missing"),
            ("ws://\t/h/x", "the host is missing"),
            ("ws:h/x", "`//` is missing"),
            ("ws:/h/x", "`//` is missing"),
            ("WSS:h", "`//` is missing"),
            ("ws:\\\\h/x", "`//` is missing"),
            ("wss://@h/", "an @ without a user"),
            ("wss://:@h/", "an @ without a user"),
            ("wss://me:pw@h/", "credentials"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.reason.contains(reason), "{text}: {error}");
        }
        for text in [
            "ws://h",
            "wss://h/a@b",
            "WSS://h:1/?a=://@",
            " ws://[::1]:9/ ",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }
}
