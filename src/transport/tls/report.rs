//! What is known of a peer's certificate once the handshake is done.

use jiff::Timestamp;
use rustls::{ClientConnection, pki_types::CertificateDer};
use x509_cert::{Certificate, der::Decode};

use crate::{events::TlsReport, settings::TlsSettings};

/// What the session says, under these settings.
pub(in crate::transport) fn report(
    session: &ClientConnection,
    settings: &TlsSettings,
) -> TlsReport {
    let leaf = session.peer_certificates().and_then(<[_]>::first);
    TlsReport {
        expires_at: leaf.and_then(expiry),
        insecure: settings.insecure,
    }
}

/// `notAfter` (RFC 5280 §4.1.2.5). `None` where the certificate cannot be read, which `tls.insecure` allows.
fn expiry(leaf: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, not_after) = validity(leaf)?;
    Timestamp::from_second(i64::try_from(not_after).ok()?).ok()
}

/// `notBefore` and `notAfter`, in seconds since 1970. `None` where the certificate cannot be read.
pub(super) fn validity(leaf: &CertificateDer<'_>) -> Option<(u64, u64)> {
    let certificate = Certificate::from_der(leaf).ok()?;
    let validity = certificate.tbs_certificate().validity();
    let [from, to] = [validity.not_before, validity.not_after];
    Some((
        from.to_unix_duration().as_secs(),
        to.to_unix_duration().as_secs(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_in_either_form_of_time() {
        // UTCTime up to 2049, GeneralizedTime from 2050 on.
        for (year, expected) in [
            (2049, "2049-06-01T00:00:00Z"),
            (2050, "2050-06-01T00:00:00Z"),
        ] {
            let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
            params.not_after = rcgen::date_time_ymd(year, 6, 1);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let expiry = expiry(certificate.der()).map(|at| at.to_string());
            assert_eq!(expiry.as_deref(), Some(expected));
        }
        assert_eq!(expiry(&CertificateDer::from(&[0x30, 0][..])), None);
    }
}
