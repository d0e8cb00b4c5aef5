//! Hashes for expressions that this program evaluates itself. It has no keys, and signs nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use everwire::language::{HashAlgorithm, Moment, SignatureAlgorithm, Signer};
use ring::{digest, hmac};

/// Hashes as everybody does.
pub struct Hashing;

impl Signer for Hashing {
    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        let algorithm = keyed(algorithm).digest_algorithm();
        digest::digest(algorithm, data).as_ref().to_vec()
    }

    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(keyed(algorithm), key);
        hmac::sign(&key, data).as_ref().to_vec()
    }

    fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// The keyed hash, which knows its plain one.
fn keyed(algorithm: HashAlgorithm) -> hmac::Algorithm {
    match algorithm {
        HashAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        HashAlgorithm::Sha256 => hmac::HMAC_SHA256,
        HashAlgorithm::Sha384 => hmac::HMAC_SHA384,
        HashAlgorithm::Sha512 => hmac::HMAC_SHA512,
    }
}

/// Now, without chance: nothing that is random can be known here.
pub fn moment() -> Moment<'static> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Moment {
        wall: now.unwrap_or(Duration::ZERO),
        random: &|bytes: &mut [u8]| bytes.fill(0),
    }
}
