//! Signatures published by exchanges and standards, compared digit by digit.

use super::*;

#[test]
fn krakens_printed_signature() {
    let secret =
        "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";
    let names = [
        ("secret", Value::text(secret)),
        ("nonce", Value::text("1616492376594")),
        (
            "body",
            Value::text(
                "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
            ),
        ),
    ];
    let text = r#"hmac("sha512", unbase64(secret), "/0/private/AddOrder" ~ hash("sha256", nonce ~ body, "bytes"), "base64")"#;
    let signature =
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==";
    assert_eq!(comes_to(text, "", &names), format!("\"{signature}\""));
}

#[test]
fn binances_printed_signature() {
    let names = [
        (
            "secret",
            Value::text("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"),
        ),
        (
            "query",
            Value::text(
                "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            ),
        ),
    ];
    let signature = "\"c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71\"";
    assert_eq!(
        comes_to(r#"hmac("sha256", secret, query, "hex")"#, "", &names),
        signature
    );
    assert_eq!(
        comes_to(r#"hmac("sha256", secret, query)"#, "", &names),
        signature
    );
}

#[test]
fn the_printed_token_of_rfc_7515() {
    // Appendix A.1, whose header and claims hold line ends.
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let names = [
        ("key_text", Value::text(key)),
        (
            "head",
            Value::text("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}"),
        ),
        (
            "claims",
            Value::text(
                "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}",
            ),
        ),
    ];
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(
        comes_to(
            r#"jwt("HS256", unbase64(key_text), head, claims)"#,
            "",
            &names
        ),
        format!("\"{token}\"")
    );
    for (header, claims) in [("[]", "{}"), ("{}", "x"), ("{}", "1")] {
        let names = [
            ("head", Value::text(header)),
            ("claims", Value::text(claims)),
        ];
        assert_eq!(
            comes_to(r#"jwt("HS256", "k", head, claims)"#, "", &names),
            "-"
        );
    }
}

#[test]
fn what_is_signed_can_be_verified() {
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair, UnparsedPublicKey,
    };
    let random = ring::rand::SystemRandom::new();
    let algorithm = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let es = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let es_public = EcdsaKeyPair::from_pkcs8(algorithm, es.as_ref(), &random)
        .unwrap()
        .public_key()
        .as_ref()
        .to_vec();
    let ed_public = Ed25519KeyPair::from_pkcs8(ed.as_ref())
        .unwrap()
        .public_key()
        .as_ref()
        .to_vec();
    let unhex = |json: String| {
        crate::language::functions::encode::unhex(json.trim_matches('"').as_bytes()).unwrap()
    };
    let names = [
        ("es", Value::bytes(es.as_ref().to_vec())),
        ("ed", Value::bytes(ed.as_ref().to_vec())),
    ];
    let signature = unhex(comes_to(r#"sign("ES256", es, "text")"#, "", &names));
    assert_eq!(signature.len(), 64);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, es_public)
        .verify(b"text", &signature)
        .unwrap();
    let signature = unhex(comes_to(r#"sign("EdDSA", ed, "text", "hex")"#, "", &names));
    UnparsedPublicKey::new(&ED25519, ed_public.clone())
        .verify(b"text", &signature)
        .unwrap();
    // A key of another kind cannot sign.
    assert_eq!(comes_to(r#"sign("ES256", ed, "text")"#, "", &names), "-");
    assert_eq!(
        comes_to(r#"sign("RS256", "no key", "text")"#, "", &names),
        "-"
    );
    let token = comes_to(
        r#"jwt("EdDSA", ed, "{\"alg\":\"EdDSA\"}", "{}")"#,
        "",
        &names,
    );
    let token = token.trim_matches('"');
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = crate::language::functions::encode::unbase64(signature.as_bytes()).unwrap();
    UnparsedPublicKey::new(&ED25519, ed_public)
        .verify(signed.as_bytes(), &signature)
        .unwrap();
}

#[test]
fn it_is_known_what_belongs_on_another_thread() {
    let is_slow = |text: &str| {
        let (compiled, _) = Bench::new(&[]).with(|scope| Expression::value(text, scope));
        compiled.unwrap().is_slow()
    };
    assert!(is_slow(r#"sign("RS256", KEY, "x")"#));
    assert!(is_slow(
        r#""a" ~ default(/a, jwt("RS256", KEY, "{}", "{}"))"#
    ));
    assert!(!is_slow(
        r#"jwt("ES256", KEY, "{}", "{}") ~ hmac("sha512", KEY, "x")"#
    ));
}
