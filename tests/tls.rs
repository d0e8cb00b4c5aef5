//! TLS with foreign servers: client certificates, names, expiry, and the reports of failures.

mod support;

use everwire::{EventKind, Status, core::Rule, events::TlsReport};
use support::{Foreign, PrivateCa, TestDir, rig::*};

async fn tls_of(watch: &mut Watch) -> Option<TlsReport> {
    let opened = watch.until("opened", |update| match update.kind() {
        Some(EventKind::Opened(opened)) => Some(opened.tls),
        _ => None,
    });
    opened.await
}

fn json(status: &Status) -> serde_json::Value {
    serde_json::to_value(status).unwrap()
}

#[tokio::test]
async fn a_client_certificate_opens_what_asks_for_one() {
    let dir = TestDir::new("tls-client");
    let ca = PrivateCa::new(dir.path());
    for foreign in Foreign::ALL {
        let server = foreign.start_asking(&ca);
        let mut rig = Rig::new();
        let mut settings = quick(server.tls_url("/echo"));
        settings.tls.ca_file = Some(ca.ca_file.clone());
        settings.tls.cert_file = Some(ca.client_cert_file.clone());
        settings.tls.key_file = Some(ca.client_key_file.clone());
        let feed = rig.manager.open("feed", settings).unwrap();
        rig.echoes(&feed, "known").await;
    }
}

#[tokio::test]
async fn without_a_client_certificate_the_error_says_what_to_set() {
    let dir = TestDir::new("tls-no-client");
    let ca = PrivateCa::new(dir.path());
    for foreign in Foreign::ALL {
        let server = foreign.start_asking(&ca);
        let rig = Rig::new();
        let mut watch = Watch::new(&rig.manager, "stranger");
        let mut settings = quick(server.tls_url("/echo"));
        settings.tls.ca_file = Some(ca.ca_file.clone());
        let _stranger = rig.manager.open("stranger", settings).unwrap();
        let retrying = watch.retrying().await;
        let text = retrying.cause.to_string();
        assert_eq!(
            retrying.cause.kind(),
            "tls_certificate",
            "{foreign:?}: {text}"
        );
        assert!(
            text.contains("asked for a client certificate"),
            "{foreign:?}: {text}"
        );
        assert!(text.contains("tls.cert_file"), "{foreign:?}: {text}");
        assert_eq!(retrying.rule, Rule::BackoffFromMax);
    }
}

#[tokio::test]
async fn a_client_certificate_of_another_authority_is_named_as_the_likely_reason() {
    let (dir, other) = (TestDir::new("tls-one"), TestDir::new("tls-other"));
    let (ca, other) = (PrivateCa::new(dir.path()), PrivateCa::new(other.path()));
    for foreign in Foreign::ALL {
        let server = foreign.start_asking(&ca);
        let rig = Rig::new();
        let mut watch = Watch::new(&rig.manager, "stranger");
        let mut settings = quick(server.tls_url("/echo"));
        settings.tls.ca_file = Some(ca.ca_file.clone());
        settings.tls.cert_file = Some(other.client_cert_file.clone());
        settings.tls.key_file = Some(other.client_key_file.clone());
        let _stranger = rig.manager.open("stranger", settings).unwrap();
        let text = watch.retrying().await.cause.to_string();
        // Both disconnect without an alert.
        assert!(
            text.contains("may not accept our client certificate"),
            "{foreign:?}: {text}"
        );
    }
}

#[tokio::test]
async fn the_peers_expiry_is_in_event_and_status_while_the_socket_is_up() {
    let dir = TestDir::new("tls-expiry");
    let ca = PrivateCa::new(dir.path());
    let server = Foreign::Node.start(Some(&ca));
    let mut rig = Rig::new();
    let mut settings = quick(server.tls_url("/echo"));
    settings.tls.ca_file = Some(ca.ca_file.clone());
    let feed = rig.manager.open("feed", settings).unwrap();
    let told = tls_of(&mut rig.watch).await.unwrap();
    assert!(!told.insecure);
    // rcgen's default expiry.
    assert_eq!(told.expires_at.unwrap().to_string(), "4096-01-01T00:00:00Z");
    let status = feed.status().await.unwrap();
    assert_eq!(status.tls, Some(told));
    assert_eq!(
        json(&status)["tls"]["expires_at"],
        "4096-01-01T00:00:00.000000Z"
    );

    let plain = rig
        .manager
        .open("plain", quick(rig.peer.url("/echo")))
        .unwrap();
    rig.watch
        .until("plain is open", |update| {
            let is_plain = update.name().is_some_and(|name| name == "plain");
            (is_plain && update.type_name() == "opened").then_some(())
        })
        .await;
    assert!(json(&plain.status().await.unwrap())["tls"].is_null());
}

#[tokio::test]
async fn insecure_opens_to_anyone_and_says_so() {
    let dir = TestDir::new("tls-insecure");
    let ca = PrivateCa::new(dir.path());
    let server = Foreign::Python.start(Some(&ca));
    let mut rig = Rig::new();
    let mut settings = quick(server.tls_url("/echo"));
    settings.tls.insecure = true;
    let feed = rig.manager.open("feed", settings).unwrap();
    assert!(tls_of(&mut rig.watch).await.unwrap().insecure);
    rig.echoes(&feed, "whoever").await;
    assert_eq!(json(&feed.status().await.unwrap())["tls"]["insecure"], true);
}

#[tokio::test]
async fn server_name_is_what_is_verified() {
    let dir = TestDir::new("tls-name");
    let ca = PrivateCa::new(dir.path());
    let server = Foreign::Python.start(Some(&ca));
    let mut rig = Rig::new();
    let mut settings = quick(server.tls_url("/echo"));
    settings.tls.ca_file = Some(ca.ca_file.clone());
    settings.tls.server_name = Some("127.0.0.1".into());
    let feed = rig.manager.open("feed", settings.clone()).unwrap();
    rig.echoes(&feed, "by address").await;

    let mut watch = Watch::new(&rig.manager, "other");
    settings.tls.server_name = Some("other.example".into());
    let _other = rig.manager.open("other", settings).unwrap();
    let text = watch.error().await.to_string();
    assert!(text.contains("not valid for name other.example"), "{text}");
}
