//! Redirects of the upgrade (RFC 9110 §15.4): which are followed, and which not.

use actix_http::ResponseHead;
use awc::http::{StatusCode, header};
use url::Url;

use super::address::Address;
use crate::core::Cause;

/// The most redirects within one dial.
pub(super) const MAX_REDIRECTS: usize = 5;

/// An answer that is a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    status: u16,
    location: String,
}

impl Redirect {
    /// The redirect of an answer: 301, 302, 307 or 308 with a `Location`.
    ///
    /// 303 is not followed: it names another resource, not another place of this one.
    pub fn of(head: &ResponseHead) -> Option<Self> {
        let is_followed = matches!(
            head.status,
            StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT
        );
        let location = head.headers().get(header::LOCATION)?.to_str().ok()?;
        is_followed.then(|| Self {
            status: head.status.as_u16(),
            location: location.to_owned(),
        })
    }
}

/// The URLs of one dial, in order.
pub(super) struct Trail(Vec<Url>);

impl Trail {
    /// Begins with the URL of the settings.
    pub fn new(first: Url) -> Self {
        Self(vec![first])
    }

    /// The next URL, and whether it has the same host, so that credentials may be sent there.
    ///
    /// # Errors
    ///
    /// [`Cause::HandshakeStatus`], which says why the redirect is not followed. The text names
    /// hosts, but no path and no query: a server may put into them what we have sent. A host may
    /// also hold it; the caller must mask that.
    pub fn follow(&mut self, redirect: &Redirect) -> Result<(Address, bool), Cause> {
        let refuse = |text: String| Cause::HandshakeStatus {
            status: redirect.status,
            retry_after: None,
            text,
        };
        let Some(from) = self.0.last() else {
            return Err(refuse("the redirect leads nowhere".into()));
        };
        let to = target(from, &redirect.location)
            .map_err(|why| refuse(format!("the redirect is not followed: {why}")))?;
        let place = origin(&to);
        if self.0.contains(&to) {
            return Err(refuse(format!(
                "the redirects go in a circle, back to {place}"
            )));
        }
        if self.0.len() > MAX_REDIRECTS {
            let text = format!("more than {MAX_REDIRECTS} redirects, the last of them to {place}");
            return Err(refuse(text));
        }
        let same_host = is_same_host(from, &to);
        let address = Address::of(&to).ok_or_else(|| refuse("its location has no host".into()))?;
        self.0.push(to);
        Ok((address, same_host))
    }
}

/// The target of a `Location` as a WebSocket URL. `http` becomes `ws`, and `https` becomes `wss`.
fn target(from: &Url, location: &str) -> Result<Url, String> {
    let mut to = from
        .join(location)
        .map_err(|error| format!("its location is no URL: {error}"))?;
    let scheme = match to.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        other => return Err(format!("its scheme is {other:?}")),
    };
    let mapped = to.set_scheme(scheme);
    to.set_fragment(None);
    if mapped.is_err() || to.host_str().is_none_or(str::is_empty) {
        return Err("its location has no host".into());
    }
    if from.scheme() == "wss" && scheme == "ws" {
        return Err(format!("it leads out of TLS, to {}", origin(&to)));
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err("its location holds credentials".into());
    }
    Ok(to)
}

/// Whether host and port are equal, or both ports are the default of their scheme: `ws://a` may
/// redirect to `wss://a`.
fn is_same_host(from: &Url, to: &Url) -> bool {
    let same_port = from.port_or_known_default() == to.port_or_known_default();
    let default_ports = from.port().is_none() && to.port().is_none();
    from.host() == to.host() && (same_port || default_ports)
}

/// Scheme, host and port.
fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(from: &str, location: &str) -> Result<(String, bool), String> {
        let redirect = Redirect {
            status: 302,
            location: location.into(),
        };
        let followed = Trail::new(from.parse().unwrap()).follow(&redirect);
        match followed {
            Ok((to, same_host)) => Ok((to.text, same_host)),
            Err(cause) => Err(cause.text().into_owned()),
        }
    }

    #[test]
    fn a_location_is_resolved_and_its_scheme_mapped() {
        for (from, location, to, same_host) in [
            ("ws://a.example/x/y?q", "z", "ws://a.example/x/z", true),
            (
                "ws://a.example/x",
                "/z?q=1#part",
                "ws://a.example/z?q=1",
                true,
            ),
            (
                "wss://a.example/x",
                "//b.example/",
                "wss://b.example/",
                false,
            ),
            (
                "ws://a.example/x",
                "http://a.example/y",
                "ws://a.example/y",
                true,
            ),
            (
                "ws://a.example/x",
                "https://a.example/x",
                "wss://a.example/x",
                true,
            ),
            (
                "ws://a.example/x",
                "wss://a.example:443/x",
                "wss://a.example/x",
                true,
            ),
            (
                "ws://a.example/x",
                "wss://a.example:8443/x",
                "wss://a.example:8443/x",
                false,
            ),
            (
                "wss://a.example/x",
                "https://A.EXAMPLE/y",
                "wss://a.example/y",
                true,
            ),
            (
                "ws://a.example:1/",
                "ws://a.example:2/",
                "ws://a.example:2/",
                false,
            ),
        ] {
            let followed = follow(from, location);
            assert_eq!(followed, Ok((to.into(), same_host)), "{from} {location}");
        }
    }

    #[test]
    fn a_redirect_that_is_not_followed_says_why_and_quotes_no_path() {
        for (from, location, why) in [
            (
                "wss://a.example/x",
                "ws://a.example/s3cret",
                "out of TLS, to ws://a.example",
            ),
            (
                "wss://a.example/x",
                "http://b.example/?s3cret",
                "out of TLS, to ws://b.example",
            ),
            (
                "ws://a.example/x",
                "ftp://a.example/s3cret",
                "its scheme is \"ftp\"",
            ),
            (
                "ws://a.example/x",
                "ws://me:s3cret@a.example/",
                "holds credentials",
            ),
            ("ws://a.example/x", "ws://:s3cret", "is no URL"),
            (
                "ws://a.example/x",
                "",
                "in a circle, back to ws://a.example",
            ),
            ("ws://a.example/x", "#part", "in a circle"),
        ] {
            let text = follow(from, location).unwrap_err();
            assert!(text.contains(why), "{location}: {text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn redirects_end_at_a_limit_and_at_a_circle() {
        let redirect = |location: String| Redirect {
            status: 307,
            location,
        };
        let mut trail = Trail::new("ws://a.example/0".parse().unwrap());
        for i in 1..=MAX_REDIRECTS {
            assert!(trail.follow(&redirect(format!("/{i}"))).is_ok());
        }
        let circle = trail.follow(&redirect("/2".into())).unwrap_err();
        assert!(circle.text().contains("in a circle"), "{circle}");
        let cause = trail.follow(&redirect("/one-more".into())).unwrap_err();
        assert_eq!(cause.status(), Some(307));
        assert!(cause.text().contains("more than 5 redirects"), "{cause}");
    }
}
