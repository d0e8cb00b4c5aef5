//! Hashes, signatures and tokens.

use super::{
    super::{
        HashAlgorithm, Signer, TokenAlgorithm,
        json::{Kind, RawJson},
        value::{Data, Value},
    },
    encode::{self, Encoding},
};

/// Bytes in this encoding.
pub(in super::super) fn written(bytes: Vec<u8>, encoding: Encoding) -> Data<'static> {
    match encoding {
        Encoding::Hex => Data::Text(encode::hex(&bytes).into()),
        Encoding::Base64 => Data::Text(encode::base64(&bytes).into()),
        Encoding::Base64Url => Data::Text(encode::base64_url(&bytes).into()),
        Encoding::Bytes => Data::Bytes(bytes.into()),
    }
}

/// A signed token (RFC 7515) of a header and claims, each of which is a JSON object.
pub(in super::super) fn token(
    signer: &dyn Signer,
    algorithm: TokenAlgorithm,
    [key, header, claims]: [&Value<'_>; 3],
    max: usize,
) -> Option<String> {
    let [header, claims] = [object(header)?, object(claims)?];
    let length = |text: &str| Encoding::Base64Url.length(text.len());
    if length(&header).saturating_add(length(&claims)) > max {
        return None;
    }
    let key = key.as_bytes()?;
    let mut token = format!(
        "{}.{}",
        encode::base64_url(header.as_bytes()),
        encode::base64_url(claims.as_bytes())
    );
    let signature = match algorithm {
        TokenAlgorithm::Hs256 => signer.hmac(HashAlgorithm::Sha256, &key, token.as_bytes()),
        TokenAlgorithm::Signed(algorithm) => signer.sign(algorithm, &key, token.as_bytes())?,
    };
    token.push('.');
    token.push_str(&encode::base64_url(&signature));
    Some(token)
}

/// A JSON object, or a text that contains one, as text.
fn object(value: &Value<'_>) -> Option<String> {
    let text = value.as_text()?;
    let raw = RawJson::parse(&text)?;
    (raw.kind() == Kind::Object).then(|| raw.as_str().to_owned())
}
