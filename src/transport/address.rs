//! The address that a URL leads to.

use std::{fmt, net::IpAddr, ops::Range};

use url::{Position, Url};

use crate::{
    core::Cause,
    settings::{InvalidUrl, PlainUrl, url::parse},
};

/// A URL and the parts that a dial needs.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// The whole URL, normalised.
    pub text: String,
    /// The host.
    pub host: Host,
    /// The port of the URL, or the scheme's default port.
    pub port: u16,
    /// Whether the scheme is `wss`.
    pub is_tls: bool,
    authority: Range<usize>,
}

/// A host of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// An IP address: there is nothing to resolve.
    Ip(IpAddr),
    /// A name, in lower case.
    Name(String),
}

impl Address {
    /// Parses a URL. Most URLs are already normalised and need no parser.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`], with the same text that the configuration reports.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        match PlainUrl::of(text) {
            Some(plain) => Ok(Self::plain(text, plain)),
            None => {
                let url = parse(text)?;
                Self::of(&url).ok_or_else(|| InvalidUrl {
                    url: String::new(),
                    reason: "it has no host or no port".into(),
                })
            }
        }
    }

    /// The address of a parsed URL; `None` if it has no host or no port.
    pub fn of(url: &Url) -> Option<Self> {
        let start = url[..Position::BeforeHost].len();
        Some(Self {
            host: match url.host()? {
                url::Host::Ipv4(ip) => Host::Ip(ip.into()),
                url::Host::Ipv6(ip) => Host::Ip(ip.into()),
                url::Host::Domain(name) => Host::Name(name.into()),
            },
            port: url.port_or_known_default()?,
            is_tls: url.scheme() == "wss",
            authority: start..url[..Position::AfterPort].len(),
            text: url.as_str().to_owned(),
        })
    }

    fn plain(text: &str, plain: PlainUrl<'_>) -> Self {
        let start = if plain.is_tls { "wss://" } else { "ws://" }.len();
        Self {
            host: match plain.ip {
                Some(ip) => Host::Ip(ip.into()),
                None => Host::Name(plain.host.to_owned()),
            },
            port: plain.port.unwrap_or(if plain.is_tls { 443 } else { 80 }),
            is_tls: plain.is_tls,
            authority: start..start + plain.authority.len(),
            text: text.to_owned(),
        }
    }

    /// `ws` or `wss`.
    pub fn scheme(&self) -> &'static str {
        if self.is_tls { "wss" } else { "ws" }
    }

    /// Host and port, without the port if it is the scheme's default (RFC 9110 §7.2).
    pub fn authority(&self) -> &str {
        &self.text[self.authority.clone()]
    }

    /// Host and port, always with the port.
    pub fn host_and_port(&self) -> String {
        let authority = self.authority();
        // The colons of an IPv6 address are inside brackets.
        let has_port = authority.rfind(':') > authority.rfind(']');
        match has_port {
            true => authority.to_owned(),
            false => format!("{authority}:{}", self.port),
        }
    }

    /// The URL, as a base for relative references.
    ///
    /// # Errors
    ///
    /// In practice none: the text was parsed as a URL before.
    pub fn url(&self) -> Result<Url, Cause> {
        parse(&self.text).map_err(|error| Cause::InvalidRequest(error.reason))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_by_the_parser_and_without() {
        for (text, authority, key) in [
            ("ws://a.example/x", "a.example", "a.example:80"),
            ("wss://A.example:443/", "a.example", "a.example:443"),
            ("wss://a.example:80/", "a.example:80", "a.example:80"),
            ("ws://[::1]:9000/", "[::1]:9000", "[::1]:9000"),
            ("ws://[::80]/", "[::80]", "[::80]:80"),
            ("ws://127.0.0.1", "127.0.0.1", "127.0.0.1:80"),
            ("ws://127.1:81?q", "127.0.0.1:81", "127.0.0.1:81"),
            (
                "ws://127.0.0.1:9000/e?a=b",
                "127.0.0.1:9000",
                "127.0.0.1:9000",
            ),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.authority(), authority);
            assert_eq!(address.host_and_port(), key);
            let parsed = Address::of(&address.url().unwrap()).unwrap();
            assert_eq!(format!("{address:?}"), format!("{parsed:?}"));
        }
    }
}
