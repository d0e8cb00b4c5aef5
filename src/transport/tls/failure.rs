//! What a failed handshake means.

use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::{core::Cause, transport::failure::plain};

/// What we have to show to a server that asks for a client certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::transport) enum Client {
    /// Nothing, and as far as we know the server did not ask.
    #[default]
    Unknown,
    /// Nothing, and the server asked.
    Missing,
    /// A certificate.
    Configured,
}

/// What an I/O error during the handshake means.
pub(in crate::transport) fn handshake_failure(error: &io::Error, client: Client) -> Cause {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return failure(error, client);
    }
    match error.kind() {
        _ if client == Client::Missing => missing("it closed the connection"),
        io::ErrorKind::UnexpectedEof => {
            Cause::Tls("the server closed the connection during the TLS handshake".into())
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => {
            Cause::Reset(format!("{}, during the TLS handshake", plain(error)))
        }
        _ => Cause::Tls(plain(error)),
    }
}

/// The server hung up after the handshake, without an alert and without an answer. Many do where they do not like the
/// client's certificate.
pub(in crate::transport) fn silence(client: Client) -> Option<Cause> {
    match client {
        Client::Unknown => None,
        Client::Missing => Some(missing("it closed the connection")),
        Client::Configured => Some(Cause::HandshakeInvalid(
            "the server closed the connection right after the TLS handshake; it may not accept our client certificate"
                .into(),
        )),
    }
}

/// What an error of `rustls` means.
pub(in crate::transport) fn failure(error: &rustls::Error, client: Client) -> Cause {
    match error {
        rustls::Error::InvalidCertificate(error) => {
            let why = certificate(error);
            Cause::TlsCertificate(format!("the server's certificate is not accepted: {why}"))
        }
        rustls::Error::NoCertificatesPresented => {
            Cause::TlsCertificate("the server presented no certificate".into())
        }
        rustls::Error::AlertReceived(alert) => refusal(*alert, client),
        error => Cause::Tls(error.to_string()),
    }
}

/// What the server's alert means (RFC 8446 §6.2).
fn refusal(alert: AlertDescription, client: Client) -> Cause {
    use AlertDescription as A;
    let text = format!("the server refused the TLS handshake: {}", words(alert));
    match (alert, client) {
        (A::CertificateRequired, Client::Unknown) | (_, Client::Missing) => missing(&words(alert)),
        (
            A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::CertificateRequired
            | A::UnknownCA
            | A::AccessDenied,
            Client::Configured,
        ) => Cause::TlsCertificate(format!(
            "the server does not accept our client certificate: {}",
            words(alert)
        )),
        (_, Client::Unknown | Client::Configured) => Cause::Tls(text),
    }
}

fn missing(consequence: &str) -> Cause {
    Cause::TlsCertificate(format!(
        "the server asked for a client certificate and none is configured ({consequence}); set tls.cert_file and tls.key_file"
    ))
}

/// The name of an alert as words: `UnknownCA` is "unknown CA".
fn words(alert: AlertDescription) -> String {
    let name = format!("{alert:?}");
    let mut words = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for (at, c) in name.char_indices() {
        let acronym = name[at..].chars().nth(1).is_none_or(char::is_uppercase);
        if c.is_uppercase() && after_lower {
            words.push(' ');
        }
        after_lower = c.is_lowercase();
        match c.is_uppercase() && !acronym {
            true => words.extend(c.to_lowercase()),
            false => words.push(c),
        }
    }
    words
}

fn certificate(error: &CertificateError) -> String {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => "it has expired".into(),
        E::NotValidYet | E::NotValidYetContext { .. } => "it is not valid yet".into(),
        E::Revoked => "it was revoked".into(),
        E::UnknownIssuer => "unknown issuer".into(),
        E::BadEncoding => "it is badly encoded".into(),
        E::BadSignature => "its signature is wrong".into(),
        E::NotValidForName => "it is not valid for the host's name".into(),
        E::NotValidForNameContext { expected, .. } => {
            format!("it is not valid for name {}", expected.to_str())
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_told_in_words() {
        for (description, expected) in [
            (AlertDescription::UnknownCA, "unknown CA"),
            (AlertDescription::CertificateExpired, "certificate expired"),
        ] {
            assert_eq!(words(description), expected);
        }
    }

    #[test]
    fn a_refused_client_certificate_and_a_missing_one_are_told_apart() {
        use AlertDescription as A;
        for (alert, client, kind, text) in [
            (
                A::CertificateRequired,
                Client::Unknown,
                "tls_certificate",
                "none is configured",
            ),
            (
                A::HandshakeFailure,
                Client::Missing,
                "tls_certificate",
                "(handshake failure)",
            ),
            (
                A::UnknownCA,
                Client::Configured,
                "tls_certificate",
                "our client certificate: unknown CA",
            ),
            (
                A::HandshakeFailure,
                Client::Configured,
                "tls",
                "handshake failure",
            ),
            (
                A::ProtocolVersion,
                Client::Unknown,
                "tls",
                "protocol version",
            ),
        ] {
            let cause = failure(&rustls::Error::AlertReceived(alert), client);
            assert_eq!(cause.kind(), kind, "{cause}");
            assert!(cause.text().contains(text), "{cause}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_named() {
        for (error, text) in [
            (CertificateError::Expired, "expired"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::Revoked, "revoked"),
            (CertificateError::UnknownIssuer, "unknown issuer"),
            (
                CertificateError::NotValidForName,
                "not valid for the host's name",
            ),
        ] {
            let cause = failure(&rustls::Error::InvalidCertificate(error), Client::Unknown);
            assert_eq!(cause.kind(), "tls_certificate");
            assert!(cause.text().contains(text), "{cause}");
        }
    }
}
