//! Checks where a request comes from. A page whose name points at this machine (DNS rebinding) gets
//! no answer, and a page of another site changes nothing. Behind a reverse proxy,
//! `service.public_url` is the site of the page.

use std::net::IpAddr;

use actix_web::{
    Error, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, Version, header},
    middleware::Next,
    web::Data,
};
use everwire::{config::PublicUrl, core::displayable};
use url::{Host, Url};

use super::problem::Problem;
use crate::service::{page, state::AppState};

/// The hosts under which this server may be addressed.
#[derive(Debug)]
pub struct Hosts {
    listen: IpAddr,
}

impl Hosts {
    /// The hosts of a server that listens on this address: the address itself, and all names that a
    /// machine has for itself.
    pub fn of(listen: IpAddr) -> Self {
        Self {
            listen: listen.to_canonical(),
        }
    }

    /// Whether other machines can reach this server. Callers must then be known.
    fn is_exposed(&self) -> bool {
        !self.listen.is_loopback()
    }

    /// Whether `host`, with or without a port, is one of them. An unspecified address stands for
    /// any address. A name is never accepted if somebody else can make it point here.
    fn accept(&self, authority: &str) -> bool {
        let Some(host) = host_of(authority) else {
            return false;
        };
        let addr = match host {
            Host::Domain(name) => return is_localhost(&name),
            Host::Ipv4(addr) => IpAddr::V4(addr),
            Host::Ipv6(addr) => IpAddr::V6(addr).to_canonical(),
        };
        addr.is_loopback() || addr == self.listen || self.listen.is_unspecified()
    }
}

/// `localhost` and names below it are this machine by definition (RFC 6761 §6.3).
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// The host of `uri-host [":" port]` (RFC 9110 §7.2).
fn host_of(authority: &str) -> Option<Host> {
    host_and_port(authority).map(|(host, _)| host)
}

