//! An RSA key, and a check of its signatures.

/// The private key.
pub const RSA: &str = include_str!("rsa.pem");

/// Whether this is the signature of this text, checked with the public key.
pub fn is_signed(text: &str, signature: &str) -> bool {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    use ring::signature::{
        KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
    };
    let der: String = RSA.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::prelude::BASE64_STANDARD.decode(der).unwrap();
    let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
    let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else {
        return false;
    };
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
        .verify(text.as_bytes(), &signature)
        .is_ok()
}
