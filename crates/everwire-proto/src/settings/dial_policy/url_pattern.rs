//! Patterns of URLs.

use std::{fmt, str::FromStr};

use url::{Host, Url};

use crate::settings::pattern::glob;

/// Selects URLs part by part: `scheme://host:port/path`. In each part `*` matches any run of
/// characters.
///
/// A missing part matches anything: `example.com` selects all URLs of that host. `*` never matches
/// beyond the end of its part, so `wss://*.example.com` does not select
/// `wss://evil.example/.example.com`. The path is compared together with its query.
///
/// ```
/// use everwire_proto::settings::UrlPattern;
///
/// let pattern: UrlPattern = "wss://*.example.com/feed*".parse()?;
/// assert!(pattern.matches(&"wss://a.example.com/feed?x=1".parse()?));
/// assert!(!pattern.matches(&"wss://evil.example/.example.com/feed".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlPattern {
    scheme: Option<Box<str>>,
    host: Box<str>,
    port: Option<Box<str>>,
    path: Option<Box<str>>,
}

/// Why a text is no pattern of URLs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUrlPattern {
    /// It has no host.
    #[error("it has no host; write \"*\" for all")]
    NoHost,
    /// A URL with user and password is never dialled.
    #[error("it has an @ in its host; a URL is never dialled with a user or a password")]
    Credentials,
    /// The port is neither a number nor has it a `*`.
    #[error("invalid port {0:?}: write a number from 1 to 65535")]
    Port(String),
    /// The host can be no host.
    #[error("invalid host {0:?}")]
    Host(String),
}

impl UrlPattern {
    /// Whether it selects the URL.
    pub fn matches(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let port = url.port_or_known_default().map(|port| port.to_string());
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let fits = |pattern: &Option<Box<str>>, part: &str| {
            let pattern = pattern.as_deref();
            pattern.is_none_or(|pattern| glob(pattern.as_bytes(), part.as_bytes()))
        };
        fits(&self.scheme, url.scheme())
            && glob(self.host.as_bytes(), host.as_bytes())
            && fits(&self.port, port.as_deref().unwrap_or_default())
            && fits(&self.path, &path)
    }
}

impl FromStr for UrlPattern {
    type Err = InvalidUrlPattern;

    fn from_str(pattern: &str) -> Result<Self, InvalidUrlPattern> {
        let (scheme, rest) = match pattern.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase().into()), rest),
            None => (None, pattern),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => (&rest[..at], Some(rest[at..].into())),
            None => (rest, None),
        };
        if authority.contains('@') {
            return Err(InvalidUrlPattern::Credentials);
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address are within its brackets.
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if let Some(port) = port
            && !port.contains('*')
            && !port.parse::<u16>().is_ok_and(|port| port > 0)
        {
            return Err(InvalidUrlPattern::Port(port.to_owned()));
        }
        Ok(Self {
            scheme,
            host: host_pattern(host)?,
            port: port.map(Into::into),
            path,
        })
    }
}

/// The host in the form of a parsed URL, as far as `*` allows.
fn host_pattern(host: &str) -> Result<Box<str>, InvalidUrlPattern> {
    if host.is_empty() {
        return Err(InvalidUrlPattern::NoHost);
    }
    if host.contains('*') {
        return Ok(host.to_ascii_lowercase().into());
    }
    match Host::parse(host) {
        Ok(host) => Ok(host.to_string().into()),
        Err(_) => Err(InvalidUrlPattern::Host(host.to_owned())),
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}://")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = &self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.path.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_matched_each_for_itself() {
        for (pattern, url, expected) in [
            ("*", "ws://127.0.0.1:7/x", true),
            ("wss://*", "ws://a.example/", false),
            ("wss://*", "wss://a.example:7/x?y", true),
            ("wss://*.example.com", "wss://a.b.example.com:8443/x", true),
            ("wss://*.example.com", "wss://example.com/", false),
            (
                "wss://*.example.com",
                "wss://evil.example/.example.com",
                false,
            ),
            (
                "wss://*.example.com/*",
                "wss://evil.example/a.example.com/",
                false,
            ),
            ("wss://example.com:443", "wss://example.com/", true),
            ("wss://example.com:443", "wss://example.com:444/", false),
            ("ws://127.0.0.1:*", "ws://127.0.0.1:9999/echo", true),
            ("ws://127.0.0.1:*/*", "ws://127.0.0.1:9999/echo", true),
            ("ws://127.0.0.1*", "ws://127.0.0.1:9999/echo", true),
            ("127.0.0.1", "ws://127.0.0.1:9999/echo", true),
            ("127.0.0.1", "ws://127.0.0.2/", false),
            ("ws://[::1]:80", "ws://[0::1]/", true),
            ("ws://[::1]", "ws://[::1]:7/", true),
            ("WSS://EXAMPLE.com/Feed", "wss://example.com/Feed", true),
            ("wss://example.com/Feed", "wss://example.com/feed", false),
            ("wss://example.com/a*", "wss://example.com/a?b=/c", true),
            ("wss://example.com/a/*", "wss://example.com/a/../b", false),
        ] {
            let parsed: UrlPattern = pattern.parse().unwrap();
            assert_eq!(
                parsed.matches(&url.parse().unwrap()),
                expected,
                "{pattern} {url}"
            );
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (pattern, error) in [
            ("", InvalidUrlPattern::NoHost),
            ("wss:///x", InvalidUrlPattern::NoHost),
            ("wss://a@b", InvalidUrlPattern::Credentials),
            ("wss://a:0", InvalidUrlPattern::Port("0".into())),
            ("wss://a:x", InvalidUrlPattern::Port("x".into())),
            ("wss://a b", InvalidUrlPattern::Host("a b".into())),
        ] {
            assert_eq!(pattern.parse::<UrlPattern>(), Err(error), "{pattern}");
        }
        for pattern in [
            "*",
            "wss://*.example.com:8*/x*",
            "example.com",
            "ws://[::1]:7",
        ] {
            assert_eq!(pattern.parse::<UrlPattern>().unwrap().to_string(), pattern);
        }
    }
}
