//! The causes of failed handshakes.

use std::io;

use rustls::{AlertDescription, InvalidMessage};

use super::{
    certificate_error::certificate,
    library_words::{spoken, words},
};
use crate::{core::Cause, transport::error_text::plain};

/// Which client certificate we can show to a server that asks for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::transport) enum Client {
    /// None. As far as we know, the server did not ask.
    #[default]
    Unknown,
    /// None, and the server asked for one.
    Missing,
    /// A certificate.
    Configured,
}

/// The cause of an I/O error during the handshake.
pub(in crate::transport) fn handshake_failure(error: &io::Error, client: Client) -> Cause {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return failure(error, client);
    }
    match error.kind() {
        _ if client == Client::Missing => missing("it closed the connection"),
        io::ErrorKind::UnexpectedEof => {
            Cause::Tls(
            "the server closed the connection during the TLS handshake; if it does not speak TLS, write ws://".into(),
        )
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => {
            Cause::Reset(format!("{}, during the TLS handshake", plain(error)))
        }
        _ => Cause::Tls(plain(error)),
    }
}

/// The server closed the connection after the handshake, without an alert and without an answer.
/// Many servers do this when they do not accept the client's certificate.
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

/// The cause of an error of `rustls`.
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
        error => Cause::Tls(other(error)),
    }
}

/// Why a certificate of the settings cannot be used.
pub(super) fn why_unusable(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => {
            format!("a certificate of it is wrong: {}", certificate(error))
        }
        error => other(error),
    }
}

/// Errors that are neither about a certificate nor an alert. The texts of `rustls` contain names
/// from its code.
fn other(error: &rustls::Error) -> String {
    use rustls::Error as E;
    match error {
        E::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS: write ws://, or another port".into()
        }
        E::InvalidMessage(why) => {
            format!(
                "the server sent a TLS message that is wrong: {}",
                words(why)
            )
        }
        E::InappropriateMessage { got_type, .. } => {
            format!(
                "the server sent a TLS message out of order: {}",
                words(got_type)
            )
        }
        E::InappropriateHandshakeMessage { got_type, .. } => {
            format!(
                "the server sent a TLS message out of order: {}",
                words(got_type)
            )
        }
        E::PeerIncompatible(why) => {
            format!(
                "the server has no TLS in common with us: {}; {OFFER}",
                words(why)
            )
        }
        E::PeerMisbehaved(why) => format!("the server breaks TLS: {}", words(why)),
        E::NoApplicationProtocol => {
            "the server speaks no protocol that we offer by ALPN, which is http/1.1".into()
        }
        E::DecryptError => "what the server sent cannot be decrypted".into(),
        E::EncryptError => "a TLS message cannot be encrypted".into(),
        E::PeerSentOversizedRecord => "the server sent a TLS record that is too long".into(),
        E::UnsupportedNameType => "the server's name has a form that TLS does not know".into(),
        E::FailedToGetCurrentTime => {
            "the time cannot be read, by which certificates are judged".into()
        }
        E::FailedToGetRandomBytes => "the system has no random numbers".into(),
        E::HandshakeNotComplete => "the TLS handshake is not complete".into(),
        E::BadMaxFragmentSize => "the TLS record size is out of range".into(),
        E::General(text) => format!("the TLS handshake failed: {text}"),
        E::InvalidCertRevocationList(why) => {
            format!("a list of revoked certificates is wrong: {}", words(why))
        }
        E::InvalidEncryptedClientHello(why) => {
            format!("the encrypted hello was not accepted: {}", words(why))
        }
        E::InconsistentKeys(why) => format!("the keys do not fit: {}", words(why)),
        E::Other(why) => format!("the TLS handshake failed: {}", spoken(&*why.0)),
        error => format!("the TLS handshake failed: {}", words(error)),
    }
}

/// What we offer. A server must support at least one item of each kind.
const OFFER: &str = "we offer TLS 1.3 and 1.2 with AES-GCM and ChaCha20-Poly1305, ECDHE over X25519, P-256 and P-384, and \
    certificates with ECDSA, Ed25519 or RSA keys";

/// The cause of the server's alert (RFC 8446 §6.2).
fn refusal(alert: AlertDescription, client: Client) -> Cause {
    use AlertDescription as A;
    let name = alert_words(alert);
    let text = format!("the server refused the TLS handshake: {name}");
    match (alert, client) {
        (A::CertificateRequired, Client::Unknown) | (_, Client::Missing) => missing(&name),
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
            "the server does not accept our client certificate: {name}"
        )),
        (A::HandshakeFailure | A::ProtocolVersion | A::InsufficientSecurity, _) => {
            Cause::Tls(format!("{text}; {OFFER}"))
        }
        (A::UnrecognisedName, _) => Cause::Tls(format!(
            "{text}; it does not know the host's name (tls.server_name says another one)"
        )),
        (_, Client::Unknown | Client::Configured) => Cause::Tls(text),
    }
}

fn missing(consequence: &str) -> Cause {
    Cause::TlsCertificate(format!(
        "the server asked for a client certificate and none is configured ({consequence}); set tls.cert_file and tls.key_file"
    ))
}

