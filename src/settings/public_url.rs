//! The URL of the service behind a reverse proxy.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// An `http` or `https` URL: its origin (RFC 6454), and the prefix of the service's paths.
///
/// ```
/// use everwire::config::PublicUrl;
///
/// let url: PublicUrl = "https://Ops.Example.com:443/everwire/".parse()?;
/// assert_eq!((url.origin(), url.path()), ("https://ops.example.com", "/everwire"));
/// # Ok::<(), everwire::config::InvalidPublicUrl>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    host: Host,
    path: String,
}

/// Why a text is not a [`PublicUrl`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPublicUrl(String);

impl PublicUrl {
    /// As a browser writes it in `Origin`: without the scheme's default port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host and the port of the origin.
    pub fn authority(&self) -> &str {
        let scheme = self.scheme().len() + "://".len();
        &self.origin[scheme..]
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        let end = self.origin.find(':').unwrap_or_default();
        &self.origin[..end]
    }

    /// Whether the URL has this host, on any port.
    pub fn has_host(&self, host: &Host) -> bool {
        self.host == *host
    }

    /// The prefix, without a slash at its end; empty if the service has the whole host.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a browser with this `Origin` shows a page from here.
    pub fn is_origin(&self, origin: &str) -> bool {
        Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == self.origin)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let invalid = |reason: &str| Err(InvalidPublicUrl(reason.to_owned()));
        let Some((scheme, rest)) = text.split_once("://") else {
            return invalid("it has no scheme");
        };
        if !["http", "https"].contains(&&*scheme.to_ascii_lowercase()) {
            return invalid("its scheme is neither http nor https");
        }
        // The parser would look for a host in the path, and drop an empty user.
        let authority = rest.split(['/', '\\', '?', '#']).next();
        let authority = authority.unwrap_or_default();
        if authority.contains('@') {
            return invalid("it has a user");
        }
        if authority.is_empty() || authority.starts_with(':') {
            return invalid("it has no host");
        }
        let url = Url::parse(text).map_err(|error| InvalidPublicUrl(error.to_string()))?;
        if url.query().is_some() {
            return invalid("it has a query");
        }
        if url.fragment().is_some() {
            return invalid("it has a fragment");
        }
        let Some(host) = url.host() else {
            return invalid("it has no host");
        };
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            host: host.to_owned(),
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/", self.origin, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_has_an_origin_and_a_path() {
        for (text, shown, authority, path) in [
            ("https://h", "https://h/", "h", ""),
            ("HTTP://H:80/", "http://h/", "h", ""),
            ("https://h:80/a/b//", "https://h:80/a/b/", "h:80", "/a/b"),
            ("http://[0::1]:7/a", "http://[::1]:7/a/", "[::1]:7", "/a"),
            ("https://h/a/../b", "https://h/b/", "h", "/b"),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!((url.authority(), url.path()), (authority, path), "{text}");
        }
    }

    #[test]
    fn what_is_no_public_url_says_why() {
        for (text, reason) in [
            ("ops.example.com", "no scheme"),
            ("https:/h", "no scheme"),
            ("wss://h", "neither http nor https"),
            ("https://", "no host"),
            ("https:///h", "no host"),
            ("https://:443/", "no host"),
            ("https://me@h/", "a user"),
            ("https://@h/", "a user"),
            ("https://h/?a=b", "a query"),
            ("https://h/#a", "a fragment"),
            ("https://a b/", "invalid"),
            ("https://h:x/", "invalid port"),
        ] {
            let error = text.parse::<PublicUrl>().unwrap_err();
            assert!(error.to_string().contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn an_origin_is_compared_as_a_whole() {
        let url: PublicUrl = "https://ops.example.com/a".parse().unwrap();
        for (origin, is) in [
            ("https://ops.example.com", true),
            ("https://OPS.example.com:443", true),
            ("http://ops.example.com", false),
            ("https://ops.example.com:8443", false),
            ("https://ops.example.com.evil.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(url.is_origin(origin), is, "{origin:?}");
        }
    }
}
