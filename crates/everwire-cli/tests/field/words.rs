//! The messages about mistakes.
//!
//! Reported: `check` accepted a configuration with a missing client certificate, with a key that
//! was encrypted, belonged to another certificate or was given as the authority, so that each name
//! failed at its first dial; with an empty variable as the host, the first part of the path was
//! dialled; `"Bearer $TOKEN"` was sent literally without a warning. Messages of dials are tested
//! with the dials.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rcgen::KeyPair;

use crate::support::{PrivateCa, TestDir};

const ENCRYPTED: &str =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";

fn check(path: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_everwire"))
        .arg("check")
        .args(args)
        .arg(path)
        .env("EMPTY", "")
        .output()
        .unwrap()
}

fn config(dir: &TestDir, keys: &str) -> PathBuf {
    let path = dir.path().join("config.toml");
    fs::write(
        &path,
        format!("[connections.feed]\nurl = 'wss://localhost:1/'\n{keys}\n"),
    )
    .unwrap();
    path
}

#[test]
fn check_finds_the_tls_files_that_a_dial_could_not_use() {
    let dir = TestDir::new("check-tls");
    let ca = PrivateCa::new(dir.path());
    let file = |name: &str, content: &str| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let (cert, key) = (ca.client_cert_file.display(), ca.client_key_file.display());
    let authority = ca.ca_file.display();
    let foreign = file("foreign.key", &KeyPair::generate().unwrap().serialize_pem());
    let encrypted = file("encrypted.key", ENCRYPTED);
    let valid =
        format!("tls = {{ ca_file = '{authority}', cert_file = '{cert}', key_file = '{key}' }}");
    let output = check(&config(&dir, &valid), &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (keys, says) in [
        ("tls.ca_file = 'nowhere.pem'".to_owned(), "no such file"),
        (
            format!("tls = {{ cert_file = 'nowhere.pem', key_file = '{key}' }}"),
            "no such file",
        ),
        (
            format!("tls = {{ cert_file = '{cert}', key_file = '{encrypted}' }}"),
            "its key is encrypted",
        ),
        (
            format!("tls = {{ cert_file = '{cert}', key_file = '{foreign}' }}"),
            "does not match the certificate",
        ),
        (
            format!("tls.ca_file = '{key}'"),
            "it holds a private key and no certificate",
        ),
    ] {
        let path = config(&dir, &keys);
        let output = check(&path, &[]);
        assert_eq!(output.status.code(), Some(2), "{keys}: {output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("error: tls."), "{told}");
        assert!(told.contains("config.toml:3:"), "{told}");
        assert!(told.contains(says), "{told}");
        let output = check(&path, &["--json"]);
        assert_eq!(output.status.code(), Some(2), "{keys}: {output:?}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["valid"], false);
        assert_eq!(answer["errors"][0]["line"], 3, "{answer}");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(says), "{answer}");
    }
}

#[test]
fn check_refuses_a_url_without_a_host() {
    let dir = TestDir::new("check-host");
    let path = dir.path().join("config.toml");
    for url in [
        "ws://${EMPTY}/h/x",
        "ws:h/x",
        "ws:////h/x",
        "wss://@h/",
        "wss://${EMPTY}:1/",
    ] {
        fs::write(&path, format!("connections.feed.url = '{url}'\n")).unwrap();
        let output = check(&path, &[]);
        assert_eq!(output.status.code(), Some(2), "{url}: {output:?}");
    }
}

#[test]
fn check_warns_of_a_variable_without_braces() {
    let dir = TestDir::new("check-warning");
    let path = config(&dir, "headers = { Authorization = \"Bearer $TOKEN\" }");
    let output = check(&path, &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("warning: ") && told.contains("${TOKEN}"),
        "{told}"
    );
    let output = check(&path, &["--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&answer["valid"], &answer["warnings"][0]["line"]),
        (&true.into(), &3.into())
    );
}