fn alert_words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::Unknown(number) => format!("alert {number}"),
        alert => words(alert),
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, fmt, sync::Arc};

    use rustls::{CertificateError, pki_types::UnixTime};

    use super::*;

    #[test]
    fn an_alert_is_told_in_words() {
        for (description, expected) in [
            (AlertDescription::UnknownCA, "unknown CA"),
            (AlertDescription::CertificateExpired, "certificate expired"),
            (AlertDescription::UnknownPSKIdentity, "unknown PSK identity"),
            (AlertDescription::Unknown(200), "alert 200"),
        ] {
            assert_eq!(alert_words(description), expected);
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

    /// Every error that `rustls` can have, as far as it can be built.
    fn all() -> Vec<rustls::Error> {
        use rustls::{
            ContentType, EncryptedClientHelloError, ExtendedKeyPurpose, HandshakeType,
            InconsistentKeys, InvalidMessage as M, OtherError, PeerIncompatible as I,
            PeerMisbehaved as P, server::VerifierBuilderError,
        };
        let host = rustls::pki_types::ServerName::try_from("a.example").unwrap();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(86_400));
        let presented = [
            "DnsName(\"b.example\")",
            "IpAddress(127.0.0.1)",
            "DirectoryName",
        ];
        use CertificateError as C;
        let certificates = [
            C::BadEncoding,
            C::Expired,
            C::ExpiredContext {
                time,
                not_after: time,
            },
            C::NotValidYet,
            C::NotValidYetContext {
                time,
                not_before: time,
            },
            C::Revoked,
            C::UnhandledCriticalExtension,
            C::UnknownIssuer,
            C::UnknownRevocationStatus,
            C::ExpiredRevocationList,
            C::ExpiredRevocationListContext {
                time,
                next_update: time,
            },
            C::BadSignature,
            C::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![1],
                supported_algorithms: Vec::new(),
            },
            C::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![1],
                public_key_algorithm_id: vec![2],
            },
            C::NotValidForName,
            C::NotValidForNameContext {
                expected: host.clone(),
                presented: presented.map(String::from).to_vec(),
            },
            C::NotValidForNameContext {
                expected: host,
                presented: Vec::new(),
            },
            C::InvalidPurpose,
            C::InvalidPurposeContext {
                required: ExtendedKeyPurpose::ServerAuth,
                presented: vec![ExtendedKeyPurpose::ClientAuth],
            },
            C::InvalidOcspResponse,
            C::ApplicationVerificationFailure,
            C::Other(OtherError(Arc::new(VerifierBuilderError::NoRootAnchors))),
            C::Other(OtherError(Arc::new(Named::CaUsedAsEndEntity))),
        ];
        let mut errors: Vec<_> = certificates
            .into_iter()
            .map(rustls::Error::InvalidCertificate)
            .collect();
        errors.extend((0..=255).map(|number| rustls::Error::AlertReceived(number.into())));
        errors.extend([
            rustls::Error::InappropriateMessage {
                expect_types: vec![ContentType::Handshake],
                got_type: ContentType::ApplicationData,
            },
            rustls::Error::InappropriateHandshakeMessage {
                expect_types: vec![HandshakeType::ServerHello],
                got_type: HandshakeType::NewSessionTicket,
            },
            EncryptedClientHelloError::InvalidConfigList.into(),
            M::InvalidContentType.into(),
            M::UnknownProtocolVersion.into(),
            M::MissingData("KeyShareEntry").into(),
            M::TrailingData("ServerHello").into(),
            M::IllegalEmptyList("Extensions").into(),
            M::DuplicateExtension(7).into(),
            rustls::Error::NoCertificatesPresented,
            rustls::Error::UnsupportedNameType,
            rustls::Error::DecryptError,
            rustls::Error::EncryptError,
            I::NoCipherSuitesInCommon.into(),
            I::Tls12NotOffered.into(),
            I::ServerRejectedEncryptedClientHello(None).into(),
            P::IllegalHelloRetryRequestWithUnofferedCipherSuite.into(),
            P::TooMuchEarlyDataReceived.into(),
            rustls::Error::InvalidCertRevocationList(
                rustls::CertRevocationListError::UnsupportedCrlVersion,
            ),
            rustls::Error::General("no good".into()),
            rustls::Error::FailedToGetCurrentTime,
            rustls::Error::FailedToGetRandomBytes,
            rustls::Error::HandshakeNotComplete,
            rustls::Error::PeerSentOversizedRecord,
            rustls::Error::NoApplicationProtocol,
            rustls::Error::BadMaxFragmentSize,
            InconsistentKeys::KeyMismatch.into(),
            rustls::Error::Other(OtherError(Arc::new(Named::CaUsedAsEndEntity))),
        ]);
        errors
    }

    /// An error whose text is its name, as those of the certificates' library are.
    #[derive(Debug)]
    enum Named {
        CaUsedAsEndEntity,
    }

    impl fmt::Display for Named {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Debug::fmt(self, f)
        }
    }

    impl Error for Named {}

    #[test]
    fn no_error_of_the_library_is_told_in_its_code() {
        for error in all() {
            for client in [Client::Unknown, Client::Missing, Client::Configured] {
                let text = failure(&error, client).text().into_owned();
                assert_eq!(crate::core::code_in(&text), None, "{error:?}: {text}");
            }
        }
    }

    #[test]
    fn names_and_dates_of_a_certificate_are_told() {
        let told = |error| failure(&rustls::Error::InvalidCertificate(error), Client::Unknown);
        let host = rustls::pki_types::ServerName::try_from("a.example").unwrap();
        let names = (1..=7).map(|number| format!("DnsName(\"h{number}.example\")"));
        let cause = told(CertificateError::NotValidForNameContext {
            expected: host,
            presented: names.chain(["IpAddress(::1)".into()]).collect(),
        });
        let names =
            "only for h1.example, h2.example, h3.example, h4.example, h5.example and 3 more";
        assert!(cause.text().ends_with(names), "{cause}");
    }

    #[test]
    fn a_refused_offer_says_what_was_offered() {
        let alert = AlertDescription::HandshakeFailure;
        let cause = failure(&rustls::Error::AlertReceived(alert), Client::Unknown);
        assert!(cause.text().contains("we offer TLS 1.3 and 1.2"), "{cause}");
    }
}
