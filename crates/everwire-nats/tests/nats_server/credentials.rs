//! Credentials of the bridge, and the reports of refusals.

use std::{fs, path::Path};

use crate::support::{
    Names, Server,
    faults::{start, trouble, up},
    numbers_of, settings,
};
use everwire::config::{NatsSettings, Part, Template};
use nkeys::KeyPair;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair as TlsKey,
};

const JETSTREAM: &str = "jetstream { store_dir: \"FOLDER/jetstream\" }\n";

/// Asserts that the bridge comes up, and has lost no earlier message.
async fn recovers(bridge: &everwire_nats::Bridge, names: &Names, client: async_nats::Client) {
    up(bridge).await;
    names.say("a", "1");
    crate::support::read::published(bridge, 2).await;
    let read = crate::support::read::all_by(client, "EVERWIRE_IN").await;
    assert_eq!(
        crate::support::read::texts(&read)["everwire.in.a"],
        numbers_of(["0", "1"])
    );
}

fn user(settings: &mut NatsSettings, password: &Path) {
    settings.user = Some("bridge".into());
    let password = Template::from_parts([Part::File(password.into())]);
    settings.password = Some(password.into());
}

#[tokio::test]
async fn a_wrong_password_is_told_and_mended_in_the_file_or_in_the_server() {
    let users = |password: &str| {
        format!(
            "{JETSTREAM}authorization {{ users: [ {{ user: bridge, password: \"{password}\" }} ] }}"
        )
    };
    let mut server = Server::start_with("password", &users("right"));
    let names = Names::open(&["a"]).await;
    let file = server.folder().join("password");
    let mut settings = settings(&server);
    user(&mut settings, &file);
    let (bridge, log) = start(&names, settings, &server);

    // The file is missing.
    let text = trouble(&bridge, "nats_secret_missing").await;
    assert!(text.starts_with("a credential is missing: "), "{text}");
    assert!(text.contains(&file.display().to_string()), "{text}");
    names.say("a", "0");

    fs::write(&file, "pl4nted-wrong").unwrap();
    let text = trouble(&bridge, "nats_credentials").await;
    assert!(
        text.starts_with("the NATS servers refuse the credentials: "),
        "{text}"
    );

    // The server is corrected, not the bridge.
    server.reconfigure(&users("pl4nted-wrong"));
    server.restart();
    let client =
        async_nats::ConnectOptions::with_user_and_password("bridge".into(), "pl4nted-wrong".into());
    let client = client.connect(server.url()).await.unwrap();
    recovers(&bridge, &names, client).await;

    // No output contains a secret.
    let told = format!("{:?} {:?} {:?}", log.lines(), bridge.status(), bridge);
    assert!(!told.contains("pl4nted"), "{told}");
    assert_eq!(
        bridge.stop(std::time::Duration::from_secs(5)).await,
        Some(0)
    );
}

#[tokio::test]
async fn an_nkey_is_read_from_its_file() {
    let (right, wrong) = (KeyPair::new_user(), KeyPair::new_user());
    let config = format!(
        "{JETSTREAM}authorization {{ users: [ {{ nkey: {} }} ] }}",
        right.public_key()
    );
    let server = Server::start_with("nkey", &config);
    let names = Names::open(&["a"]).await;
    let file = server.folder().join("user.nk");
    let mut settings = settings(&server);
    settings.nkey_file = Some(file.clone());
    let (bridge, log) = start(&names, settings, &server);
    let text = trouble(&bridge, "nats_secret_missing").await;
    assert!(text.contains("user.nk"), "{text}");
    names.say("a", "0");
    fs::write(&file, "pl4nted").unwrap();
    crate::support::until_async("it is read", async || {
        let text = bridge.status().error.unwrap().text;
        text.ends_with("user.nk: it holds no seed of a user")
    })
    .await;
    fs::write(&file, wrong.seed().unwrap()).unwrap();
    trouble(&bridge, "nats_credentials").await;
    fs::write(&file, format!("{}\n", right.seed().unwrap())).unwrap();
    let client = async_nats::ConnectOptions::with_nkey(right.seed().unwrap());
    let client = client.connect(server.url()).await.unwrap();
    recovers(&bridge, &names, client).await;
    let told = format!("{:?} {:?} {:?}", log.lines(), bridge.status(), bridge);
    for seed in [right.seed().unwrap(), wrong.seed().unwrap()] {
        assert!(!told.contains(&seed), "{told}");
    }
}

