//! Our certificate and its key. The server decides whether it accepts the certificate; we only
//! check that the key belongs to it.

use std::path::PathBuf;

use rustls::{
    crypto::ring::sign::any_supported_type,
    sign::{CertifiedKey, SingleCertAndKey},
};

use super::{
    handshake_error::why_unusable,
    pem_files::{read_identity, unusable},
};
use crate::core::Cause;

/// Shows the certificate in these files to each server that asks for one. Blocks.
///
/// The loader of `rustls` is not used: it applies the rules for server certificates to ours, and
/// would never show an X.509 v1 certificate.
pub(super) fn own(files: &(PathBuf, PathBuf)) -> Result<SingleCertAndKey, Cause> {
    let (cert_file, key_file) = files;
    let (chain, private) = read_identity(files)?;
    let key = any_supported_type(&private)
        .map_err(|error| unusable("key_file", key_file, &why_unusable(&error)))?;
    let public = key.public_key();
    let ours = public.as_ref().and_then(|spki| key_bits(content(spki)?));
    let certified = chain.first().and_then(|leaf| certified_key(leaf));
    if let (Some(ours), Some(certified)) = (ours, certified)
        && ours != certified
    {
        let cert_file = cert_file.display();
        let why = format!("it does not match the certificate in {cert_file}");
        return Err(unusable("key_file", key_file, &why));
    }
    Ok(CertifiedKey::new(chain, key).into())
}

/// The public key of a certificate of any version (RFC 5280 §4.1), if it can be found.
fn certified_key(certificate: &[u8]) -> Option<&[u8]> {
    /// The tag of the version, which v1 leaves out.
    const VERSION: u8 = 0xA0;
    let tbs = content(content(certificate)?)?;
    let mut fields = Elements(tbs).filter(|(tag, _)| *tag != VERSION);
    // Behind serial number, signature, issuer, validity and subject.
    fields.nth(5).and_then(|(_, spki)| key_bits(spki))
}

/// The key itself. The algorithm before it can be encoded in more than one way, so it is ignored.
fn key_bits(spki: &[u8]) -> Option<&[u8]> {
    Elements(spki).nth(1).map(|(_, bits)| bits)
}

/// The content of the first element.
fn content(der: &[u8]) -> Option<&[u8]> {
    Elements(der).next().map(|(_, content)| content)
}

/// The DER elements with their tags, up to the first that is cut off.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                let length = length
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::PublicKeyData;

    use super::*;

    #[test]
    fn the_key_of_a_certificate_is_found() {
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
        ] {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let params = rcgen::CertificateParams::new(vec!["a.example".into()]).unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let spki = key.subject_public_key_info();
            let expected = content(&spki).and_then(key_bits);
            assert!(expected.is_some_and(|bits| bits.len() > 32));
            assert_eq!(certified_key(certificate.der()), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_no_certificate_has_none_and_does_no_harm(bytes in any::<Vec<u8>>()) {
            let _ = certified_key(&bytes);
        }
    }
}
