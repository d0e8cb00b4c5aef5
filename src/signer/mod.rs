//! Hashes and signatures for expressions, by `ring`. Keys are parsed like the keys of certificates.

mod off_thread;

use ring::{digest, hmac};
use rustls::{
    SignatureScheme,
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject},
};

use everwire_proto::language::{HashAlgorithm, SignatureAlgorithm, Signer};

/// The length of r and of s in a P-256 signature, in bytes.
const P256: usize = 32;

pub(crate) use self::off_thread::{Made, sign};

/// Hashes and signs.
pub(crate) struct RingSigner;

/// The implementation of hashes and signatures for conversations, for the
/// [`Rehearsal`](everwire_proto::dialogue::Rehearsal) of a protocol.
///
/// ```
/// use everwire::{dialogue::signer, language::HashAlgorithm};
///
/// // RFC 4231 §4.3
/// let mac = signer().hmac(HashAlgorithm::Sha256, b"Jefe", b"what do ya want for nothing?");
/// assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
/// ```
pub fn signer() -> &'static (dyn Signer + Send + Sync) {
    &RingSigner
}

impl Signer for RingSigner {
    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        let algorithm = keyed(algorithm).digest_algorithm();
        digest::digest(algorithm, data).as_ref().to_vec()
    }

    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(keyed(algorithm), key);
        hmac::sign(&key, data).as_ref().to_vec()
    }

    fn sign(&self, algorithm: SignatureAlgorithm, key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let key = match key.starts_with(b"-----") {
            true => PrivateKeyDer::from_pem_slice(key).ok()?,
            false => PrivateKeyDer::try_from(key).ok()?.clone_key(),
        };
        let scheme = match algorithm {
            SignatureAlgorithm::Es256 => SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureAlgorithm::EdDsa => SignatureScheme::ED25519,
            SignatureAlgorithm::Rs256 => SignatureScheme::RSA_PKCS1_SHA256,
        };
        let signer = any_supported_type(&key).ok()?.choose_scheme(&[scheme])?;
        let signature = signer.sign(data).ok()?;
        match algorithm {
            SignatureAlgorithm::Es256 => r_and_s(&signature),
            SignatureAlgorithm::EdDsa | SignatureAlgorithm::Rs256 => Some(signature),
        }
    }
}

/// The HMAC algorithm. It also gives the plain hash.
fn keyed(algorithm: HashAlgorithm) -> hmac::Algorithm {
    match algorithm {
        // Some servers still require it.
        HashAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        HashAlgorithm::Sha256 => hmac::HMAC_SHA256,
        HashAlgorithm::Sha384 => hmac::HMAC_SHA384,
        HashAlgorithm::Sha512 => hmac::HMAC_SHA512,
    }
}

/// The two numbers of an ECDSA signature (RFC 3279 §2.2.3) with leading zeros, in the form for JSON
/// web tokens (RFC 7518 §3.4).
fn r_and_s(der: &[u8]) -> Option<Vec<u8>> {
    let [0x30, _, numbers @ ..] = der else {
        return None;
    };
    let (r, rest) = integer(numbers)?;
    let (s, []) = integer(rest)? else {
        return None;
    };
    Some([padded(r)?, padded(s)?].concat())
}

/// The DER integer at the start, and the bytes behind it.
fn integer(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x02, len, rest @ ..] = der else {
        return None;
    };
    rest.split_at_checked(usize::from(*len))
}

fn padded(number: &[u8]) -> Option<[u8; P256]> {
    let significant = number.iter().position(|byte| *byte != 0);
    let digits = &number[significant.unwrap_or(number.len())..];
    let mut padded = [0; P256];
    let at = P256.checked_sub(digits.len())?;
    padded[at..].copy_from_slice(digits);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_keyed_hash_is_that_of_rfc_4231() {
        let mac = RingSigner.hmac(
            HashAlgorithm::Sha256,
            b"Jefe",
            b"what do ya want for nothing?",
        );
        assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(
            RingSigner.hash(HashAlgorithm::Sha1, b"abc")[..4],
            [0xa9, 0x99, 0x3e, 0x36]
        );
    }

    #[test]
    fn signatures_are_verified_by_another_reader() {
        let p256 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        // About one in 128 signatures has a leading zero in r or s.
        for n in 0..600_u32 {
            let data = n.to_be_bytes();
            let key = p256.serialize_pem();
            let signature = RingSigner.sign(SignatureAlgorithm::Es256, key.as_bytes(), &data);
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, p256.public_key_raw())
                .verify(&data, &signature.unwrap())
                .unwrap();
        }
        let key = ed25519.serialize_pem();
        let signature = RingSigner.sign(SignatureAlgorithm::EdDsa, key.as_bytes(), b"data");
        UnparsedPublicKey::new(&ED25519, ed25519.public_key_raw())
            .verify(b"data", &signature.unwrap())
            .unwrap();
    }

    #[test]
    fn what_is_no_key_or_one_for_another_algorithm_signs_nothing() {
        let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let key = ed25519.serialize_pem();
        for (key, algorithm) in [
            ("", SignatureAlgorithm::Es256),
            ("-----BEGIN PRIVATE KEY-----", SignatureAlgorithm::Rs256),
            (&key, SignatureAlgorithm::Es256),
        ] {
            assert_eq!(RingSigner.sign(algorithm, key.as_bytes(), b"data"), None);
        }
    }
}
