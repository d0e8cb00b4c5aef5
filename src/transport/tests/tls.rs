use std::{io::Write, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use super::{
    failures::{silent, times_out},
    success::{assert_echoes, echo},
    *,
};
use crate::{core::Phase, transport::Stream};

pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(super) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub(super) fn certificate(by: &Authority, names: &[&str], expired: bool) -> Arc<ServerConfig> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if expired {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![params.signed_by(&key, by).unwrap().into()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key);
    Arc::new(config.unwrap())
}

pub(super) fn serve_tls(config: Arc<ServerConfig>) -> SocketAddr {
    serve(move |tcp| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut io = StreamOwned::new(tls, tcp);
        let request = read_head(&mut io);
        if !request.is_empty() {
            io.write_all(&accept(&request, "", b"\x89\0")).unwrap();
            echo(&mut io);
        }
    })
}

/// Settings that trust only one authority, with a file in `dir`.
fn settings(dir: &ScratchDir, url: &str, trusts: &Authority) -> ConnectionSettings {
    let mut settings = ConnectionSettings::new(url).unwrap();
    settings.connect_timeout = LONG;
    settings.tls.ca_file = Some(dir.write("ca.pem", trusts.pem()));
    settings
}

#[actix_rt::test]
async fn wss_with_a_private_authority_opens() {
    let dir = ScratchDir::new("wss_ok");
    let ca = authority("one");
    let address = serve_tls(certificate(&ca, &["localhost", "127.0.0.1"], false));
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("wss://{host}:{}/", address.port());
        let mut opened = dial_with(&settings(&dir, &url, &ca)).await.unwrap();
        assert!(matches!(opened.stream, Stream::Tls(_)));
        assert!(opened.timings.tls.is_some());
        assert_eq!(&opened.leftover[..], b"\x89\0");
        assert_echoes(&mut opened.stream).await;
    }
}

#[actix_rt::test]
async fn a_certificate_that_is_not_accepted_says_why() {
    let dir = ScratchDir::new("wss_refused");
    let (ca, other) = (authority("one"), authority("other"));
    let names = ["127.0.0.1"];
    for (config, why) in [
        (certificate(&other, &names, false), "unknown issuer"),
        (
            certificate(&ca, &["a.example"], false),
            "not valid for name 127.0.0.1, only for a.example",
        ),
        (certificate(&ca, &names, true), "expired on 2002-01-01"),
    ] {
        let url = format!("wss://{}/", serve_tls(config));
        let cause = dial_with(&settings(&dir, &url, &ca)).await.unwrap_err();
        assert_eq!(cause.kind(), "tls_certificate", "{cause}");
        assert!(cause.text().contains(why), "{cause}");
    }
}

#[actix_rt::test]
async fn the_systems_roots_do_not_know_a_private_authority() {
    let ca = authority("one");
    let address = serve_tls(certificate(&ca, &["127.0.0.1"], false));
    let settings = super::settings("wss", address);
    let text = dial_with(&settings).await.unwrap_err().to_string();
    // A machine may have no roots at all, which is reported, too.
    let known = ["unknown issuer", "no usable root certificates"];
    assert!(known.iter().any(|known| text.contains(known)), "{text}");
}

#[actix_rt::test]
async fn a_server_that_never_answers_the_hello_times_out_in_tls() {
    let dir = ScratchDir::new("wss_silent");
    let url = format!("wss://{}/", silent());
    let cause = times_out(settings(&dir, &url, &authority("one"))).await;
    assert_eq!(cause, Cause::ConnectTimeout(Phase::Tls));
}

#[actix_rt::test]
async fn a_server_that_speaks_no_tls_is_a_tls_failure() {
    let dir = ScratchDir::new("wss_plain");
    let ca = authority("one");
    for (answer, text) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS"),
        ("", "closed"),
    ] {
        let address = serve(move |mut tcp| {
            let mut hello = [0; 1024];
            let _ = Read::read(&mut tcp, &mut hello);
            tcp.write_all(answer.as_bytes()).unwrap();
        });
        let url = format!("wss://{address}/");
        let cause = dial_with(&settings(&dir, &url, &ca)).await.unwrap_err();
        assert_eq!(cause.kind(), "tls", "{cause}");
        assert!(cause.text().contains(text), "{cause}");
    }
}

#[actix_rt::test]
async fn an_authority_file_that_is_missing_is_told() {
    let mut settings = super::settings("wss", SocketAddr::from(([127, 0, 0, 1], 9)));
    settings.tls.ca_file = Some("/nowhere/ca.pem".into());
    let cause = dial_with(&settings).await.unwrap_err();
    assert_eq!(cause.kind(), "tls");
    assert!(
        cause
            .text()
            .contains("/nowhere/ca.pem cannot be used: no such file"),
        "{cause}"
    );
}