/// The host and the port of an authority. The port is empty if there is none.
fn host_and_port(authority: &str) -> Option<(Host, &str)> {
    let (host, port) = match authority.rfind(':') {
        // The colons of an IPv6 address are inside its brackets.
        Some(at) if !authority[at..].contains(']') => (&authority[..at], &authority[at + 1..]),
        _ => (authority, ""),
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((Host::parse(host).ok()?, port))
}

/// Whether two authorities of a URL with this scheme are equal. Case and an explicit default port
/// make no difference (RFC 9110 §4.2.3).
fn is_same_authority(one: &str, other: &str, scheme: &str) -> bool {
    let default = if scheme == "https" { "443" } else { "80" };
    let normal = |authority| {
        let (host, port) = host_and_port(authority)?;
        Some((host, if port.is_empty() { default } else { port }))
    };
    match (normal(one), normal(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// The authority of a request: that of its target, else `Host`. HTTP/2 sends it as `:authority`
/// instead of `Host` (RFC 9113 §8.3.1); in HTTP/1.1 it takes precedence over `Host` (RFC 9112
/// §3.2.2).
fn authority(request: &HttpRequest) -> Option<&str> {
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => Some(
            request
                .headers()
                .get(header::HOST)?
                .to_str()
                .unwrap_or_default(),
        ),
    }
}

/// Admits a request if its `Host` and the host of an absolute target or of `:authority` are ours,
/// and if no other site made a browser send a change.
///
/// # Errors
///
/// 400 if `Host` is missing (RFC 9112 §3.2; in HTTP/2 only if `:authority` is missing, too), if
/// there are several, or if it contradicts the authority of the target (RFC 9113 §8.3.1). 403 if it
/// is not ours, or if another site wants a change.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    check_host(request.request())?;
    if !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        check_site(request.request())?;
    }
    next.call(request).await
}

fn check_host(request: &HttpRequest) -> Result<(), Problem> {
    let host = host_field(request)?;
    let Some(authority) = authority(request) else {
        return Err(Problem::bad_request(
            "invalid request: it has neither :authority nor Host; send one of them",
        ));
    };
    let Some(hosts) = request.app_data::<Data<Hosts>>() else {
        return Err(Problem::unavailable(
            "the host names of this service are not loaded",
        ));
    };
    let public = public_url(request);
    let accept = |authority: &str| {
        let is_public =
            |url: &PublicUrl| host_of(authority).is_some_and(|host| url.has_host(&host));
        hosts.accept(authority) || public.as_ref().is_some_and(is_public)
    };
    let is_ours = accept(authority) && host.is_none_or(accept);
    // A browser has no token yet when it requests the page, which is the same for everybody.
    let is_open = || hosts.is_exposed() && (page::is_at(request.path()) || is_known(request));
    if !is_ours && !is_open() {
        return Err(unknown_host(request, authority, public.as_ref()));
    }
    let scheme = request.uri().scheme_str().unwrap_or_default();
    match host.is_none_or(|host| host == authority || is_same_authority(host, authority, scheme)) {
        true => Ok(()),
        false => Err(Problem::bad_request(
            "invalid request: its Host is not the host of its target; send the same in both",
        )),
    }
}

/// The URL of the service behind a reverse proxy.
fn public_url(request: &HttpRequest) -> Option<PublicUrl> {
    request
        .app_data::<Data<AppState>>()?
        .rules()
        .public_url
        .clone()
}

fn unknown_host(request: &HttpRequest, authority: &str, public: Option<&PublicUrl>) -> Problem {
    let told = "invalid Host: ask by a loopback address or by localhost";
    if let Some(public) = public {
        return Problem::forbidden(format!(
            "{told}, or by service.public_url, which is {public}"
        ));
    }
    let scheme = request.headers().get("X-Forwarded-Proto");
    let scheme = if scheme.is_some_and(|scheme| scheme == "http") {
        "http"
    } else {
        "https"
    };
    let Ok(url) = format!("{scheme}://{authority}").parse::<PublicUrl>() else {
        return Problem::forbidden(told);
    };
    Problem::forbidden(format!("{told}{}", behind_a_proxy(url.origin())))
}

/// What to configure if the origin belongs to a proxy in front of this service.
fn behind_a_proxy(origin: &str) -> String {
    let origin = displayable(origin);
    format!(
        "; if {origin} is a reverse proxy before this service, write service.public_url = \"{origin}\", with the prefix of its paths if there is one"
    )
}

/// The request's `Host`. HTTP/2 may omit it.
fn host_field(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let mut fields = request.headers().get_all(header::HOST);
    match (fields.next(), fields.next()) {
        (Some(host), None) => Ok(Some(host.to_str().unwrap_or_default())),
        (None, _) if request.version() >= Version::HTTP_2 => Ok(None),
        _ => Err(Problem::bad_request(
            "invalid request: it has no Host, or several; send exactly one",
        )),
    }
}

/// Whether the caller is known. A page of another host has no token.
fn is_known(request: &HttpRequest) -> bool {
    request
        .app_data::<Data<AppState>>()
        .is_some_and(|state| state.access.identify(request.headers()).is_ok())
}

/// Checks that a browser names no other site as the origin of the request. Other clients send no
/// such headers, and pass.
///
/// # Errors
///
/// 403.
pub fn check_site(request: &HttpRequest) -> Result<(), Problem> {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value.map(|value| value.to_str().unwrap_or_default())
    };
    let is_ours =
        header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let host = authority(request).unwrap_or_default();
    let public = public_url(request);
    let is_same = |origin: &str| {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
    };
    let is_known = |origin: &str| match &public {
        Some(public) if public.is_origin(origin) => true,
        // The same host with another scheme: the page may be written by somebody who can change
        // traffic on the way.
        Some(public) if is_same_authority(host, public.authority(), public.scheme()) => false,
        _ => is_same(origin),
    };
    let origin = header("origin");
    if is_ours && origin.is_none_or(is_known) {
        return Ok(());
    }
    let told = "a page of another site must not do this here";
    let help = match (&public, origin.map(Url::parse)) {
        (Some(public), _) => format!("; service.public_url is {public}"),
        // The browser says that the page is ours, so its origin is that of a proxy.
        (None, Some(Ok(url))) if is_ours && url.has_host() => {
            behind_a_proxy(&url.origin().ascii_serialization())
        }
        (None, _) => String::new(),
    };
    Err(Problem::forbidden(format!("{told}{help}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_loopback_is_asked_by_names_of_this_machine_only() {
        let hosts = Hosts::of([127, 0, 0, 1].into());
        for host in [
            "127.0.0.1",
            "127.0.0.1:9180",
            "localhost",
            "LOCALHOST:80",
            "a.localhost",
            "localhost.",
            "[::1]:9180",
            "[::1]",
            "127.9.9.9",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(hosts.accept(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "example.com:9180",
            "localhost.example.com",
            "10.0.0.1",
            "notlocalhost",
            "127.0.0.1.nip.io",
            "127.0.0.1@example.com",
            "localhost:80x",
            "[::2]",
        ] {
            assert!(!hosts.accept(host), "{host}");
        }
    }

    #[test]
    fn authorities_are_one_whatever_their_case_and_their_default_port() {
        for (one, other, scheme, same) in [
            ("localhost", "LOCALHOST", "https", true),
            ("localhost:443", "localhost", "https", true),
            ("localhost:443", "localhost", "http", false),
            ("localhost:80", "localhost", "http", true),
            ("[::1]:9180", "[0:0::1]:9180", "https", true),
            ("localhost:9180", "localhost:9181", "https", false),
            ("localhost", "127.0.0.1", "https", false),
            ("", "localhost", "https", false),
            ("a b", "a b", "https", false),
        ] {
            assert_eq!(
                is_same_authority(one, other, scheme),
                same,
                "{one} {other} {scheme}"
            );
        }
    }

    #[test]
    fn a_server_on_another_address_is_asked_by_that_address_too() {
        let hosts = Hosts::of([10, 0, 0, 1].into());
        assert!(hosts.accept("10.0.0.1:9180"));
        assert!(!hosts.accept("10.0.0.2:9180"));
        assert!(Hosts::of([0, 0, 0, 0].into()).accept("10.0.0.2"));
        assert!(!Hosts::of([0, 0, 0, 0].into()).accept("example.com"));
    }
}
