//! What may be dialled, for settings whose author is not trusted with this machine's networks.

mod public;
mod url_pattern;

use std::{net::IpAddr, sync::Arc};

use url::Url;

use self::public::is_public;
pub use self::url_pattern::{InvalidUrlPattern, UrlPattern};

/// What may be dialled. It is applied at each dial, to each redirect, to proxies, and to the addresses that a host name has then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialPolicy {
    /// Everything.
    #[default]
    Any,
    /// Public addresses of the Internet: none of this machine, of a local or private network, or of a cloud's own services.
    PublicOnly,
    /// URLs that one of these patterns matches, whatever addresses they have.
    Urls(Arc<[UrlPattern]>),
}

/// Which addresses a URL may have, once it may be dialled at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Any,
    PublicOnly,
}

impl DialPolicy {
    /// Which addresses the URL may have; `None` if it must not be dialled.
    pub(crate) fn reach(&self, url: &Url) -> Option<Reach> {
        match self {
            Self::Any => Some(Reach::Any),
            Self::PublicOnly => Some(Reach::PublicOnly),
            Self::Urls(patterns) => {
                let allowed = patterns.iter().any(|pattern| pattern.matches(url));
                allowed.then_some(Reach::Any)
            }
        }
    }

    /// The same for a WebSocket URL that is not parsed, and need not be where all may be dialled.
    pub(crate) fn reach_of(&self, url: &str) -> Option<Reach> {
        match self {
            Self::Any => Some(Reach::Any),
            Self::PublicOnly | Self::Urls(_) => self.reach(&super::url::parse(url).ok()?),
        }
    }
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
