//! A client certificate of X.509 v1, as device makers and old authorities still issue them.
//! Reported: OpenSSL, curl and Node dial with it, but here the name never dialled: our own
//! certificate was checked by the rules for servers. Only the server decides whether to accept it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rcgen::{KeyPair, PublicKeyData, SigningKey};

use super::support::{Foreign, PrivateCa, TestDir, rig::*};

#[tokio::test]
async fn a_client_certificate_of_v1_opens_what_asks_for_one() {
    let dir = TestDir::new("field-v1");
    let ca = PrivateCa::new(dir.path());
    let (cert_file, key_file) = v1(dir.path(), &ca);
    let parsed = std::process::Command::new("openssl")
        .args(["x509", "-noout", "-text", "-in"])
        .arg(&cert_file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&parsed.stdout).into_owned();
    assert!(text.contains("Version: 1 (0x0)"), "{text}");
    // Python's strict rules require an extension, which v1 does not have.
    let server = Foreign::Node.start_asking(&ca);
    let mut rig = Rig::new();
    let mut settings = quick(server.tls_url("/echo"));
    settings.tls.ca_file = Some(ca.ca_file.clone());
    settings.tls.cert_file = Some(cert_file);
    settings.tls.key_file = Some(key_file);
    let feed = rig.manager.open("feed", settings).unwrap();
    rig.echoes(&feed, "known").await;
}

#[tokio::test]
async fn a_key_that_is_not_its_own_is_refused_for_v1_too() {
    let dir = TestDir::new("field-v1-key");
    let ca = PrivateCa::new(dir.path());
    let (cert_file, _) = v1(dir.path(), &ca);
    let mut rig = Rig::new();
    let mut settings = quick("wss://127.0.0.1:1/");
    settings.tls.ca_file = Some(ca.ca_file.clone());
    settings.tls.cert_file = Some(cert_file);
    settings.tls.key_file = Some(ca.client_key_file.clone());
    let _feed = rig.manager.open("feed", settings).unwrap();
    let cause = rig.watch.error().await;
    assert_eq!(cause.kind(), "tls");
    assert!(
        cause.text().contains("does not match the certificate"),
        "{cause}"
    );
}

/// A v1 certificate of the CA for a new key, and the key.
fn v1(dir: &Path, ca: &PrivateCa) -> (PathBuf, PathBuf) {
    let ca_key = KeyPair::from_pem(&fs::read_to_string(&ca.ca_key_file).unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    // ecdsa-with-SHA256
    let algorithm = der(0x30, &[&[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2]]);
    let name = |text: &str| {
        let attribute = [&[0x06, 3, 0x55, 4, 3][..], &der(0x0C, &[text.as_bytes()])];
        der(0x30, &[&der(0x31, &[&der(0x30, &attribute)])])
    };
    let time = |text: &str| der(0x17, &[text.as_bytes()]);
    let tbs = der(
        0x30,
        &[
            &[0x02, 1, 7],
            &algorithm,
            &name(PrivateCa::NAME),
            &der(0x30, &[&time("200101000000Z"), &time("490101000000Z")]),
            &name("a device"),
            &key.subject_public_key_info(),
        ],
    );
    let signature = ca_key.sign(&tbs).unwrap();
    let signature = der(0x03, &[&[0], &signature]);
    let certificate = der(0x30, &[&tbs, &algorithm, &signature]);
    let write = |name: &str, text: String| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let body = BASE64_STANDARD.encode(certificate);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    (write("v1.pem", pem), write("v1.key", key.serialize_pem()))
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        length @ 0..=0x7F => vec![length as u8],
        length @ 0x80..=0xFF => vec![0x81, length as u8],
        length => vec![0x82, (length >> 8) as u8, length as u8],
    };
    [&[tag][..], &length, &content].concat()
}