#[tokio::test]
async fn a_credentials_file_that_is_none_is_told() {
    let server = Server::start("creds");
    let names = Names::open(&["a"]).await;
    let file = server.folder().join("user.creds");
    let mut settings = settings(&server);
    settings.creds_file = Some(file.clone());
    let (bridge, log) = start(&names, settings, &server);
    let text = trouble(&bridge, "nats_secret_missing").await;
    assert!(
        text.starts_with(&format!("invalid credentials file {}: ", file.display())),
        "{text}"
    );
    fs::write(&file, "pl4nted").unwrap();
    crate::support::until_async("it is read", async || {
        let error = bridge.status().error.unwrap();
        error.code == "nats_secret_missing" && error.text != text
    })
    .await;
    let told = format!("{:?} {:?}", log.lines(), bridge.status());
    assert!(!told.contains("pl4nted"), "{told}");
}

/// Writes a CA with a server's and a client's certificate to files.
fn authority(folder: &Path, name: &str) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = TlsKey::generate().unwrap();
    let write =
        |file: &str, pem: String| fs::write(folder.join(format!("{name}-{file}")), pem).unwrap();
    write("ca.pem", params.self_signed(&key).unwrap().pem());
    let issuer = Issuer::new(params, key);
    for (file, usage) in [
        ("server", ExtendedKeyUsagePurpose::ServerAuth),
        ("client", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let key = TlsKey::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let cert = params.signed_by(&key, &issuer).unwrap();
        write(&format!("{file}.pem"), cert.pem());
        write(&format!("{file}.key"), key.serialize_pem());
    }
}

async fn tls_fails(names: &Names, settings: NatsSettings, server: &Server) {
    let (bridge, _) = start(names, settings, server);
    let text = trouble(&bridge, "nats_tls").await;
    assert!(
        text.starts_with("TLS with the NATS servers failed: "),
        "{text}"
    );
    bridge.stop(std::time::Duration::ZERO).await;
}

#[tokio::test]
async fn tls_takes_the_right_authority_and_the_right_client_certificate() {
    let config = format!(
        "{JETSTREAM}tls {{ cert_file: \"FOLDER/one-server.pem\", key_file: \"FOLDER/one-server.key\", \
         ca_file: \"FOLDER/one-ca.pem\", verify: true }}"
    );
    let server = Server::prepare("tls", &config, |folder| {
        authority(folder, "one");
        authority(folder, "two");
    });
    let names = Names::open(&["a"]).await;
    let file = |name: &str| Some(server.folder().join(name));
    let mut settings = settings(&server);
    // Another CA.
    settings.tls.ca_file = file("two-ca.pem");
    (settings.tls.cert_file, settings.tls.key_file) =
        (file("one-client.pem"), file("one-client.key"));
    tls_fails(&names, settings.clone(), &server).await;

    // The server does not know the client's CA.
    settings.tls.ca_file = file("one-ca.pem");
    (settings.tls.cert_file, settings.tls.key_file) =
        (file("two-client.pem"), file("two-client.key"));
    tls_fails(&names, settings.clone(), &server).await;

    // Its file is missing.
    settings.tls.cert_file = file("none.pem");
    let (bridge, _) = start(&names, settings.clone(), &server);
    let text = trouble(&bridge, "nats_tls").await;
    assert!(text.contains("none.pem"), "{text}");
    names.say("a", "0");
    crate::support::until_async("it waits", async || bridge.status().inbound.pending == 1).await;
    bridge.stop(std::time::Duration::ZERO).await;

    (settings.tls.cert_file, settings.tls.key_file) =
        (file("one-client.pem"), file("one-client.key"));
    let (bridge, _) = start(&names, settings, &server);
    let path = |name: &str| server.folder().join(name);
    let client = async_nats::ConnectOptions::new()
        .add_root_certificates(path("one-ca.pem"))
        .add_client_certificate(path("one-client.pem"), path("one-client.key"));
    let client = client.connect(server.url()).await.unwrap();
    up(&bridge).await;
    crate::support::read::published(&bridge, 1).await;
    let read = crate::support::read::all_by(client, "EVERWIRE_IN").await;
    assert_eq!(
        crate::support::read::texts(&read)["everwire.in.a"],
        numbers_of(["0"])
    );
}
