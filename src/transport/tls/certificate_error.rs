//! Texts for certificate errors.

use jiff::Timestamp;
use rustls::{CertificateError, pki_types::UnixTime};

use super::library_words::{spoken, words};

/// The error as text, with the expected value where it is known.
pub(super) fn certificate(error: &CertificateError) -> String {
    use CertificateError as E;
    match error {
        E::Expired => "it has expired".into(),
        E::ExpiredContext { not_after, .. } => format!("it has expired on {}", date(*not_after)),
        E::NotValidYet => "it is not valid yet".into(),
        E::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before {}", date(*not_before))
        }
        E::Revoked => "it was revoked".into(),
        E::UnknownIssuer => "unknown issuer".into(),
        E::BadEncoding => "it is badly encoded".into(),
        E::BadSignature => "its signature is wrong".into(),
        E::NotValidForName => "it is not valid for the host's name".into(),
        E::NotValidForNameContext {
            expected,
            presented,
        } => {
            let expected = expected.to_str();
            match presented.iter().filter_map(|name| plain_name(name)).collect::<Vec<_>>() {
                names if names.is_empty() => {
                    format!("it is not valid for name {expected}: it holds no names (subjectAltName)")
                }
                names => format!(
                    "it is not valid for name {expected}, only for {}",
                    list(&names)
                ),
            }
        }
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            "its extended key usage does not allow it to be a server's".into()
        }
        E::UnhandledCriticalExtension => "it holds a critical extension that is not known".into(),
        E::UnknownRevocationStatus => "whether it was revoked is not known".into(),
        E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => {
            "the list of revoked certificates has expired".into()
        }
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed by an algorithm that is not supported".into()
        }
        E::InvalidOcspResponse => "what the server says of its revocation is wrong".into(),
        E::ApplicationVerificationFailure => "it is not accepted".into(),
        E::Other(why) if words(&why.0) == "ca used as end entity" => {
            "it is an authority's (CA:TRUE) and not one of tls.ca_file; to accept it as it is, write its file as tls.ca_file".into()
        }
        E::Other(why) => spoken(&*why.0),
        error => words(error),
    }
}

/// A name in a certificate, if a host can have it. Names come as `DnsName("host")` and
/// `IpAddress(127.0.0.1)`.
fn plain_name(name: &str) -> Option<&str> {
    let (kind, rest) = name.split_once('(')?;
    let name = rest.trim_end_matches(')').trim_matches('"');
    matches!(kind, "DnsName" | "IpAddress").then_some(name)
}

/// A list of names that fits in a line.
fn list(names: &[&str]) -> String {
    const MOST: usize = 5;
    let shown = names[..names.len().min(MOST)].join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(
        || "a day out of reach".into(),
        |at| at.strftime("%Y-%m-%d").to_string(),
    )
}
