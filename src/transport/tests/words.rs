//! The messages for failed dials whose libraries have texts of their own.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};

use super::{
    success::assert_echoes,
    tls::{authority, certificate, serve_tls},
    *,
};

/// A self-signed certificate, as `openssl req -x509` creates it, and a server that uses it.
fn self_signed(params: CertificateParams) -> (String, SocketAddr) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let pem = certificate.pem();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], private);
    (pem, serve_tls(Arc::new(config.unwrap())))
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// Settings that trust only these certificates.
fn trusting(dir: &ScratchDir, url: &str, pem: &str) -> ConnectionSettings {
    let mut settings = ConnectionSettings::new(url).unwrap();
    settings.connect_timeout = LONG;
    settings.tls.ca_file = Some(dir.write("ca.pem", pem));
    settings
}

#[actix_rt::test]
async fn a_server_that_shows_a_certificate_of_ca_file_itself_is_accepted() {
    let dir = ScratchDir::new("pinned");
    // With and without the host's name in it.
    for names in [&["127.0.0.1"][..], &["a.example"], &[]] {
        let (pem, address) = self_signed(params(names));
        let others = authority("other").pem();
        let settings = trusting(&dir, &format!("wss://{address}/"), &(others + &pem));
        let mut opened = dial_with(&settings).await.unwrap();
        assert_echoes(&mut opened.stream).await;
    }
}

#[actix_rt::test]
async fn a_pinned_certificate_that_has_expired_and_one_that_is_not_pinned_are_not_accepted() {
    let dir = ScratchDir::new("unpinned");
    let mut old = params(&["127.0.0.1"]);
    (old.not_before, old.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let (pem, address) = self_signed(old);
    let settings = trusting(&dir, &format!("wss://{address}/"), &pem);
    let cause = dial_with(&settings).await.unwrap_err();
    assert!(
        cause.text().contains("it has expired on 2002-01-01"),
        "{cause}"
    );
    // A certificate with the same name and another key.
    let (pem, _) = self_signed(params(&["127.0.0.1"]));
    let (_, address) = self_signed(params(&["127.0.0.1"]));
    let settings = trusting(&dir, &format!("wss://{address}/"), &pem);
    let cause = dial_with(&settings).await.unwrap_err();
    assert_eq!(cause.kind(), "tls_certificate");
    assert!(!cause.text().contains("CaUsedAsEndEntity"), "{cause}");
}

#[actix_rt::test]
async fn without_tls_a_server_that_speaks_it_is_told_apart() {
    let ca = authority("one");
    let real = serve_tls(certificate(&ca, &["127.0.0.1"], false));
    let alert = serve(|mut tcp| {
        read_head(&mut tcp);
        tcp.write_all(&[0x15, 3, 1, 0, 2, 2, 70]).unwrap();
    });
    let hangs_up = serve(|mut tcp| {
        read_head(&mut tcp);
    });
    for (address, says) in [
        (real, "write wss://"),
        (alert, "the server answers in TLS"),
        (hangs_up, "if it speaks TLS, write wss://"),
    ] {
        let cause = dial_to(address).await.unwrap_err();
        assert_eq!(cause.kind(), "handshake_invalid", "{cause}");
        assert!(cause.text().contains(says), "{cause}");
    }
}

#[actix_rt::test]
async fn an_upgrade_header_that_comes_twice_is_told_as_that() {
    let address = answer(|request| accept(request, "Upgrade: websocket\r\n", b""));
    let cause = dial_to(address).await.unwrap_err();
    assert_eq!(cause.kind(), "handshake_invalid");
    assert_eq!(cause.text(), "the answer has more than one Upgrade header");
}
