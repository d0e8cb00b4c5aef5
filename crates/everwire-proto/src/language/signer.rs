//! The cryptography of expressions, provided by the caller, so that this crate has no keys and no
//! such library.

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// `sha1`: 20 bytes.
    Sha1,
    /// `sha256`: 32 bytes.
    Sha256,
    /// `sha384`: 48 bytes.
    Sha384,
    /// `sha512`: 64 bytes.
    Sha512,
}

/// A signature with a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// ECDSA on P-256 with SHA-256; the signature is r and s, 32 bytes each.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA (PKCS #1 v1.5) with SHA-256: some 0.8 ms, so it belongs on a thread other than an
    /// arbiter's.
    Rs256,
}

/// The signature of a web token (RFC 7515).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// With a private key.
    Signed(SignatureAlgorithm),
}

/// Hashes and signs. The same arguments give the same result, except for ES256, whose signatures
/// may be random.
pub trait Signer {
    /// The hash of these bytes.
    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8>;

    /// The keyed hash of these bytes (RFC 2104).
    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8>;

    /// The signature of these bytes. The key is a PEM text (PKCS #8, SEC 1, PKCS #1) or its DER
    /// bytes; `None` if it is not such a key, or not for this algorithm.
    fn sign(&self, algorithm: SignatureAlgorithm, key: &[u8], data: &[u8]) -> Option<Vec<u8>>;
}

impl HashAlgorithm {
    /// All, with their names.
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("sha1", Self::Sha1),
        ("sha256", Self::Sha256),
        ("sha384", Self::Sha384),
        ("sha512", Self::Sha512),
    ];
}

impl SignatureAlgorithm {
    /// All, with their names.
    pub(super) const ALL: [(&'static str, Self); 3] = [
        ("ES256", Self::Es256),
        ("EdDSA", Self::EdDsa),
        ("RS256", Self::Rs256),
    ];

    /// Whether it is so slow that it belongs on a thread other than an arbiter's.
    pub fn is_slow(self) -> bool {
        match self {
            Self::Rs256 => true,
            Self::Es256 | Self::EdDsa => false,
        }
    }
}

impl TokenAlgorithm {
    /// All, with their names.
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("HS256", Self::Hs256),
        ("ES256", Self::Signed(SignatureAlgorithm::Es256)),
        ("EdDSA", Self::Signed(SignatureAlgorithm::EdDsa)),
        ("RS256", Self::Signed(SignatureAlgorithm::Rs256)),
    ];
}
