//! The commands over TLS.

mod service_support;
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::process::Output;

use service_support::{Running, everwire, file, stderr, stdout};
use support::{PrivateCa, TestDir};

/// A service over TLS with one connection, and its address; `more` is TOML for its `tls`.
fn service(test: &str, ca: &PrivateCa, more: &str) -> (Running, String) {
    let (cert, key) = (ca.cert_file.display(), ca.key_file.display());
    let text = format!(
        "[service]\nlisten = '127.0.0.1:0'\nlog.format = 'json'\ntls = {{ cert_file = '{cert}', key_file = '{key}'{more} }}\n\
         [connections.feed]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n"
    );
    let path = file(test, &text);
    let mut running = Running::start(&["run", path.to_str().unwrap()]);
    let up = running.event("everwire is up", None);
    let (_, port) = up["listen"].as_str().unwrap().rsplit_once(':').unwrap();
    (running, format!("https://localhost:{port}"))
}

fn ls(api: &str, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = everwire(&["ls", "--api", api]);
    command.args(args).env_remove("EVERWIRE_TOKEN");
    command.envs(environment.iter().copied()).output().unwrap()
}

#[track_caller]
fn listed(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(output).contains("feed"), "{output:?}");
}

#[track_caller]
fn refused(output: &Output, code: i32, part: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(stderr(output).contains(part), "{output:?}");
}

#[test]
fn a_service_over_tls_is_asked_with_the_authority_that_it_has() {
    let (dir, other) = (TestDir::new("cli-tls"), TestDir::new("cli-tls-other"));
    let (ca, other) = (PrivateCa::new(dir.path()), PrivateCa::new(other.path()));
    let (_running, api) = service("cli-tls", &ca, "");
    listed(&ls(&api, &["--ca-file", ca.ca_file.to_str().unwrap()], &[]));
    let strange = ls(&api, &["--ca-file", other.ca_file.to_str().unwrap()], &[]);
    refused(&strange, 1, "certificate");
    let no_pem = file("cli-tls-no-pem", "nothing");
    let unreadable = ls(&api, &["--ca-file", no_pem.to_str().unwrap()], &[]);
    refused(&unreadable, 2, "no certificate");
    let absent = ls(&api, &["--ca-file", "/nowhere/ca.pem"], &[]);
    refused(&absent, 2, "--ca-file /nowhere/ca.pem: ");
}

#[test]
fn a_service_that_wants_certificates_is_shown_one() {
    let (dir, other) = (TestDir::new("cli-mtls"), TestDir::new("cli-mtls-other"));
    let (ca, other) = (PrivateCa::new(dir.path()), PrivateCa::new(other.path()));
    let authority = ca.ca_file.to_str().unwrap();
    let wants = format!(", client_ca_file = '{authority}'");
    let (_running, api) = service("cli-mtls", &ca, &wants);
    let shown = |by: &PrivateCa, cert: &str, key: &str| {
        let files = [&by.client_cert_file, &by.client_key_file].map(|file| file.to_str().unwrap());
        ls(
            &api,
            &["--ca-file", authority, cert, files[0], key, files[1]],
            &[],
        )
    };
    listed(&shown(&ca, "--cert-file", "--key-file"));
    listed(&shown(&ca, "--cert", "--key"));
    let (cert, key) = (&ca.client_cert_file, &ca.client_key_file);
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let by_environment = [("EVERWIRE_CERT_FILE", cert), ("EVERWIRE_KEY_FILE", key)];
    listed(&ls(&api, &["--ca-file", authority], &by_environment));

    refused(&shown(&other, "--cert", "--key"), 1, "cannot be reached");
    refused(
        &ls(&api, &["--ca-file", authority], &[]),
        1,
        "cannot be reached",
    );
    let with = |args: &[&str]| ls(&api, &[&["--ca-file", authority], args].concat(), &[]);
    refused(&with(&["--cert", cert]), 2, "--key-file");
    let other_key = other.client_key_file.to_str().unwrap();
    refused(
        &with(&["--cert", cert, "--key", other_key]),
        2,
        "--cert-file",
    );
    let no_key = with(&["--cert", cert, "--key", cert]);
    refused(&no_key, 2, "there is no private key in it");
    let no_tls = ls("http://127.0.0.1:1", &["--cert", cert, "--key", key], &[]);
    refused(&no_tls, 2, "https");
}
