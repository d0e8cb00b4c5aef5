//! Restricts what may be dialled, for settings whose author is not trusted with this machine's
//! networks.

mod public;
mod url_pattern;

use std::{net::IpAddr, sync::Arc};

use url::Url;

use self::public::is_public;
pub use self::url_pattern::{InvalidUrlPattern, UrlPattern};

/// What may be dialled. Checked at each dial, for each redirect, for proxies, and for the current
/// addresses of a host name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialPolicy {
    /// Everything.
    #[default]
    Any,
    /// Public addresses of the Internet: not those of this machine, of a local or private network,
    /// or of a cloud's own services.
    PublicOnly,
    /// URLs that match one of these patterns, whatever their addresses.
    Urls(Arc<[UrlPattern]>),
}

/// The addresses that a URL may have, if it may be dialled at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All addresses.
    Any,
    /// Public addresses of the Internet.
    PublicOnly,
}

impl DialPolicy {
    /// The addresses that the URL may have; `None` if it must not be dialled.
    pub fn reach(&self, url: &Url) -> Option<Reach> {
        match self {
            Self::Any => Some(Reach::Any),
            Self::PublicOnly => Some(Reach::PublicOnly),
            Self::Urls(patterns) => {
                let allowed = patterns.iter().any(|pattern| pattern.matches(url));
                allowed.then_some(Reach::Any)
            }
        }
    }

    /// Why the URL can never be dialled; `None` if it may be. A host name is checked again at each
    /// dial, by its current addresses.
    pub fn refusal(&self, url: &Url) -> Option<String> {
        match self.reach(url) {
            None => Some("no pattern of service.allow_urls selects it".into()),
            Some(Reach::Any) => None,
            Some(Reach::PublicOnly) => {
                let host = url.host_str()?.trim_matches(['[', ']']);
                let address = host.parse::<IpAddr>();
                match address {
                    Ok(address) if is_public(address) => None,
                    Ok(address) => Some(format!("{address} is not a public address")),
                    Err(_) if is_localhost(host) => Some(format!("{host} is this machine")),
                    Err(_) => None,
                }
            }
        }
    }

    /// The [`refusal`](Self::refusal) of a URL of which only the start is known.
    pub fn refusal_of_start(&self, start: &str) -> Option<String> {
        // A pattern may match the unknown path.
        if !matches!(self, Self::PublicOnly) {
            return None;
        }
        let authority = start.find("://")? + 3;
        let end = authority + start[authority..].find(['/', '?', '#'])?;
        self.refusal(&Url::parse(&start[..end]).ok()?)
    }

    /// The [`reach`](Self::reach) of an unparsed WebSocket URL. It is parsed only if not everything
    /// may be dialled.
    pub fn reach_of(&self, url: &str) -> Option<Reach> {
        match self {
            Self::Any => Some(Reach::Any),
            Self::PublicOnly | Self::Urls(_) => self.reach(&super::url::parse(url).ok()?),
        }
    }
}

/// `localhost` and its subdomains mean this machine by definition (RFC 6761 §6.3).
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

impl Reach {
    /// Whether an address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::PublicOnly => is_public(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_public_is_refused_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "127.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "[::1]",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
        ] {
            let refusal = |policy: &DialPolicy| {
                let url = format!("ws://user@{host}:8080/x");
                policy.refusal(&Url::parse(&url).unwrap())
            };
            assert!(refusal(&DialPolicy::PublicOnly).is_some(), "{host}");
            assert_eq!(refusal(&DialPolicy::Any), None, "{host}");
            let allowed = DialPolicy::Urls(["*".parse().unwrap()].into());
            assert_eq!(refusal(&allowed), None, "{host}");
            let start = format!("ws://{host}/");
            let refused = DialPolicy::PublicOnly.refusal_of_start(&start);
            assert!(refused.is_some(), "{host}");
        }
    }

    #[test]
    fn what_may_be_public_is_judged_when_it_is_dialled() {
        for host in [
            "1.1.1.1",
            "[2606:4700::1]",
            "example.com",
            "localhost.example.com",
        ] {
            let url = Url::parse(&format!("wss://{host}/")).unwrap();
            assert_eq!(DialPolicy::PublicOnly.refusal(&url), None, "{host}");
        }
        // If the host is unknown, or incomplete, there is nothing to check.
        for start in [
            "",
            "ws://",
            "ws://127.0.0.1",
            "ws://127.0.0.1:80",
            "127.0.0.1/",
        ] {
            let refused = DialPolicy::PublicOnly.refusal_of_start(start);
            assert_eq!(refused, None, "{start}");
        }
        let patterns = DialPolicy::Urls(["wss://example.com".parse().unwrap()].into());
        assert_eq!(patterns.refusal_of_start("ws://127.0.0.1/"), None);
    }
}
