//! SOCKS5 (RFC 1928, RFC 1929), by `tokio-socks`.

use tokio_socks::{Error, TargetAddr, tcp::Socks5Stream};

use super::destination::Destination;
use crate::{
    core::Cause,
    settings::ProxyParts,
    transport::{error_text::plain, stream::Stream},
};

/// Asks the proxy to open a tunnel over `stream`.
pub(super) async fn connect(
    stream: &mut Stream,
    proxy: &ProxyParts,
    to: &Destination,
) -> Result<(), Cause> {
    let target = match to {
        Destination::Name(name, port) => TargetAddr::Domain(name.into(), *port),
        Destination::Address(address) => TargetAddr::Ip(*address),
    };
    let opened = match &proxy.login {
        None => Socks5Stream::connect_with_socket(stream, target).await,
        Some((user, password)) => {
            let (user, password) = (user.expose(), password.expose());
            Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
        }
    };
    opened.map(drop).map_err(|error| cause(error, proxy, to))
}

fn cause(error: Error, proxy: &ProxyParts, to: &Destination) -> Cause {
    let said = |what: &str| format!("the proxy {proxy}: {what} {to}");
    let failed = |what: &str| Cause::proxy(format!("the proxy {proxy}: {what}"));
    let denied = |what: &str| Cause::Proxy {
        status: None,
        retry_after: None,
        denied: true,
        text: format!("the proxy {proxy}: {what}"),
    };
    match error {
        Error::ConnectionRefused => Cause::Refused(said("connection refused by")),
        Error::HostUnreachable => Cause::Unreachable(said("no route to host")),
        Error::NetworkUnreachable => Cause::Unreachable(said("network is unreachable for")),
        Error::TtlExpired => Cause::Unreachable(said("time to live exceeded on the way to")),
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => {
            denied(match proxy.login.is_some() {
                true => "it does not take a user and a password",
                false => "it asks for a user and a password",
            })
        }
        Error::PasswordAuthFailure(_) => denied("it does not accept the user and the password"),
        Error::ConnectionNotAllowedByRuleset => denied("its rules forbid the connection"),
        Error::GeneralSocksServerFailure => failed("general failure of the SOCKS server"),
        Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            failed("it closed the connection before it had answered")
        }
        Error::Io(error) => failed(&format!("{}, while it was asked", plain(&error))),
        error => failed(&error.to_string().to_lowercase()),
    }
}
