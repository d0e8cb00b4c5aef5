//! The URL of an HTTP call.

use url::{Position, Url};

use crate::{
    settings::{DialPolicy, Reach},
    transport::address::Address,
};

/// A URL that can be called.
#[derive(Clone, Debug)]
pub(super) struct HttpUrl {
    /// `http://` or `https://`.
    pub url: Url,
    /// The address that it leads to.
    pub to: Address,
}

impl HttpUrl {
    /// # Errors
    ///
    /// What is wrong with the text. The error does not quote the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("invalid URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("invalid URL: its scheme is not http or https".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL holds credentials; a header Authorization says them".into());
        }
        Self::of(url).ok_or_else(|| "the URL has no host".into())
    }

    fn of(mut url: Url) -> Option<Self> {
        url.set_fragment(None);
        let to = Address::of(&as_websocket(&url)?)?;
        Some(Self { url, to })
    }

    /// The URL of a redirect's target, which a [`Trail`](crate::transport::redirect::Trail) has
    /// found.
    pub fn of_address(to: &Address) -> Option<Self> {
        let mut url = Url::parse(&to.text).ok()?;
        url.set_scheme(if to.is_tls { "https" } else { "http" })
            .ok()?;
        Self::of(url)
    }

    /// The same URL with a WebSocket scheme, in which redirects are followed.
    pub fn as_websocket(&self) -> Option<Url> {
        as_websocket(&self.url)
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// Host and port, without the port if it is the scheme's default.
    pub fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Which addresses it may lead to; `None` if it must not be called.
    pub fn reach(&self, policy: &DialPolicy) -> Option<Reach> {
        policy.reach(&self.url)
    }
}

/// `http` maps to `ws` and `https` to `wss`; their default ports are equal.
fn as_websocket(url: &Url) -> Option<Url> {
    let mut url = url.clone();
    let scheme = match url.scheme() {
        "https" => "wss",
        _ => "ws",
    };
    url.set_scheme(scheme).ok()?;
    Some(url)
}
