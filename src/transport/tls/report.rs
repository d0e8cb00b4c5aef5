//! What is known about a peer's certificate after the handshake.

use der::{
    Reader, SliceReader, Tag, TagNumber,
    asn1::{GeneralizedTime, UtcTime},
};
use jiff::Timestamp;
use rustls::{ClientConnection, pki_types::CertificateDer};

use crate::{events::TlsReport, settings::TlsSettings};

/// The report on a session with these settings.
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

/// `notAfter` (RFC 5280 §4.1.2.5). `None` if the certificate cannot be read, which `tls.insecure`
/// allows.
fn expiry(leaf: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, not_after) = validity(leaf)?;
    Timestamp::from_second(i64::try_from(not_after).ok()?).ok()
}

/// `notBefore` and `notAfter`, in seconds since 1970. `None` if the certificate cannot be read.
pub(super) fn validity(leaf: &CertificateDer<'_>) -> Option<(u64, u64)> {
    let mut reader = SliceReader::new(leaf).ok()?;
    let validity = reader.sequence(certificate).ok()?;
    reader.finish().ok()?;
    Some(validity)
}

/// `Certificate` of RFC 5280 §4.1. Its signature is not read.
fn certificate<'r>(fields: &mut impl Reader<'r>) -> der::Result<(u64, u64)> {
    let validity = fields.sequence(signed_part)?;
    skip_all(fields)?;
    Ok(validity)
}

/// `TBSCertificate`. Before the times, only the version is optional.
fn signed_part<'r>(fields: &mut impl Reader<'r>) -> der::Result<(u64, u64)> {
    let version = Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(0),
    };
    if Tag::peek(fields)? == version {
        fields.tlv_bytes()?;
    }
    for expected in [Tag::Integer, Tag::Sequence, Tag::Sequence] {
        Tag::peek(fields)?.assert_eq(expected)?;
        fields.tlv_bytes()?;
    }
    let validity = fields.sequence(|times| der::Result::Ok((time(times)?, time(times)?)))?;
    skip_all(fields)?;
    Ok(validity)
}

/// `Time`, which has two forms.
fn time<'r>(fields: &mut impl Reader<'r>) -> der::Result<u64> {
    let since_1970 = match Tag::peek(fields)? {
        Tag::UtcTime => fields.decode::<UtcTime>()?.to_unix_duration(),
        _ => fields.decode::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(since_1970.as_secs())
}

fn skip_all<'r>(fields: &mut impl Reader<'r>) -> der::Result<()> {
    while !fields.is_finished() {
        fields.tlv_bytes()?;
    }
    Ok(())
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

    #[test]
    fn a_certificate_that_is_cut_or_goes_on_has_no_times() {
        let params = rcgen::CertificateParams::new(vec!["example.org".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let whole = params.self_signed(&key).unwrap().der().to_vec();
        assert!(validity(&whole.clone().into()).is_some());
        for length in 0..whole.len() {
            let cut = CertificateDer::from(&whole[..length]);
            assert_eq!(validity(&cut), None, "the first {length} bytes");
        }
        assert_eq!(validity(&[&whole[..], &[0]].concat().into()), None);
    }
}
